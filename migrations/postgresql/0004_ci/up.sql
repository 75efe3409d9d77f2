-- What clients of other servers' APIs need and Patchbay's own API does not: numbers for ids, product types, tests that
-- are made before anything is imported into them.

-- One count per organization for all of them: a number of one kind never means something of another.
CREATE TABLE client_counters (
    organization_id BYTEA NOT NULL PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    last_number BIGINT NOT NULL
);

CREATE TABLE client_product_types (
    organization_id BYTEA NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    PRIMARY KEY (organization_id, number),
    UNIQUE (organization_id, name_key)
);

CREATE TABLE client_products (
    organization_id BYTEA NOT NULL,
    number BIGINT NOT NULL,
    product_id BYTEA NOT NULL,
    product_type BIGINT,
    PRIMARY KEY (organization_id, number),
    UNIQUE (organization_id, product_id),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, product_type) REFERENCES client_product_types (organization_id, number)
);

CREATE TABLE client_engagements (
    organization_id BYTEA NOT NULL,
    number BIGINT NOT NULL,
    engagement_id BYTEA NOT NULL,
    -- What a client said of the engagement, for show.
    branch TEXT,
    commit_id TEXT,
    PRIMARY KEY (organization_id, number),
    UNIQUE (organization_id, engagement_id),
    FOREIGN KEY (organization_id, engagement_id) REFERENCES engagements (organization_id, id) ON DELETE CASCADE
);

CREATE TABLE client_tests (
    organization_id BYTEA NOT NULL,
    number BIGINT NOT NULL,
    engagement_id BYTEA NOT NULL,
    title TEXT NOT NULL,
    scan_type TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, number),
    UNIQUE (organization_id, engagement_id, title, scan_type),
    FOREIGN KEY (organization_id, engagement_id) REFERENCES engagements (organization_id, id) ON DELETE CASCADE
);

-- Which runs of which repository of a CI may upload to a product, without a secret of ours.
CREATE TABLE trust_rules (
    organization_id BYTEA NOT NULL,
    id BYTEA NOT NULL,
    product_id BYTEA NOT NULL,
    name TEXT NOT NULL,
    provider TEXT NOT NULL,
    issuer TEXT NOT NULL,
    audience TEXT NOT NULL,
    repository_id TEXT NOT NULL,
    branches_json TEXT NOT NULL,
    tags_json TEXT NOT NULL,
    environments_json TEXT NOT NULL,
    workflow TEXT,
    allow_pull_requests BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX ix_trust_rules_product ON trust_rules (organization_id, product_id, id);
-- A token names its repository before any organization is known.
CREATE INDEX ix_trust_rules_repository ON trust_rules (issuer, repository_id);

-- What a run got for the token of its CI. No foreign key to the rule: that a token was given is remembered when the
-- rule is gone.
CREATE TABLE workload_tokens (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    given_hash BYTEA NOT NULL UNIQUE,
    organization_id BYTEA NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    rule_id BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    kept_until BIGINT NOT NULL
);
CREATE INDEX ix_workload_tokens_end ON workload_tokens (kept_until);
