ALTER TABLE workload_tokens DROP COLUMN branch;
ALTER TABLE workload_tokens DROP COLUMN rule_version;
