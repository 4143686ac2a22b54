-- Incidents, and the alerts and tickets that they are made of. As in the first migration, times are BIGINT Unix microseconds
-- UTC, and doc holds the whole object as JSON.

-- +goose Up

CREATE TABLE alerts (
    id      TEXT   PRIMARY KEY,
    updated BIGINT NOT NULL,
    doc     TEXT   NOT NULL
);

CREATE TABLE incidents (
    id   TEXT   PRIMARY KEY,
    live BIGINT NOT NULL,
    doc  TEXT   NOT NULL
);
CREATE INDEX incidents_live ON incidents (id) WHERE live = 1;

CREATE TABLE incident_parts (
    part     TEXT PRIMARY KEY,
    incident TEXT NOT NULL
);

CREATE TABLE incident_orders (
    source  TEXT   PRIMARY KEY,
    read_at BIGINT NOT NULL,
    doc     TEXT   NOT NULL
);
