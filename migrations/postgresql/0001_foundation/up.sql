-- Every table of a tenant leads its primary and unique keys with organization_id; foreign keys between tenant tables
-- are composite, so a reference across organizations cannot be stored. Ids are 16 bytes (UUIDv7), times are
-- microseconds since 1970 UTC, severities are ranks 0..5.

CREATE TABLE organizations (
    id BYTEA NOT NULL PRIMARY KEY,
    slug TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT NOT NULL,
    tracker_traffic_stopped BOOLEAN NOT NULL DEFAULT FALSE,
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL
);

-- Users, their sessions and API tokens are found before the organization is known: they are global.
CREATE TABLE users (
    id BYTEA NOT NULL PRIMARY KEY,
    email TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    is_superuser BOOLEAN NOT NULL DEFAULT FALSE,
    is_active BOOLEAN NOT NULL DEFAULT TRUE,
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL
);

CREATE TABLE memberships (
    organization_id BYTEA NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX ix_memberships_user ON memberships (user_id);

CREATE TABLE teams (
    organization_id BYTEA NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id BYTEA NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    responsible_user_id BYTEA,
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, name),
    FOREIGN KEY (organization_id, responsible_user_id) REFERENCES memberships (organization_id, user_id)
);

CREATE TABLE team_members (
    organization_id BYTEA NOT NULL,
    team_id BYTEA NOT NULL,
    user_id BYTEA NOT NULL,
    PRIMARY KEY (organization_id, team_id, user_id),
    FOREIGN KEY (organization_id, team_id) REFERENCES teams (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, user_id) REFERENCES memberships (organization_id, user_id) ON DELETE CASCADE
);
CREATE INDEX ix_team_members_user ON team_members (organization_id, user_id);

CREATE TABLE api_tokens (
    id BYTEA NOT NULL PRIMARY KEY,
    organization_id BYTEA NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    product_id BYTEA,
    name TEXT NOT NULL,
    token_hash BYTEA NOT NULL UNIQUE,
    -- The first characters, to recognise a token by; the rest is known by its hash only.
    token_prefix TEXT NOT NULL,
    -- Words of scopes, separated by spaces.
    scopes TEXT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    created_by BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL
);
CREATE INDEX ix_api_tokens_organization ON api_tokens (organization_id, id);

CREATE TABLE api_token_uses (
    token_id BYTEA NOT NULL PRIMARY KEY REFERENCES api_tokens (id) ON DELETE CASCADE,
    last_used_at BIGINT NOT NULL
);

-- A login and what follows from it. A refresh replaces the hash; a token that was replaced ends the session.
CREATE TABLE sessions (
    id BYTEA NOT NULL PRIMARY KEY,
    user_id BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    refresh_hash BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX ix_sessions_user ON sessions (user_id);
CREATE INDEX ix_sessions_expiry ON sessions (expires_at);

-- Logins that were tried, counted per account, per address and per both: shared by all instances. Keys are hashes:
-- people type passwords into the wrong field.
CREATE TABLE login_attempts (
    attempt_key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    attempts BIGINT NOT NULL,
    window_ends_at BIGINT NOT NULL
);
CREATE INDEX ix_login_attempts_end ON login_attempts (window_ends_at);

-- Whoever holds the code may join; an organization cannot add people, or learn about them, without them.
CREATE TABLE invitations (
    organization_id BYTEA NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id BYTEA NOT NULL,
    email TEXT COLLATE "C" NOT NULL,
    role TEXT NOT NULL,
    code_hash BYTEA NOT NULL UNIQUE,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, email)
);

CREATE TABLE products (
    organization_id BYTEA NOT NULL REFERENCES organizations (id),
    id BYTEA NOT NULL,
    name TEXT NOT NULL,
    -- The name, trimmed and lower-cased: what makes it unique.
    name_key TEXT COLLATE "C" NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    -- Only the owning teams and admins see it (PB-10).
    is_restricted BOOLEAN NOT NULL DEFAULT FALSE,
    default_branch_id BYTEA,
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, name_key)
);
CREATE INDEX ix_products_restricted ON products (organization_id, is_restricted) WHERE is_restricted = TRUE;

CREATE TABLE product_teams (
    organization_id BYTEA NOT NULL,
    product_id BYTEA NOT NULL,
    team_id BYTEA NOT NULL,
    PRIMARY KEY (organization_id, product_id, team_id),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, team_id) REFERENCES teams (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX ix_product_teams_team ON product_teams (organization_id, team_id);

CREATE TABLE branches (
    organization_id BYTEA NOT NULL,
    id BYTEA NOT NULL,
    product_id BYTEA NOT NULL,
    -- Empty: the implicit row of scans without a branch.
    name TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, product_id, name),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id) ON DELETE CASCADE
);
ALTER TABLE products ADD CONSTRAINT fk_products_default_branch
    FOREIGN KEY (organization_id, default_branch_id) REFERENCES branches (organization_id, id) DEFERRABLE INITIALLY DEFERRED;

CREATE TABLE engagements (
    organization_id BYTEA NOT NULL,
    id BYTEA NOT NULL,
    product_id BYTEA NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL,
    starts_at BIGINT,
    ends_at BIGINT,
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, product_id, name),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id) ON DELETE CASCADE
);

CREATE TABLE assets (
    organization_id BYTEA NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id BYTEA NOT NULL,
    kind TEXT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    -- The name, lower-cased, to search in.
    search TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, kind, name)
);

CREATE TABLE components (
    organization_id BYTEA NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id BYTEA NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    component_version TEXT COLLATE "C" NOT NULL,
    purl TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, name, component_version, purl)
);

CREATE TABLE vulnerabilities (
    organization_id BYTEA NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id BYTEA NOT NULL,
    vulnerability_key TEXT COLLATE "C" NOT NULL,
    title TEXT NOT NULL,
    severity SMALLINT NOT NULL,
    description TEXT NOT NULL,
    remediation TEXT,
    -- The first CWE, to filter by; all of them in cwes_json.
    cwe INTEGER,
    cwes_json TEXT NOT NULL DEFAULT '[]',
    cvss2 TEXT,
    cvss3 TEXT,
    cvss4 TEXT,
    cvss_score DOUBLE PRECISION,
    epss DOUBLE PRECISION,
    is_known_exploited BOOLEAN NOT NULL DEFAULT FALSE,
    references_json TEXT NOT NULL DEFAULT '[]',
    -- Key, ids and title, lower-cased, to search in.
    search TEXT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, vulnerability_key)
);
CREATE INDEX ix_vulnerabilities_cwe ON vulnerabilities (organization_id, cwe, id);
CREATE INDEX ix_vulnerabilities_severity ON vulnerabilities (organization_id, severity, id);
-- The trigram index needs an extension that a database may lack; without it a search reads the column.
DO $$ BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX ix_vulnerabilities_search ON vulnerabilities USING gin (search gin_trgm_ops);
EXCEPTION WHEN OTHERS THEN RAISE NOTICE 'pg_trgm is not available: %', SQLERRM;
END $$;

CREATE TABLE vulnerability_aliases (
    organization_id BYTEA NOT NULL,
    alias TEXT COLLATE "C" NOT NULL,
    vulnerability_id BYTEA NOT NULL,
    PRIMARY KEY (organization_id, alias, vulnerability_id),
    FOREIGN KEY (organization_id, vulnerability_id) REFERENCES vulnerabilities (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX ix_vulnerability_aliases_vulnerability ON vulnerability_aliases (organization_id, vulnerability_id);

CREATE TABLE scan_sources (
    organization_id BYTEA NOT NULL,
    id BYTEA NOT NULL,
    product_id BYTEA NOT NULL,
    branch_id BYTEA NOT NULL,
    engagement_id BYTEA,
    -- The engagement id in hex, or empty: NULL would not make the key unique.
    engagement_key TEXT COLLATE "C" NOT NULL DEFAULT '',
    tool TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL DEFAULT '',
    latest_scan_id BYTEA,
    latest_scan_at BIGINT,
    -- The report's own time where it has one, else receipt: an older scan changes nothing.
    latest_reported_at BIGINT,
    latest_report_hash BYTEA,
    -- Counts the scans that changed something: an import that prepared against another number starts over.
    latest_sequence BIGINT NOT NULL DEFAULT 0,
    -- Closes of a mass disappearance that wait for a second scan or a person.
    closes_held_at BIGINT,
    retired_at BIGINT,
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, product_id, branch_id, engagement_key, tool, name),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, branch_id) REFERENCES branches (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX ix_scan_sources_latest ON scan_sources (product_id, latest_scan_at, id);
CREATE INDEX ix_scan_sources_organization ON scan_sources (organization_id, latest_scan_at, id);
CREATE INDEX ix_scan_sources_branch ON scan_sources (branch_id);

CREATE TABLE uploads (
    organization_id BYTEA NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id BYTEA NOT NULL,
    product_id BYTEA NOT NULL,
    state TEXT NOT NULL,
    format TEXT,
    -- What was asked for with the file.
    settings_json TEXT NOT NULL,
    report_hash BYTEA,
    size_bytes BIGINT NOT NULL,
    -- Why it failed, as faults with their places.
    faults_json TEXT,
    created_by_kind TEXT NOT NULL,
    created_by BYTEA,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    -- While running: when its process must have said that it lives.
    lease_until BIGINT,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX ix_uploads_product ON uploads (product_id, id);
CREATE INDEX ix_uploads_lease ON uploads (lease_until) WHERE lease_until IS NOT NULL;

CREATE TABLE scans (
    organization_id BYTEA NOT NULL,
    id BYTEA NOT NULL,
    upload_id BYTEA NOT NULL,
    source_id BYTEA NOT NULL,
    product_id BYTEA NOT NULL,
    branch_id BYTEA NOT NULL,
    tool TEXT COLLATE "C" NOT NULL,
    tool_version TEXT,
    format TEXT NOT NULL,
    -- What it did to its source: imported, unchanged (the same report again), outdated (older than the newest).
    outcome TEXT NOT NULL,
    commit_id TEXT,
    environment TEXT,
    reported_at BIGINT,
    scanned_at BIGINT NOT NULL,
    report_hash BYTEA NOT NULL,
    observations_new BIGINT NOT NULL,
    observations_updated BIGINT NOT NULL,
    observations_unchanged BIGINT NOT NULL,
    observations_reopened BIGINT NOT NULL,
    observations_resolved BIGINT NOT NULL,
    warnings_json TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, upload_id) REFERENCES uploads (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, source_id) REFERENCES scan_sources (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX ix_scans_organization ON scans (organization_id, id);
CREATE INDEX ix_scans_upload ON scans (upload_id);
CREATE INDEX ix_scans_source ON scans (source_id, id);
CREATE INDEX ix_scans_product ON scans (product_id, id);

CREATE TABLE observations (
    organization_id BYTEA NOT NULL,
    id BYTEA NOT NULL,
    -- What is made by hand has a source of its own, of the tool `manual`.
    source_id BYTEA NOT NULL,
    product_id BYTEA NOT NULL,
    branch_id BYTEA NOT NULL,
    asset_id BYTEA NOT NULL,
    vulnerability_id BYTEA NOT NULL,
    component_id BYTEA,
    -- Computed by Patchbay; and the tool's own, where it has one. Either may match.
    fingerprint BYTEA NOT NULL,
    tool_fingerprint BYTEA,
    status TEXT NOT NULL,
    -- Derived from status: should there be an open ticket?
    is_active BOOLEAN NOT NULL,
    severity SMALLINT NOT NULL,
    scan_severity SMALLINT NOT NULL,
    -- What the report itself says about the state; the weakest assessment.
    scan_status TEXT,
    assessed_status TEXT,
    assessed_severity SMALLINT,
    assessment_expires_at BIGINT,
    duplicate_of BYTEA,
    is_verified BOOLEAN NOT NULL DEFAULT FALSE,
    location TEXT NOT NULL,
    line INTEGER,
    -- Of all that a scan writes: tells "updated" from "unchanged".
    content_hash BIGINT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    -- NULL: the source's newest scan reports it. Otherwise when it was last reported.
    last_seen_at BIGINT,
    status_changed_at BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    -- What its ticket is, to filter by: see ticket states.
    ticket_state SMALLINT,
    PRIMARY KEY (organization_id, id)
);
CREATE UNIQUE INDEX ux_observations_fingerprint ON observations (organization_id, source_id, fingerprint);
CREATE INDEX ix_observations_organization ON observations (organization_id, is_active, severity, id);
CREATE INDEX ix_observations_product ON observations (product_id, is_active, severity, id);
CREATE INDEX ix_observations_source ON observations (source_id, is_active, severity, id);
-- Ends in the list's sort key, so that sorting the places of one vulnerability reads no rows.
CREATE INDEX ix_observations_pair ON observations (vulnerability_id, asset_id, is_active, severity, id);
CREATE INDEX ix_observations_asset ON observations (asset_id, is_active, severity, id);
CREATE INDEX ix_observations_component ON observations (component_id, is_active, severity, id)
    WHERE component_id IS NOT NULL;
CREATE INDEX ix_observations_gone ON observations (source_id, last_seen_at, id) WHERE last_seen_at IS NOT NULL;
CREATE INDEX ix_observations_gone_organization ON observations (organization_id, last_seen_at, id)
    WHERE last_seen_at IS NOT NULL;
CREATE INDEX ix_observations_expiry ON observations (assessment_expires_at) WHERE assessment_expires_at IS NOT NULL;
CREATE INDEX ix_observations_duplicate ON observations (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX ix_observations_ticket ON observations (organization_id, ticket_state, is_active, severity, id)
    WHERE ticket_state IS NOT NULL;
-- The statuses that only people and analyses give are rare: these cost an import nothing.
CREATE INDEX ix_observations_disposed ON observations (organization_id, status, severity, id)
    WHERE status NOT IN ('open', 'resolved');
CREATE INDEX ix_observations_verified ON observations (organization_id, is_active, severity, id)
    WHERE is_verified = TRUE;

-- Wide text, only where it differs from the vulnerability's.
CREATE TABLE observation_details (
    organization_id BYTEA NOT NULL,
    observation_id BYTEA NOT NULL,
    title TEXT,
    description TEXT,
    snippet TEXT,
    fixed_version TEXT,
    -- Location parts, further facts and the report's reasons.
    evidence_json TEXT,
    PRIMARY KEY (organization_id, observation_id)
);

CREATE TABLE observation_history (
    organization_id BYTEA NOT NULL,
    observation_id BYTEA NOT NULL,
    id BYTEA NOT NULL,
    at BIGINT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id BYTEA,
    field TEXT NOT NULL,
    old_value TEXT,
    new_value TEXT,
    comment TEXT,
    PRIMARY KEY (organization_id, observation_id, id)
);

CREATE TABLE observation_notes (
    organization_id BYTEA NOT NULL,
    id BYTEA NOT NULL,
    observation_id BYTEA NOT NULL,
    author_kind TEXT NOT NULL,
    author_id BYTEA,
    body TEXT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    edited_at BIGINT,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX ix_observation_notes ON observation_notes (organization_id, observation_id, id);

-- How many observations a source has, by status and severity: facets without counting rows.
CREATE TABLE observation_counts (
    organization_id BYTEA NOT NULL,
    product_id BYTEA NOT NULL,
    source_id BYTEA NOT NULL,
    status TEXT NOT NULL,
    severity SMALLINT NOT NULL,
    observations BIGINT NOT NULL,
    PRIMARY KEY (organization_id, product_id, source_id, status, severity)
);

-- What was deleted: its identity, so that a return finds the old ticket.
CREATE TABLE observation_tombstones (
    organization_id BYTEA NOT NULL,
    source_id BYTEA NOT NULL,
    fingerprint BYTEA NOT NULL,
    tool_fingerprint BYTEA,
    observation_id BYTEA NOT NULL,
    deleted_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, source_id, fingerprint)
);

CREATE TABLE tracker_connections (
    organization_id BYTEA NOT NULL REFERENCES organizations (id),
    id BYTEA NOT NULL,
    label TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    base_url TEXT NOT NULL,
    -- The account's name, where the tracker wants one beside the secret.
    username TEXT,
    secret_sealed BYTEA NOT NULL,
    settings_json TEXT NOT NULL,
    is_enabled BOOLEAN NOT NULL DEFAULT TRUE,
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, label)
);

-- Written with every call; kept apart from the connection, whose version people rely on.
CREATE TABLE connection_budgets (
    organization_id BYTEA NOT NULL,
    connection_id BYTEA NOT NULL,
    paused_at BIGINT,
    paused_reason TEXT,
    -- Generic cell rate: the theoretical arrival time of the next call, and its terms, in microseconds.
    arrival_at BIGINT NOT NULL,
    interval_micros BIGINT NOT NULL,
    burst_micros BIGINT NOT NULL,
    max_leases INTEGER NOT NULL,
    last_success_at BIGINT,
    last_error TEXT,
    last_error_at BIGINT,
    PRIMARY KEY (organization_id, connection_id),
    FOREIGN KEY (organization_id, connection_id) REFERENCES tracker_connections (organization_id, id) ON DELETE CASCADE
);

CREATE TABLE tracker_configs (
    organization_id BYTEA NOT NULL,
    id BYTEA NOT NULL,
    product_id BYTEA NOT NULL,
    connection_id BYTEA NOT NULL,
    is_active BOOLEAN NOT NULL,
    is_dry_run BOOLEAN NOT NULL,
    auto_sync BOOLEAN NOT NULL,
    push_all BOOLEAN NOT NULL,
    require_verified BOOLEAN NOT NULL,
    project_key TEXT NOT NULL,
    minimum_severity SMALLINT NOT NULL,
    settings_json TEXT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, product_id),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, connection_id) REFERENCES tracker_connections (organization_id, id)
);
CREATE INDEX ix_tracker_configs_connection ON tracker_configs (organization_id, connection_id);

-- No foreign key to subject or product: a ticket outlives them until it is closed.
CREATE TABLE tickets (
    organization_id BYTEA NOT NULL,
    id BYTEA NOT NULL,
    connection_id BYTEA NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id BYTEA NOT NULL,
    product_id BYTEA NOT NULL,
    project_key TEXT NOT NULL,
    -- intended, uncertain, linked, gone: see tickets.
    phase TEXT NOT NULL,
    marker TEXT COLLATE "C" NOT NULL,
    remote_key TEXT COLLATE "C",
    remote_id TEXT,
    url TEXT,
    base_url TEXT NOT NULL,
    -- What we last saw and last pushed.
    state_seen TEXT,
    state_pushed TEXT,
    -- Prints of what we last pushed, and our labels in it: what differs from them is sent.
    pushed_json TEXT,
    -- Enough to name the subject after it is deleted.
    title TEXT NOT NULL,
    is_suppressed BOOLEAN NOT NULL DEFAULT FALSE,
    pushed_by_hand BOOLEAN NOT NULL DEFAULT FALSE,
    -- When a create was last sent.
    sent_at BIGINT,
    unlinked_at BIGINT,
    last_error TEXT,
    last_synced_at BIGINT,
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE UNIQUE INDEX ux_tickets_subject ON tickets (organization_id, connection_id, subject_kind, subject_id) WHERE unlinked_at IS NULL;
CREATE UNIQUE INDEX ux_tickets_remote ON tickets (organization_id, connection_id, remote_key) WHERE remote_key IS NOT NULL AND unlinked_at IS NULL;
CREATE UNIQUE INDEX ux_tickets_marker ON tickets (organization_id, marker);
CREATE INDEX ix_tickets_subject ON tickets (subject_id);
CREATE INDEX ix_tickets_product ON tickets (organization_id, product_id, id);

-- The outbox: which ticket needs a look. One open job per subject and connection.
CREATE TABLE sync_jobs (
    organization_id BYTEA NOT NULL,
    id BYTEA NOT NULL,
    connection_id BYTEA NOT NULL,
    product_id BYTEA NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id BYTEA NOT NULL,
    -- Why: change, push (by hand), verify: see outbox.
    reason TEXT NOT NULL,
    -- queued, leased, held, parked: see outbox.
    state TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    lease_token BYTEA,
    attempts INTEGER NOT NULL DEFAULT 0,
    revision BIGINT NOT NULL DEFAULT 1,
    last_error TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE UNIQUE INDEX ux_sync_jobs_subject ON sync_jobs (organization_id, connection_id, subject_kind, subject_id);
CREATE INDEX ix_sync_jobs_due ON sync_jobs (connection_id, due_at, id) WHERE state IN ('queued', 'leased');
CREATE INDEX ix_sync_jobs_product ON sync_jobs (organization_id, product_id, id);

CREATE TABLE notifications (
    organization_id BYTEA NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id BYTEA NOT NULL,
    -- One open notification per cause.
    cause_key TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    -- NULL: for all of the organization. Otherwise seen by whoever may see the product.
    product_id BYTEA,
    subject_kind TEXT,
    subject_id BYTEA,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    occurrences BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    resolved_at BIGINT,
    PRIMARY KEY (organization_id, id)
);
CREATE UNIQUE INDEX ux_notifications_open ON notifications (organization_id, cause_key) WHERE resolved_at IS NULL;

CREATE TABLE notification_reads (
    organization_id BYTEA NOT NULL,
    user_id BYTEA NOT NULL,
    notification_id BYTEA NOT NULL,
    read_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, user_id, notification_id),
    FOREIGN KEY (organization_id, notification_id) REFERENCES notifications (organization_id, id) ON DELETE CASCADE
);

-- caller_id is a user or a token: one organization's key never meets another's.
CREATE TABLE idempotency_keys (
    organization_id BYTEA NOT NULL,
    caller_id BYTEA NOT NULL,
    idempotency_key TEXT COLLATE "C" NOT NULL,
    request_hash BYTEA NOT NULL,
    -- NULL while the first request runs.
    status INTEGER,
    headers_json TEXT,
    body BYTEA,
    -- While running: when the process that holds the key is taken for dead.
    lease_until BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, caller_id, idempotency_key)
);
CREATE INDEX ix_idempotency_keys_expiry ON idempotency_keys (expires_at);

CREATE TABLE audit_log (
    organization_id BYTEA NOT NULL,
    id BYTEA NOT NULL,
    at BIGINT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id BYTEA,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id BYTEA,
    -- Changed fields with old and new value; never a secret.
    changes_json TEXT NOT NULL,
    PRIMARY KEY (organization_id, id)
);
