-- What lets a pass look only at what changed: a revision for each group, names under which users are found, the ends of
-- grants, and where changes are found by time. And what a person has asked to be tried again.

-- +goose Up

CREATE TABLE group_revisions (
    group_id TEXT   PRIMARY KEY,
    revision BIGINT NOT NULL,
    at       BIGINT NOT NULL
);

CREATE TABLE quiet_groups (
    group_id TEXT   PRIMARY KEY,
    revision BIGINT NOT NULL,
    program  TEXT   NOT NULL,
    doc      TEXT   NOT NULL
);

CREATE TABLE user_names (
    kind    TEXT NOT NULL,
    name    TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (kind, name, user_id)
);
CREATE INDEX user_names_user ON user_names (user_id);

CREATE INDEX users_deprovisioned ON users (id) WHERE status = 'DEPROVISIONED';

ALTER TABLE grants ADD COLUMN expires BIGINT NOT NULL DEFAULT 0;
CREATE INDEX grants_expires ON grants (expires, group_id) WHERE ended = 0 AND expires <> 0;

CREATE INDEX changes_begun ON changes (intended);
CREATE INDEX changes_refused ON changes (settled) WHERE state = 'refused';

CREATE TABLE change_retries (
    kind     TEXT   NOT NULL,
    group_id TEXT   NOT NULL,
    user_id  TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (kind, group_id, user_id)
);

-- +goose Down
SELECT 1;
