-- The last fetches of each project.
CREATE TABLE fetches (
	id INTEGER PRIMARY KEY,
	project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
	at INTEGER NOT NULL, -- when it ended
	took INTEGER NOT NULL, -- nanoseconds
	error TEXT NOT NULL -- '' if it succeeded
) STRICT;
CREATE INDEX fetches_of ON fetches (project_id, id);
