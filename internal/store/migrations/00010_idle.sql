-- What keeps a pass over an organisation in which nothing changes from reading all of its people, memberships and tickets.

-- +goose Up

CREATE INDEX users_judged ON users (judged, id);
CREATE INDEX baseline_review ON baseline (review_by, group_id) WHERE review_by > 0;
CREATE INDEX tickets_project ON tickets (project, updated);

-- +goose Down
SELECT 1;
