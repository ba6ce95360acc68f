-- The hash before the first row of the audit log, if older rows were removed as audit.days
-- says. Other rows that are missing at the start were removed by something else.
CREATE TABLE actions_start (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	prev_hash TEXT NOT NULL
) STRICT;
