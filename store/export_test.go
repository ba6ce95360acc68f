package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
)

// Lines are those a Memory was made of.
func (m *Memory) Lines() []*event.Envelope { return m.lines }

// AtStatement is called before each statement of an update.
func AtStatement(f func(query string)) { atStatement = f }

// Fallen reports whether memory answers for a file.
func (f *File) Fallen() bool { return !f.whole() }

// Take takes what a file has open, and reports whether a transaction can begin on it.
func Take(f *File) error {
	o := f.take()
	defer o.close()
	_, err := o.conn.ExecContext(context.Background(), "BEGIN")
	return err
}

// Stamp stamps a file as it is.
func Stamp(s *Store, inputs []byte) error { return writeStamp(s.Path, inputs) }

// RowsRead is how many rows of issues a file has read.
func (f *File) RowsRead() int { return len(f.rows) }

// IdleAfter is how long a file that is not asked stays locked.
const IdleAfter = idleAfter

// ByAnotherProgram lets this program be another one until the test ends.
func ByAnotherProgram() (back func()) {
	was := buildID
	buildID = func() string { return "another" }
	return func() { buildID = was }
}

// HasWords reports whether the store has an index of words.
func HasWords(s *Store) bool {
	db, conn, err := open(s.Path)
	if err != nil {
		panic(err)
	}
	defer db.Close()
	defer conn.Close()
	n := 0
	if err := conn.QueryRowContext(context.Background(), "SELECT count(*) FROM sqlite_schema WHERE name = 'words'").Scan(&n); err != nil {
		panic(err)
	}
	return n > 0
}

// Dump returns all that a store holds, by table, without what depends on how it came
// there.
func Dump(s *Store) map[string][]string {
	db, conn, err := open(s.Path)
	if err != nil {
		panic(err)
	}
	defer db.Close()
	defer conn.Close()
	w := newWriter(context.Background(), conn)
	all := map[string][]string{}
	line := "(SELECT agent FROM log WHERE id = %[1]s >> 32) || ' ' || (%[1]s & 0xffffffff)"
	for table, cols := range map[string]string{
		"head": "inputs, header, sum", "log": "agent, lines, newest, sign, cursor", "mark": "agent, seq, rule",
		"line": fmt.Sprintf(line, "id") + ", row", "aim": "target, " + fmt.Sprintf(line, "line"),
		"issue": issueColumns, "text": "issue, row", "tally": "status, n", "edge": "issue, kind, other, cyclic",
		"comment": "k, issue, visible, row", "entry": "k, issue, visible, row", "session": "k, agent, issue, row", "request": "k, target, issue, row", "report": "k, row", "near": "kind, k, short", "number": "k, issue", "milestone_number": "k, milestone", "alias": "k, now",
		"lock": "issue, row", "milestone": "k, row", "agent": "k, name, row", "rejection": "target, n, row",
	} {
		n := strings.Count(cols, ", ") + 1
		if err := w.each("SELECT "+cols+" FROM "+table, nil, func(r *sql.Rows) error {
			vals, into := make([]any, n), make([]any, n)
			for i := range vals {
				into[i] = &vals[i]
			}
			err := r.Scan(into...)
			if s := fmt.Sprintf("%x", vals); table != "tally" || vals[1] != int64(0) {
				all[table] = append(all[table], s)
			}
			return err
		}); err != nil {
			panic(err)
		}
		slices.Sort(all[table])
	}
	return all
}

// RowsRead counts the rows of issues that a file has read.
func RowsRead(f *File) int { return len(f.rows) }

// LinesRead counts the lines that Newest has read.
func LinesRead(f *File) int { return f.linesRead }
