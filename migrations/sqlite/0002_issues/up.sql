-- Issues outlive what they were made of: nothing here refers to observations, assets, vulnerabilities, branches or
-- products by foreign key.

CREATE TABLE issues (
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    id BLOB NOT NULL,
    -- The one product of all its instances; NULL when they are of several.
    product_id BLOB,
    name TEXT NOT NULL,
    -- Its name, lower-cased, to search in.
    search TEXT NOT NULL,
    description TEXT NOT NULL,
    remediation TEXT NOT NULL,
    -- A rank, 1 (none) to 5 (critical).
    risk SMALLINT NOT NULL,
    state TEXT NOT NULL,
    state_changed_at BIGINT NOT NULL,
    due_at BIGINT,
    -- The due date that people were told has passed.
    overdue_told_for BIGINT,
    -- No foreign key: who left stays named until somebody else is.
    assignee_kind TEXT,
    assignee_id BLOB,
    -- The issue that has its instances now.
    merged_into BLOB,
    -- The sums of issue_products.
    instance_count BIGINT NOT NULL DEFAULT 0,
    remediated_count BIGINT NOT NULL DEFAULT 0,
    excluded_count BIGINT NOT NULL DEFAULT 0,
    regressed_count BIGINT NOT NULL DEFAULT 0,
    -- What its ticket is, to filter by: see ticket states.
    ticket_state SMALLINT,
    created_by_kind TEXT NOT NULL,
    created_by BLOB,
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX ix_issues_risk ON issues (organization_id, risk, id);
CREATE INDEX ix_issues_state ON issues (organization_id, state, risk, id);
CREATE INDEX ix_issues_due ON issues (organization_id, (COALESCE(due_at, 9223372036854775807)), id);
CREATE INDEX ix_issues_assignee ON issues (organization_id, assignee_id, risk, id) WHERE assignee_id IS NOT NULL;
-- Due dates that may pass, those that people were told of, and issues that were called resolved too early: few.
CREATE INDEX ix_issues_overdue ON issues (due_at, overdue_told_for)
    WHERE due_at IS NOT NULL AND state IN ('open', 'in_progress');
CREATE INDEX ix_issues_told ON issues (organization_id, id) WHERE overdue_told_for IS NOT NULL;
CREATE INDEX ix_issues_refutable ON issues (organization_id)
    WHERE state = 'resolved' AND instance_count > remediated_count + excluded_count;

-- How many instances of which product an issue has: what a reader who may not see all products is shown and told.
CREATE TABLE issue_products (
    organization_id BLOB NOT NULL,
    issue_id BLOB NOT NULL,
    product_id BLOB NOT NULL,
    -- The product was restricted when it was deleted: what is left of it is for admins only.
    is_sealed BOOLEAN NOT NULL DEFAULT FALSE,
    instance_count BIGINT NOT NULL,
    remediated_count BIGINT NOT NULL,
    excluded_count BIGINT NOT NULL,
    regressed_count BIGINT NOT NULL,
    PRIMARY KEY (organization_id, issue_id, product_id),
    FOREIGN KEY (organization_id, issue_id) REFERENCES issues (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX ix_issue_products_product ON issue_products (product_id, issue_id);
CREATE INDEX ix_issue_products_sealed ON issue_products (organization_id, product_id) WHERE is_sealed = TRUE;

-- A (vulnerability, asset) pair with its product and branch, in an issue: narrow, since recomputing rewrites it.
CREATE TABLE issue_instances (
    organization_id BLOB NOT NULL,
    issue_id BLOB NOT NULL,
    id BLOB NOT NULL,
    product_id BLOB NOT NULL,
    branch_id BLOB NOT NULL,
    vulnerability_id BLOB NOT NULL,
    asset_id BLOB NOT NULL,
    -- When it was added.
    severity SMALLINT NOT NULL,
    -- What holds for the pair, as a number: see issues.
    standing SMALLINT NOT NULL,
    remediated_at BIGINT,
    -- How often it was found again.
    regressions INTEGER NOT NULL DEFAULT 0,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, issue_id, id),
    FOREIGN KEY (organization_id, issue_id) REFERENCES issues (organization_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX ux_issue_instances_pair
    ON issue_instances (organization_id, branch_id, vulnerability_id, asset_id, issue_id);
CREATE INDEX ix_issue_instances_list ON issue_instances (organization_id, issue_id, severity, id);

-- What an instance was when it was added. Never rewritten.
CREATE TABLE instance_snapshots (
    organization_id BLOB NOT NULL,
    issue_id BLOB NOT NULL,
    instance_id BLOB NOT NULL,
    vulnerability_id BLOB NOT NULL,
    -- Of its vulnerability_snapshots.
    vulnerability_version BIGINT NOT NULL,
    snapshot_json TEXT NOT NULL,
    PRIMARY KEY (organization_id, issue_id, instance_id),
    FOREIGN KEY (organization_id, issue_id) REFERENCES issues (organization_id, id) ON DELETE CASCADE
);

-- What a vulnerability said in one of its versions; shared by all instances that were added then.
CREATE TABLE vulnerability_snapshots (
    organization_id BLOB NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    vulnerability_id BLOB NOT NULL,
    version BIGINT NOT NULL,
    snapshot_json TEXT NOT NULL,
    PRIMARY KEY (organization_id, vulnerability_id, version)
);

CREATE TABLE timeline_entries (
    organization_id BLOB NOT NULL,
    issue_id BLOB NOT NULL,
    id BLOB NOT NULL,
    -- user, system, tracker, comment.
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id BLOB,
    -- Who did it in a tracker.
    actor_name TEXT,
    field TEXT,
    old_value TEXT,
    new_value TEXT,
    body TEXT,
    -- It is about instances of this product: only who may see that is shown it.
    product_id BLOB,
    -- By which a tracker's event is known again.
    remote_key TEXT,
    version BIGINT NOT NULL DEFAULT 1,
    edited_at BIGINT,
    PRIMARY KEY (organization_id, issue_id, id),
    FOREIGN KEY (organization_id, issue_id) REFERENCES issues (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX ix_timeline_entries_kind ON timeline_entries (organization_id, issue_id, kind, id);
CREATE UNIQUE INDEX ux_timeline_entries_remote ON timeline_entries (organization_id, issue_id, remote_key)
    WHERE remote_key IS NOT NULL;
