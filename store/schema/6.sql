-- The store: what questions need of the reduced state, made from the lines that
-- count and thrown away at will. There are no migrations: another number, another
-- file. A 'row' ends in a checksum.

CREATE TABLE head (
	one    INTEGER PRIMARY KEY CHECK (one = 1),
	inputs BLOB NOT NULL, -- Delta.Inputs
	header BLOB NOT NULL, -- Delta.Header, and a checksum
	sum    BLOB NOT NULL  -- reducer.Sum of the state
);

-- Delta.Index, and a checksum: not in head, which every command reads
CREATE TABLE logs (one INTEGER PRIMARY KEY CHECK (one = 1), logs BLOB NOT NULL);

-- the lines that count, without what only proves them
CREATE TABLE log (
	agent  TEXT NOT NULL PRIMARY KEY,
	id     INTEGER NOT NULL UNIQUE,
	lines  INTEGER NOT NULL, -- that count
	newest INTEGER NOT NULL, -- time of them
	sign   INTEGER NOT NULL, -- shown time of the last one
	cursor BLOB              -- LogDelta.Cursor, and a checksum
) WITHOUT ROWID;
CREATE TABLE line (
	id  INTEGER PRIMARY KEY, -- the log's << 32, and the place in it
	row BLOB NOT NULL
);
-- which lines are about what: see target.go
CREATE TABLE aim (
	target BLOB NOT NULL,
	line   INTEGER NOT NULL,
	PRIMARY KEY (target, line)
) WITHOUT ROWID;
-- what is said of signatures: from 'seq' on, up to the agent's next row
CREATE TABLE mark (
	agent TEXT NOT NULL,
	seq   INTEGER NOT NULL,
	rule  TEXT NOT NULL,
	PRIMARY KEY (agent, seq)
) WITHOUT ROWID;

CREATE TABLE issue (
	id        INTEGER PRIMARY KEY,
	k         BLOB NOT NULL UNIQUE, -- uuid
	shown     INTEGER NOT NULL,     -- 0: deleted, kept for its uuid
	status    TEXT,
	rank      INTEGER,              -- of the priority, 0 the most urgent
	created   INTEGER,
	updated   INTEGER,
	due       INTEGER,              -- the greatest time when there is none
	closed    INTEGER,              -- 0 while it is not
	scheduled INTEGER,
	position  INTEGER,              -- by number; the greatest while undecided
	title     BLOB,
	labels    TEXT,                 -- '(hex)(hex)'
	assignees TEXT,                 -- likewise
	author    TEXT,                 -- who created it, by Name
	milestone BLOB,                 -- also one that is not shown
	holder    TEXT,                 -- of the lock, NULL when there is none
	ending    INTEGER,
	row       BLOB                  -- what lists show
);
CREATE INDEX issue_created   ON issue (status, created, k);
CREATE INDEX issue_updated   ON issue (updated, created, k, shown, title, status, position); -- all that Latest asks
CREATE INDEX issue_rank      ON issue (status, rank, created, k, scheduled, holder, ending); -- all that ready asks
CREATE INDEX issue_held      ON issue (holder) WHERE holder IS NOT NULL;
CREATE INDEX issue_milestone ON issue (milestone, created, k) WHERE milestone IS NOT NULL;
-- the descriptions, where there are any
CREATE TABLE text (id INTEGER PRIMARY KEY, issue BLOB NOT NULL UNIQUE, row BLOB NOT NULL);

-- how many there are of each status, for a list says so when it is cut
CREATE TABLE tally (status TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
CREATE TRIGGER tally_in AFTER INSERT ON issue WHEN new.shown BEGIN
	INSERT INTO tally VALUES (new.status, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER tally_out AFTER DELETE ON issue WHEN old.shown BEGIN
	UPDATE tally SET n = n - 1 WHERE status = old.status;
END;
CREATE TRIGGER tally_from AFTER UPDATE OF status, shown ON issue WHEN old.shown BEGIN
	UPDATE tally SET n = n - 1 WHERE status = old.status;
END;
CREATE TRIGGER tally_to AFTER UPDATE OF status, shown ON issue WHEN new.shown BEGIN
	INSERT INTO tally VALUES (new.status, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;

-- what ties issues together, also those that are not shown: 'p' has the parent,
-- 'b' is blocked by, 'r' and a kind is a relation
CREATE TABLE edge (
	issue  BLOB NOT NULL,
	kind   TEXT NOT NULL,
	other  BLOB NOT NULL,
	cyclic INTEGER NOT NULL,
	PRIMARY KEY (issue, kind, other)
) WITHOUT ROWID;
CREATE INDEX edge_other  ON edge (other, kind, issue, cyclic);
CREATE INDEX edge_blocks ON edge (other, issue) WHERE kind = 'b' AND cyclic = 0;

CREATE TABLE comment (
	id      INTEGER PRIMARY KEY,
	k       BLOB NOT NULL UNIQUE, -- uuid
	issue   BLOB NOT NULL,
	visible INTEGER NOT NULL,     -- not deleted; its issue may be
	row     BLOB                  -- if it is visible
);
CREATE INDEX comment_issue ON comment (issue, visible, k);
CREATE INDEX comment_gone  ON comment (k) WHERE visible = 0;
CREATE TABLE entry (
	id      INTEGER PRIMARY KEY,
	k       BLOB NOT NULL UNIQUE,
	issue   BLOB NOT NULL,
	visible INTEGER NOT NULL,
	row     BLOB NOT NULL
);
CREATE INDEX entry_issue ON entry (issue);

-- short ids that are longer than they would be without others near them: of
-- issues 'i', of comments 'c' and of deleted comments 'g'
CREATE TABLE near (
	kind  TEXT NOT NULL,
	k     BLOB NOT NULL,
	short TEXT NOT NULL,
	PRIMARY KEY (kind, k)
) WITHOUT ROWID;

CREATE TABLE number (k INTEGER PRIMARY KEY, issue BLOB NOT NULL UNIQUE);
CREATE TABLE milestone_number (k INTEGER PRIMARY KEY, milestone BLOB NOT NULL UNIQUE);
CREATE TABLE alias  (k INTEGER PRIMARY KEY, now INTEGER NOT NULL);
CREATE TABLE lock   (issue BLOB PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE milestone (k BLOB PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE session   (k BLOB PRIMARY KEY, agent TEXT NOT NULL, issue BLOB NOT NULL, row BLOB NOT NULL) WITHOUT ROWID; -- the issue may be hidden
CREATE INDEX session_agent ON session (agent);
CREATE TABLE request   (k TEXT PRIMARY KEY, target TEXT NOT NULL, issue BLOB NOT NULL, row BLOB NOT NULL) WITHOUT ROWID; -- likewise
CREATE INDEX request_target ON request (target);
CREATE TABLE agent     (k TEXT PRIMARY KEY, name TEXT, row BLOB NOT NULL) WITHOUT ROWID; -- the name by Folded, NULL without one
CREATE INDEX agent_name ON agent (name) WHERE name IS NOT NULL;
CREATE TABLE report    (k BLOB PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID; -- by context and branch
CREATE TABLE rejection (target BLOB NOT NULL, n INTEGER NOT NULL, row BLOB NOT NULL, PRIMARY KEY (target, n)) WITHOUT ROWID;

-- texts that are not in the index of words yet; that is made by the first search
CREATE TABLE unread (doc INTEGER PRIMARY KEY);
