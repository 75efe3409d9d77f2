DROP TABLE webhook_inbox;
DROP INDEX ix_tickets_remote_id;
DROP TABLE webhook_tickets;
DROP TABLE webhook_statuses;
DROP TABLE webhook_kinds;
DROP TABLE webhook_deliveries;
DROP TABLE tracker_webhooks;
