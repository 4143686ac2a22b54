-- Objects as a vendor sent them: of each the latest reading, and each reading that a record of the ledger names by its hash.

-- +goose Up

CREATE TABLE originals (
    subject TEXT   NOT NULL, -- ticket key, event ID or user ID
    kind    TEXT   NOT NULL,
    sha256  TEXT   NOT NULL, -- of the bytes before they were packed
    read_at BIGINT NOT NULL, -- when they were last read
    latest  BIGINT NOT NULL, -- 1: the last reading of the object
    kept    BIGINT NOT NULL, -- position of the last record that names it; -1 for none
    erased  TEXT   NOT NULL, -- pseudonym of the person who was erased, and the bytes with them; empty otherwise
    packed  BYTEA  NOT NULL,
    PRIMARY KEY (subject, kind, sha256)
);
CREATE INDEX originals_kept ON originals (kept) WHERE kept >= 0;

-- +goose Down
SELECT 1;
