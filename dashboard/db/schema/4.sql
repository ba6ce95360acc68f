-- What scripts show instead of a session. Only the hash of a token is kept.
CREATE TABLE tokens (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	hash TEXT NOT NULL UNIQUE,
	name TEXT NOT NULL,
	scope TEXT NOT NULL CHECK (scope IN ('read', 'act')),
	made INTEGER NOT NULL,
	seen INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The days of which a digest was queued.
CREATE TABLE digests (
	day TEXT PRIMARY KEY,
	at INTEGER NOT NULL
) STRICT;
