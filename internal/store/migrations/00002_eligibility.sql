-- Who could approve at the time of an approval: when a member was first seen in a group that had been read before without
-- them (0: as far back as the mirror goes). And what was lost: tickets that are gone.

-- +goose Up

ALTER TABLE members ADD COLUMN seen_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX tickets_gone ON tickets (gone_at) WHERE gone_at <> 0;

-- +goose Down
SELECT 1;
