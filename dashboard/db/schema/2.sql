-- Where notifications are sent. Secrets are sealed with the key beside the
-- database.
CREATE TABLE endpoints (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	url TEXT NOT NULL,
	secret BLOB NOT NULL,
	old_secret BLOB,
	old_until INTEGER NOT NULL DEFAULT 0,
	filter TEXT NOT NULL, -- JSON
	local INTEGER NOT NULL,
	made_at INTEGER NOT NULL,
	disabled_at INTEGER NOT NULL DEFAULT 0,
	disabled_why TEXT NOT NULL DEFAULT '',
	failing_since INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What is sent, and what became of it. A row is written with what it tells.
CREATE TABLE deliveries (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	endpoint_id INTEGER NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
	msg_id TEXT NOT NULL,
	event TEXT NOT NULL,
	severity TEXT NOT NULL,
	body BLOB NOT NULL,
	made_at INTEGER NOT NULL,
	due_at INTEGER NOT NULL,
	tries INTEGER NOT NULL DEFAULT 0,
	state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'done', 'failed', 'dropped')),
	tried_at INTEGER NOT NULL DEFAULT 0,
	status INTEGER NOT NULL DEFAULT 0,
	error TEXT NOT NULL DEFAULT '',
	answer TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX deliveries_queued ON deliveries (endpoint_id, due_at) WHERE state = 'queued';
CREATE INDEX deliveries_endpoint ON deliveries (endpoint_id, id);
