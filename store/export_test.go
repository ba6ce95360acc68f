package store

import (
	"context"

	"github.com/git-crosslink/git-crosslink/event"
)

// Lines are those a Memory was made of.
func (m *Memory) Lines() []*event.Envelope { return m.lines }

// AtStatement is called before each statement of an update.
func AtStatement(f func(query string)) { atStatement = f }

// Fallen reports whether memory answers for a file.
func (f *File) Fallen() bool { return !f.whole() }

// Seal seals a file as it is.
func Seal(s *Store, digest []byte) error { return writeSeal(s.Path, digest) }

// IdleAfter is how long a file that is not asked stays locked.
const IdleAfter = idleAfter

// ByAnotherProgram lets this program be another one until the test ends.
func ByAnotherProgram() (back func()) {
	was := fingerprint
	fingerprint = func() string { return "another" }
	return func() { fingerprint = was }
}

// HasWords reports whether the store has an index of words.
func HasWords(s *Store) bool {
	db, conn, err := open(s.Path, false)
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
