-- Persons stand in the ledger by pseudonyms. A row here says whom one means, and the key proves it; deleting the row erases the
-- person from the ledger, whose records and hashes stay as they are.

-- +goose Up

CREATE TABLE persons (
    pseudonym  TEXT   PRIMARY KEY,
    identifier TEXT   NOT NULL UNIQUE,
    key        BYTEA  NOT NULL
);

-- The text of each policy file that was ever put in force, by its hash, which stands in the ledger.
CREATE TABLE policy_files (
    sha256 TEXT PRIMARY KEY,
    name   TEXT NOT NULL,
    doc    TEXT NOT NULL
);

-- +goose Down
SELECT 1;
