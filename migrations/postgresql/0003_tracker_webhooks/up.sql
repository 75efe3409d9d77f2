-- What trackers tell us. Deliveries wait in webhook_inbox until the worker has worked them off; in the other tables
-- stands what came of them.

CREATE TABLE tracker_webhooks (
    organization_id BYTEA NOT NULL,
    connection_id BYTEA NOT NULL,
    -- Of the secret in the URL, and of the one before it while that is still taken.
    secret_hash BYTEA,
    previous_hash BYTEA,
    previous_until BIGINT,
    -- What trackers sign with.
    signing_sealed BYTEA,
    previous_signing_sealed BYTEA,
    requires_signature BOOLEAN NOT NULL DEFAULT FALSE,
    -- NULL: statuses of trackers change nothing.
    state_mapping_json TEXT,
    -- The names by which the tracker calls our own account.
    account_json TEXT,
    account_asked_at BIGINT,
    secret_made_at BIGINT,
    version BIGINT NOT NULL DEFAULT 1,
    PRIMARY KEY (organization_id, connection_id),
    FOREIGN KEY (organization_id, connection_id) REFERENCES tracker_connections (organization_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX ux_tracker_webhooks_connection ON tracker_webhooks (connection_id);

CREATE TABLE webhook_deliveries (
    organization_id BYTEA NOT NULL,
    id BYTEA NOT NULL,
    connection_id BYTEA NOT NULL,
    -- The same for a delivery that comes again.
    delivery_key TEXT COLLATE "C" NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    is_signed BOOLEAN NOT NULL,
    outcome TEXT NOT NULL,
    effects_json TEXT NOT NULL,
    -- NULL: it is about nothing of ours.
    ticket_id BYTEA,
    product_id BYTEA,
    received_at BIGINT NOT NULL,
    worked_off_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, connection_id) REFERENCES tracker_webhooks (organization_id, connection_id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX ux_webhook_deliveries_key ON webhook_deliveries (organization_id, connection_id, delivery_key);
CREATE INDEX ix_webhook_deliveries_connection ON webhook_deliveries (organization_id, connection_id, id);
CREATE INDEX ix_webhook_deliveries_age ON webhook_deliveries (received_at);

-- How many deliveries of each kind came, and when the last.
CREATE TABLE webhook_kinds (
    organization_id BYTEA NOT NULL,
    connection_id BYTEA NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    is_known BOOLEAN NOT NULL,
    deliveries BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, connection_id, event),
    FOREIGN KEY (organization_id, connection_id) REFERENCES tracker_webhooks (organization_id, connection_id) ON DELETE CASCADE
);

-- The statuses that tickets were seen in.
CREATE TABLE webhook_statuses (
    organization_id BYTEA NOT NULL,
    connection_id BYTEA NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    is_done BOOLEAN NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, connection_id, status),
    FOREIGN KEY (organization_id, connection_id) REFERENCES tracker_webhooks (organization_id, connection_id) ON DELETE CASCADE
);

-- The newest that a webhook said of a ticket: what is older changes nothing any more.
CREATE TABLE webhook_tickets (
    organization_id BYTEA NOT NULL,
    ticket_id BYTEA NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    said_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, ticket_id),
    FOREIGN KEY (organization_id, ticket_id) REFERENCES tickets (organization_id, id) ON DELETE CASCADE
);

-- Keys of tickets change when they are moved; ids do not.
CREATE INDEX ix_tickets_remote_id ON tickets (organization_id, connection_id, remote_id);

-- Deliveries that nobody has worked off yet.
CREATE TABLE webhook_inbox (
    id BYTEA NOT NULL PRIMARY KEY,
    organization_id BYTEA NOT NULL,
    connection_id BYTEA NOT NULL,
    delivery_key TEXT COLLATE "C" NOT NULL,
    -- What the tracker's header says.
    event TEXT NOT NULL,
    is_signed BOOLEAN NOT NULL,
    body BYTEA NOT NULL,
    received_at BIGINT NOT NULL,
    -- When it may be worked off; while somebody does, when that lease ends.
    due_at BIGINT NOT NULL
);
CREATE INDEX ix_webhook_inbox_due ON webhook_inbox (connection_id, due_at, id);
