-- What procedures besides access know of their tickets, campaigns of access reviews, and the figures of clocks as a
-- projection of their facts that is kept up to date subject by subject.

-- +goose Up

CREATE TABLE procedures (
    sop    TEXT   NOT NULL,
    ticket TEXT   NOT NULL,
    state  TEXT   NOT NULL,
    next   BIGINT NOT NULL,
    doc    TEXT   NOT NULL,
    PRIMARY KEY (sop, ticket)
);
CREATE INDEX procedures_state ON procedures (state, sop, ticket);
CREATE INDEX procedures_next ON procedures (next) WHERE next <> 0;

CREATE TABLE tasks (
    name   TEXT   NOT NULL,
    period TEXT   NOT NULL,
    done   BIGINT NOT NULL,
    doc    TEXT   NOT NULL,
    PRIMARY KEY (name, period)
);
CREATE INDEX tasks_open ON tasks (name) WHERE done = 0;

CREATE TABLE reviews (
    id    TEXT   PRIMARY KEY,
    state TEXT   NOT NULL,
    doc   TEXT   NOT NULL
);
CREATE INDEX reviews_state ON reviews (state, id);

CREATE TABLE unassigned (
    campaign TEXT NOT NULL,
    group_id TEXT NOT NULL,
    user_id  TEXT NOT NULL,
    PRIMARY KEY (campaign, group_id, user_id)
);

CREATE TABLE stale_subjects (
    subject TEXT PRIMARY KEY
);
INSERT INTO stale_subjects (subject) SELECT DISTINCT subject FROM facts;

CREATE TABLE kpi_days (
    sop      TEXT   NOT NULL,
    kpi      TEXT   NOT NULL,
    severity TEXT   NOT NULL,
    day      BIGINT NOT NULL,
    outcome  TEXT   NOT NULL,
    n        BIGINT NOT NULL,
    PRIMARY KEY (sop, kpi, severity, day, outcome)
);

CREATE TABLE kpi_spread (
    sop       TEXT   NOT NULL,
    kpi       TEXT   NOT NULL,
    severity  TEXT   NOT NULL,
    bound     BIGINT NOT NULL,
    native    BIGINT NOT NULL,
    n         BIGINT NOT NULL,
    total     BIGINT NOT NULL,
    change_id TEXT   NOT NULL,
    took      BIGINT NOT NULL,
    PRIMARY KEY (sop, kpi, severity, bound, native)
);

CREATE INDEX ledger_kind ON ledger (kind, at);
CREATE INDEX tickets_updated ON tickets (updated);
CREATE INDEX tickets_read ON tickets (read_at, id);
CREATE INDEX cycles_under_way ON cycles (subject, sop, kpi, number) WHERE open = 1;
CREATE INDEX facts_name ON facts (name, at);
