-- Times are nanoseconds since the Unix epoch, 0 or NULL for never.

CREATE TABLE projects (
	id TEXT PRIMARY KEY,
	slug TEXT NOT NULL UNIQUE COLLATE NOCASE,
	hub_id TEXT NOT NULL DEFAULT '',
	status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'paused')),
	pinned INTEGER NOT NULL DEFAULT 0,
	hub_sha TEXT NOT NULL DEFAULT '',
	added_at INTEGER NOT NULL,
	fetched_at INTEGER NOT NULL DEFAULT 0,
	fetch_tried_at INTEGER NOT NULL DEFAULT 0,
	fetch_error TEXT NOT NULL DEFAULT '',
	failures INTEGER NOT NULL DEFAULT 0,
	polled_at INTEGER NOT NULL DEFAULT 0,
	poll_error TEXT NOT NULL DEFAULT '',
	last_activity_at INTEGER NOT NULL DEFAULT 0,
	viewed_at INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE places (
	id INTEGER PRIMARY KEY,
	project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
	kind TEXT NOT NULL CHECK (kind IN ('path', 'managed')),
	path TEXT NOT NULL UNIQUE,
	url TEXT NOT NULL DEFAULT '',
	agent TEXT NOT NULL DEFAULT '',
	capability TEXT NOT NULL DEFAULT '',
	cure TEXT NOT NULL DEFAULT ''
) STRICT;

-- What was computed last. counters and facts are JSON.
CREATE TABLE project_state (
	project_id TEXT PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
	rev INTEGER NOT NULL,
	counters TEXT NOT NULL,
	facts BLOB NOT NULL,
	next_due INTEGER NOT NULL DEFAULT 0,
	updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE alerts (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
	kind TEXT NOT NULL,
	severity TEXT NOT NULL,
	subject TEXT NOT NULL,
	subject_ref TEXT NOT NULL,
	state TEXT NOT NULL CHECK (state IN ('pending', 'firing', 'recovering', 'resolved')),
	pending_at INTEGER NOT NULL,
	opened_at INTEGER NOT NULL DEFAULT 0,
	recovering_at INTEGER NOT NULL DEFAULT 0,
	resolved_at INTEGER NOT NULL DEFAULT 0,
	detail TEXT NOT NULL,
	now_detail TEXT NOT NULL,
	flapping INTEGER NOT NULL DEFAULT 0,
	notified INTEGER NOT NULL DEFAULT 0,
	ack_at INTEGER NOT NULL DEFAULT 0,
	ack_by TEXT NOT NULL DEFAULT '',
	ack_note TEXT NOT NULL DEFAULT '',
	ack_until INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX one_open ON alerts (project_id, kind, subject) WHERE state IN ('pending', 'firing', 'recovering');
CREATE INDEX alerts_opened ON alerts (project_id, opened_at);

-- Append-only.
CREATE TABLE alert_events (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	alert_id INTEGER NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
	at INTEGER NOT NULL,
	from_state TEXT NOT NULL,
	to_state TEXT NOT NULL,
	notice TEXT NOT NULL DEFAULT '',
	actor TEXT NOT NULL DEFAULT '',
	note TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX alert_events_alert ON alert_events (alert_id, id);

CREATE TABLE silences (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	project TEXT NOT NULL DEFAULT '',
	kind TEXT NOT NULL DEFAULT '',
	subject TEXT NOT NULL DEFAULT '',
	severity TEXT NOT NULL DEFAULT '',
	starts_at INTEGER NOT NULL,
	ends_at INTEGER NOT NULL,
	comment TEXT NOT NULL,
	created_by TEXT NOT NULL
) STRICT;

CREATE TABLE settings (
	scope TEXT NOT NULL, -- '' is every project, else the id of one
	key TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (scope, key)
) STRICT;

-- What browsers are told; the id is their cursor.
CREATE TABLE feed (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	at INTEGER NOT NULL,
	project TEXT NOT NULL,
	kind TEXT NOT NULL,
	body TEXT NOT NULL
) STRICT;

CREATE TABLE sessions (
	hash TEXT PRIMARY KEY,
	made INTEGER NOT NULL,
	seen INTEGER NOT NULL,
	scope TEXT NOT NULL,
	user_agent TEXT NOT NULL
) STRICT;

-- The audit log: two rows for each action, before and after. Append-only; each
-- row holds the hash of the row before.
CREATE TABLE actions (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	at INTEGER NOT NULL,
	request TEXT NOT NULL,
	session TEXT NOT NULL,
	remote TEXT NOT NULL,
	operator TEXT NOT NULL,
	project TEXT NOT NULL,
	verb TEXT NOT NULL,
	subject TEXT NOT NULL,
	payload TEXT NOT NULL,
	outcome TEXT NOT NULL,
	error TEXT NOT NULL,
	lines TEXT NOT NULL,
	prev_hash TEXT NOT NULL,
	hash TEXT NOT NULL
) STRICT;
