-- A token that was given for a run belongs to the branch of that run and to the rule as it was then. Those given before
-- are of no version, and end.
ALTER TABLE workload_tokens ADD COLUMN rule_version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE workload_tokens ADD COLUMN branch TEXT NOT NULL DEFAULT '';
