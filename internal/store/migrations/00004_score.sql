-- What sopd would have done where it only observes, to be held against what people did. until is 0 while it still would.

-- +goose Up

CREATE TABLE proposals (
    kind     TEXT   NOT NULL,
    user_id  TEXT   NOT NULL,
    group_id TEXT   NOT NULL,
    since    BIGINT NOT NULL,
    until    BIGINT NOT NULL,
    reason   TEXT   NOT NULL,
    ticket   TEXT   NOT NULL,
    PRIMARY KEY (kind, user_id, group_id, since)
);
CREATE INDEX proposals_standing ON proposals (since) WHERE until = 0;

-- +goose Down

DROP TABLE proposals;
