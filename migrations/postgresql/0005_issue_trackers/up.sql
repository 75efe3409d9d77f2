-- How an issue uses a tracker: it has one ticket at most.
CREATE TABLE issue_trackers (
    organization_id BYTEA NOT NULL,
    issue_id BYTEA NOT NULL,
    connection_id BYTEA NOT NULL,
    project_key TEXT NOT NULL,
    -- Which instances the ticket carries as CSV: none, actionable, all.
    csv TEXT NOT NULL,
    -- Does the ticket close when all instances are remediated?
    auto_close BOOLEAN NOT NULL,
    -- Do instances in review, or accepted for a time, keep it open?
    temporary_keeps_open BOOLEAN NOT NULL,
    settings_json TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, issue_id),
    FOREIGN KEY (organization_id, issue_id) REFERENCES issues (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, connection_id) REFERENCES tracker_connections (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX ix_issue_trackers_connection ON issue_trackers (connection_id);
