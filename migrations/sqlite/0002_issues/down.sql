DROP TABLE timeline_entries;
DROP TABLE vulnerability_snapshots;
DROP TABLE instance_snapshots;
DROP TABLE issue_instances;
DROP TABLE issue_products;
DROP TABLE issues;
