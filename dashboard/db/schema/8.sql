-- The alert that a delivery is about; 0 is none, or one from before this column.
ALTER TABLE deliveries ADD COLUMN alert_id INTEGER NOT NULL DEFAULT 0;
CREATE INDEX deliveries_alert ON deliveries (alert_id, id) WHERE alert_id != 0;
