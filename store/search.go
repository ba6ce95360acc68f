package store

import (
	"database/sql"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Search by an index of trigrams. The index only says which issues may hold the
// words; whether they do is asked of each as in memory, so the answers are the
// same. What is indexed is what is compared: text by Fold, whose rules of case
// are Go's and not SQLite's.

const words3 = `CREATE VIRTUAL TABLE words USING fts5(text, content='', contentless_delete=1, detail='none', tokenize='trigram case_sensitive 1')`

// maxTrigrams bounds a query; what the first ones let through is few enough.
const maxTrigrams = 48

// Search is List over the issues whose title, description or comments hold
// every word of the text, compared by Fold.
func (f *File) Search(text string, l Filter) (rows []*Issue, total int, err error) {
	words := wanted(text)
	also := func(i *Issue) bool { return holds(i, words) }
	where, args := "", []any(nil)
	if q := trigrams(words); q != "" && f.whole() && f.indexed() {
		where, args = "i.id IN (SELECT rowid FROM words WHERE words MATCH ?)", []any{q}
	}
	return f.list(l, where, args, also, func(m *Memory) ([]*Issue, int, error) { return m.Search(text, l) })
}

// trigrams is a query for all that the words consist of; "" where they are too
// short to have any.
func trigrams(words []string) string {
	var parts []string
	seen := map[string]bool{}
	for _, w := range words {
		runes := []rune(w)
		for n := 0; n+3 <= len(runes) && len(parts) < maxTrigrams; n++ {
			t := string(runes[n : n+3])
			if seen[t] || strings.Contains(t, "\x00") {
				continue
			}
			seen[t] = true
			parts = append(parts, `"`+strings.ReplaceAll(t, `"`, `""`)+`"`)
		}
	}
	return strings.Join(parts, " AND ")
}

// indexed brings the index of words up to date, and reports whether it is.
func (f *File) indexed() bool {
	var due int
	there := false
	if f.query(func(r *sql.Rows) error { there = true; return nil }, "SELECT 1 FROM sqlite_schema WHERE name = 'words'") != nil {
		return false
	}
	if f.query(func(r *sql.Rows) error { return r.Scan(&due) }, "SELECT count(*) FROM (SELECT 1 FROM unread LIMIT 1)") != nil {
		return false
	}
	if there && due == 0 {
		return true
	}
	f.Release() // or the writer waits for this reader
	unlock, ok := f.store.Lock()
	if !ok {
		return false
	}
	defer unlock()
	if of, good := readSeal(f.store.Path); !good || string(of) != string(f.digest) {
		return false
	}
	err := f.store.readWords()
	if err == nil {
		err = writeSeal(f.store.Path, f.digest)
	}
	return err == nil
}

// readWords puts the words of issues that are not in the index into it.
func (s *Store) readWords() error {
	db, conn, err := open(s.Path, true)
	if err != nil {
		return err
	}
	defer db.Close()
	defer conn.Close()
	w := newWriter(conn, nil)
	defer w.close()
	return w.within(w.words)
}

func (w *writer) words() error {
	if err := w.exec(strings.Replace(words3, "TABLE", "TABLE IF NOT EXISTS", 1)); err != nil {
		return err
	}
	var ids []int64
	rs, err := w.conn.QueryContext(w.ctx, "SELECT issue FROM unread")
	if err != nil {
		return err
	}
	defer rs.Close()
	for rs.Next() {
		var id int64
		if err := rs.Scan(&id); err != nil {
			return err
		}
		ids = append(ids, id)
	}
	if err := rs.Err(); err != nil {
		return err
	}
	for _, id := range ids {
		if err := w.exec("DELETE FROM words WHERE rowid = ?", id); err != nil {
			return err
		}
		var row []byte
		err := w.conn.QueryRowContext(w.ctx, "SELECT row FROM issue WHERE id = ? AND shown", id).Scan(&row)
		if err == sql.ErrNoRows {
			continue
		}
		if err != nil {
			return err
		}
		var i Issue
		if err := unpack(row, &i); err != nil {
			return fmt.Errorf("issue %d: %w", id, err)
		}
		if err := w.exec("INSERT INTO words (rowid, text) VALUES (?, ?)", id, searched(&i)); err != nil {
			return err
		}
	}
	return w.exec("DELETE FROM unread")
}

// searched is all text of an issue, as it is compared. SQLite ends a text at a
// NUL, so there is none: no word that can be typed has one.
func searched(i *Issue) string {
	var b strings.Builder
	add := func(s string) {
		b.WriteString(strings.ReplaceAll(Fold(s), "\x00", " "))
		b.WriteByte('\n')
	}
	add(i.Title)
	add(i.Description)
	for k := range i.Comments {
		add(i.Comments[k].Content)
	}
	if s := b.String(); utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}
