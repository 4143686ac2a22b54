-- Persons stand in the ledger by pseudonyms. A row here says whom one means, and the key proves it; deleting the row erases the
-- person from the ledger, whose records and hashes stay as they are.

-- +goose Up

CREATE TABLE persons (
    pseudonym  TEXT   PRIMARY KEY,
    identifier TEXT   NOT NULL UNIQUE,
    key        BYTEA  NOT NULL
);

-- +goose Down
SELECT 1;
