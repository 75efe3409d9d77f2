-- When a pipeline may go on: the most active observations of each severity on the default branch.
CREATE TABLE security_gates (
    organization_id BYTEA NOT NULL,
    product_id BYTEA NOT NULL,
    most_critical BIGINT,
    most_high BIGINT,
    most_medium BIGINT,
    most_low BIGINT,
    most_none BIGINT,
    most_unknown BIGINT,
    version BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, product_id),
    FOREIGN KEY (organization_id, product_id) REFERENCES products (organization_id, id) ON DELETE CASCADE
);
