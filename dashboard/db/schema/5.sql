-- The refs of a hub on a local path as the last fetch that succeeded found them. They are
-- compared after a restart, so that what has not changed is not fetched again.
ALTER TABLE projects ADD COLUMN hub_seen TEXT NOT NULL DEFAULT '';

-- Items that somebody has put away from the inbox. One whose reason is another than then
-- (since) is shown again.
CREATE TABLE snoozes (
	key TEXT PRIMARY KEY,
	since INTEGER NOT NULL,
	until INTEGER NOT NULL
) STRICT;

-- Where other programs say that a project's hub has changed. The name is part of a URL,
-- the secret signs what is sent.
CREATE TABLE receivers (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT NOT NULL UNIQUE,
	project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
	secret BLOB NOT NULL,
	made_at INTEGER NOT NULL,
	used_at INTEGER NOT NULL DEFAULT 0
) STRICT;
