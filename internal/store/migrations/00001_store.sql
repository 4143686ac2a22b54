-- One schema for SQLite and PostgreSQL. Times are BIGINT Unix microseconds UTC, 0 for none; identifiers and JSON are TEXT.
-- A column doc holds the whole object as JSON under the field names of its Go type; the columns beside it are what
-- queries look for, and repeat what doc says.

-- +goose Up

CREATE TABLE ledger (
    seq       BIGINT PRIMARY KEY,
    kind      TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    change_id TEXT   NOT NULL,
    ticket    TEXT   NOT NULL,
    user_id   TEXT   NOT NULL,
    group_id  TEXT   NOT NULL,
    canonical TEXT   NOT NULL
);
CREATE INDEX ledger_change ON ledger (change_id, seq) WHERE change_id <> '';
CREATE INDEX ledger_ticket ON ledger (ticket, seq) WHERE ticket <> '';
CREATE INDEX ledger_user ON ledger (user_id, seq) WHERE user_id <> '';

CREATE TABLE ledger_hashes (
    idx  BIGINT PRIMARY KEY,
    hash BYTEA  NOT NULL
);

CREATE TABLE checkpoints (
    size BIGINT PRIMARY KEY,
    at   BIGINT NOT NULL,
    note TEXT   NOT NULL
);

CREATE TABLE users (
    id     TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    doc    TEXT NOT NULL
);

CREATE TABLE okta_groups (
    id  TEXT PRIMARY KEY,
    doc TEXT NOT NULL
);

CREATE TABLE group_reads (
    group_id TEXT   PRIMARY KEY,
    read_at  BIGINT NOT NULL
);

CREATE TABLE members (
    group_id TEXT NOT NULL,
    user_id  TEXT NOT NULL,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX members_user ON members (user_id, group_id);

CREATE TABLE rules (
    id  TEXT PRIMARY KEY,
    doc TEXT NOT NULL
);

CREATE TABLE events (
    id        TEXT   PRIMARY KEY,
    published BIGINT NOT NULL,
    type      TEXT   NOT NULL,
    doc       TEXT   NOT NULL
);
CREATE INDEX events_published ON events (published, id);

CREATE TABLE event_subjects (
    user_id   TEXT   NOT NULL,
    group_id  TEXT   NOT NULL,
    published BIGINT NOT NULL,
    event_id  TEXT   NOT NULL,
    PRIMARY KEY (user_id, group_id, published, event_id)
);

CREATE TABLE tickets (
    id      TEXT   PRIMARY KEY,
    key     TEXT   NOT NULL,
    project TEXT   NOT NULL,
    done    BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    read_at BIGINT NOT NULL,
    gone_at BIGINT NOT NULL,
    doc     TEXT   NOT NULL
);
CREATE INDEX tickets_key ON tickets (key);
CREATE INDEX tickets_open ON tickets (project, id) WHERE done = 0 AND gone_at = 0;

CREATE TABLE approvals (
    ticket  TEXT   PRIMARY KEY,
    read_at BIGINT NOT NULL,
    doc     TEXT   NOT NULL
);

CREATE TABLE bad_tickets (
    ticket TEXT   PRIMARY KEY,
    since  BIGINT NOT NULL,
    cause  TEXT   NOT NULL
);

CREATE TABLE grants (
    id       TEXT   PRIMARY KEY,
    group_id TEXT   NOT NULL,
    user_id  TEXT   NOT NULL,
    ticket   TEXT   NOT NULL,
    ended    BIGINT NOT NULL,
    doc      TEXT   NOT NULL
);
CREATE INDEX grants_open ON grants (group_id, user_id) WHERE ended = 0;
CREATE INDEX grants_user ON grants (user_id);
CREATE INDEX grants_ticket ON grants (ticket);
CREATE INDEX grants_ended ON grants (ended) WHERE ended <> 0;

CREATE TABLE changes (
    id       TEXT   PRIMARY KEY,
    kind     TEXT   NOT NULL,
    reason   TEXT   NOT NULL,
    state    TEXT   NOT NULL,
    user_id  TEXT   NOT NULL,
    group_id TEXT   NOT NULL,
    ticket   TEXT   NOT NULL,
    intended BIGINT NOT NULL,
    settled  BIGINT NOT NULL,
    doc      TEXT   NOT NULL
);
CREATE INDEX changes_unsettled ON changes (id) WHERE settled = 0;
CREATE INDEX changes_user ON changes (user_id, id);
CREATE INDEX changes_ticket ON changes (ticket, id);
CREATE INDEX changes_intended ON changes (kind, intended);

CREATE TABLE change_totals (
    kind   TEXT   NOT NULL,
    reason TEXT   NOT NULL,
    state  TEXT   NOT NULL,
    n      BIGINT NOT NULL,
    PRIMARY KEY (kind, reason, state)
);

CREATE TABLE effects (
    key      TEXT   PRIMARY KEY,
    ticket   TEXT   NOT NULL,
    after    TEXT   NOT NULL,
    created  BIGINT NOT NULL,
    done     BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    next     BIGINT NOT NULL,
    error    TEXT   NOT NULL,
    doc      TEXT   NOT NULL
);
CREATE INDEX effects_open ON effects (created, key) WHERE done = 0;
CREATE INDEX effects_ticket ON effects (ticket);

CREATE TABLE pages (
    alias    TEXT   PRIMARY KEY,
    created  BIGINT NOT NULL,
    done     BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    next     BIGINT NOT NULL,
    error    TEXT   NOT NULL,
    doc      TEXT   NOT NULL
);
CREATE INDEX pages_open ON pages (created, alias) WHERE done = 0;

CREATE TABLE baseline (
    group_id  TEXT   NOT NULL,
    user_id   TEXT   NOT NULL,
    adopted   BIGINT NOT NULL,
    review_by BIGINT NOT NULL,
    adopter   TEXT   NOT NULL,
    PRIMARY KEY (group_id, user_id)
);

CREATE TABLE findings (
    key     TEXT   PRIMARY KEY,
    kind    TEXT   NOT NULL,
    cleared BIGINT NOT NULL,
    doc     TEXT   NOT NULL
);
CREATE INDEX findings_open ON findings (key) WHERE cleared = 0;

CREATE TABLE holds (
    id        TEXT   PRIMARY KEY,
    plan_hash TEXT   NOT NULL,
    state     TEXT   NOT NULL,
    doc       TEXT   NOT NULL
);
CREATE INDEX holds_plan ON holds (plan_hash, id);

CREATE TABLE facts (
    id       TEXT   PRIMARY KEY,
    subject  TEXT   NOT NULL,
    name     TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    recorded BIGINT NOT NULL,
    doc      TEXT   NOT NULL
);
CREATE INDEX facts_subject ON facts (subject, at, id);

CREATE TABLE cycles (
    subject TEXT   NOT NULL,
    sop     TEXT   NOT NULL,
    kpi     TEXT   NOT NULL,
    number  BIGINT NOT NULL,
    open    BIGINT NOT NULL,
    doc     TEXT   NOT NULL,
    PRIMARY KEY (subject, sop, kpi, number)
);
CREATE INDEX cycles_open ON cycles (sop, kpi) WHERE open = 1;

CREATE TABLE cursors (
    name  TEXT   PRIMARY KEY,
    value TEXT   NOT NULL,
    at    BIGINT NOT NULL
);

CREATE TABLE leases (
    name   TEXT   PRIMARY KEY,
    holder TEXT   NOT NULL,
    until  BIGINT NOT NULL,
    token  BIGINT NOT NULL
);

CREATE TABLE deliveries (
    source   TEXT   NOT NULL,
    id       TEXT   NOT NULL,
    received BIGINT NOT NULL,
    done     BIGINT NOT NULL,
    result   TEXT   NOT NULL,
    body     BYTEA  NOT NULL,
    PRIMARY KEY (source, id)
);
CREATE INDEX deliveries_open ON deliveries (received, source, id) WHERE done = 0;
CREATE INDEX deliveries_done ON deliveries (done) WHERE done <> 0;

CREATE TABLE work (
    key    TEXT   PRIMARY KEY,
    wanted BIGINT NOT NULL,
    done   BIGINT NOT NULL,
    since  BIGINT NOT NULL
);
CREATE INDEX work_pending ON work (since) WHERE wanted > done;

-- +goose Down
SELECT 1;
