-- Which birthrights a user was last held against: who has not changed since need not be looked at again.

-- +goose Up

ALTER TABLE users ADD COLUMN judged TEXT NOT NULL DEFAULT '';

-- +goose Down
SELECT 1;
