-- Deliveries of webhooks that nobody has worked off yet. A file of its own, so that taking one in never waits for who
-- writes to the database.
CREATE TABLE webhook_inbox (
    id BLOB NOT NULL PRIMARY KEY,
    organization_id BLOB NOT NULL,
    connection_id BLOB NOT NULL,
    delivery_key TEXT NOT NULL,
    -- What the tracker's header says.
    event TEXT NOT NULL,
    is_signed BOOLEAN NOT NULL,
    body BLOB NOT NULL,
    received_at BIGINT NOT NULL,
    -- When it may be worked off; while somebody does, when that lease ends.
    due_at BIGINT NOT NULL
);
CREATE INDEX ix_webhook_inbox_due ON webhook_inbox (connection_id, due_at, id);
