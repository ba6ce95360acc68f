-- The store: what queries need of the reduced state, made from it and thrown
-- away at will. There are no migrations: another number, another file.
-- A row's 'sum' is a hash of all its values; 'row' ends in a checksum.

CREATE TABLE head (
	one  INTEGER PRIMARY KEY CHECK (one = 1),
	of   BLOB NOT NULL, -- what the rows were made from: State.Digest
	note BLOB NOT NULL, -- State.Note, and a checksum
	rest BLOB NOT NULL  -- State.Rest, likewise
);

CREATE TABLE issue (
	id        INTEGER PRIMARY KEY,
	k         BLOB NOT NULL UNIQUE, -- uuid
	sum       BLOB NOT NULL,
	short     TEXT NOT NULL,
	shown     INTEGER NOT NULL,     -- 0: deleted, kept for its uuid
	status    TEXT,
	rank      INTEGER,              -- of the priority, 0 the most urgent
	created   INTEGER,
	updated   INTEGER,
	due       INTEGER,              -- the greatest time when there is none
	scheduled INTEGER,
	position  INTEGER,              -- by number; the greatest while undecided
	title     BLOB,
	labels    TEXT,                 -- '(hex)(hex)'
	assignees TEXT,                 -- likewise
	parent    BLOB,
	milestone BLOB,
	holder    TEXT,                 -- of the lock, NULL when there is none
	ending    INTEGER,
	row       BLOB
);
CREATE INDEX issue_created  ON issue (status, created, k);
CREATE INDEX issue_updated  ON issue (updated, created, k, shown, short, title, status, position); -- all that Latest asks
CREATE INDEX issue_rank     ON issue (status, rank, created, k, scheduled, holder, ending); -- all that ready asks
CREATE INDEX issue_held     ON issue (holder) WHERE holder IS NOT NULL;

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

-- which issue waits for which
CREATE TABLE edge (
	k   BLOB NOT NULL PRIMARY KEY, -- both uuids
	sum BLOB NOT NULL,
	issue   BLOB NOT NULL,
	blocker BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE comment (
	k     BLOB NOT NULL PRIMARY KEY, -- uuid
	sum   BLOB NOT NULL,
	issue BLOB NOT NULL,
	short TEXT NOT NULL, -- '' when not shown
	gone  TEXT NOT NULL  -- the short id of a deleted one, '' when it is not
) WITHOUT ROWID;
CREATE INDEX comment_issue ON comment (issue);
CREATE INDEX comment_gone ON comment (k) WHERE gone <> '';

CREATE TABLE number (k INTEGER NOT NULL PRIMARY KEY, sum BLOB NOT NULL, issue BLOB NOT NULL);
CREATE INDEX number_issue ON number (issue);
CREATE TABLE alias  (k INTEGER NOT NULL PRIMARY KEY, sum BLOB NOT NULL, stands INTEGER NOT NULL);

CREATE TABLE milestone (k BLOB NOT NULL PRIMARY KEY, sum BLOB NOT NULL, row BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE agent     (k TEXT NOT NULL PRIMARY KEY, sum BLOB NOT NULL, sign INTEGER NOT NULL, row BLOB) WITHOUT ROWID;
CREATE TABLE rejection (k BLOB NOT NULL PRIMARY KEY, sum BLOB NOT NULL, row BLOB NOT NULL) WITHOUT ROWID;

-- what is said of signatures: from 'seq' on, up to the agent's next row
CREATE TABLE mark (k BLOB NOT NULL PRIMARY KEY, sum BLOB NOT NULL, agent TEXT NOT NULL, seq INTEGER NOT NULL, rule TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX mark_agent ON mark (agent, seq);

-- the lines that count, without what only proves them
CREATE TABLE log (
	agent TEXT NOT NULL PRIMARY KEY,
	id    INTEGER NOT NULL UNIQUE,
	lines INTEGER NOT NULL,
	tip   BLOB NOT NULL -- stands for all of them
) WITHOUT ROWID;
CREATE TABLE line (
	id  INTEGER PRIMARY KEY, -- the log's << 32, and the place in it
	row BLOB NOT NULL
);
CREATE TABLE aimed (
	target BLOB NOT NULL, -- uuid of an issue, or of the comment it changes; with a 'p', of the parent it names
	time   INTEGER NOT NULL,
	agent  TEXT NOT NULL,
	seq    INTEGER NOT NULL,
	line   INTEGER NOT NULL,
	PRIMARY KEY (target, time, agent, seq, line)
) WITHOUT ROWID;
CREATE INDEX aimed_line ON aimed (line);

-- issues whose words are not in the index of words yet; that is made by the
-- first search
CREATE TABLE unread (issue INTEGER PRIMARY KEY);
