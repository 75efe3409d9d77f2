-- What has changed, for those who watch. Written with the change; kept for a day.
CREATE TABLE events (
    organization_id BYTEA NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id BYTEA NOT NULL,
    -- In the order in which changes became visible; NULL until somebody watches.
    position BIGINT,
    kind TEXT NOT NULL,
    action TEXT NOT NULL,
    subject_id BYTEA NOT NULL,
    product_id BYTEA,
    at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX ix_events_unnumbered ON events (id) WHERE position IS NULL;
CREATE UNIQUE INDEX ux_events_position ON events (position);
CREATE INDEX ix_events_organization ON events (organization_id, position);
CREATE INDEX ix_events_unnumbered_age ON events (at) WHERE position IS NULL;
