-- Pages that somebody saved under a name.
CREATE TABLE views (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	name TEXT NOT NULL UNIQUE COLLATE NOCASE,
	path TEXT NOT NULL
) STRICT;

-- How many issues a project had when a day ended (UTC, days since 1970). A day
-- without a row was like the day before.
CREATE TABLE series (
	project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
	day INTEGER NOT NULL,
	open INTEGER NOT NULL,
	closed INTEGER NOT NULL,
	PRIMARY KEY (project_id, day)
) STRICT, WITHOUT ROWID;
