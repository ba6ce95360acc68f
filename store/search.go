package store

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// Search by an index of trigrams. What is indexed are texts: the title and
// description of an issue, and each comment. The index only says which of them may
// hold a word; whether they do is asked of each as in memory, so the answers are the
// same. What is indexed is what is compared: text by Fold, whose rules of case are
// Go's and not SQLite's.

const words3 = `CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(text, content='', contentless_delete=1, detail='none', tokenize='trigram case_sensitive 1')`

// A text's number in the index is twice that of its issue's row, or of its
// comment's, and one more for a comment.

// maxTrigrams bounds a query; what the first ones let through is few enough.
const maxTrigrams = 48

// Search is List over the issues whose title, description or comments hold
// every word of the text, compared by Fold.
func (f *File) Search(text string, l Filter) (rows []*Issue, total int, err error) {
	where := func() (string, []any, error) { return f.holding(wanted(text)) }
	return f.list(l, where, func(m *Memory) ([]*Issue, int, error) { return m.Search(text, l) })
}

// holding is a condition on issues: that their texts hold all words.
func (f *File) holding(words []string) (where string, args []any, err error) {
	if len(words) == 0 {
		return "", nil, nil
	}
	slices.SortFunc(words, func(a, b string) int { return cmp.Compare(len(b), len(a)) }) // the rarer ones first
	words = slices.Compact(words)
	var found map[event.UUID]bool
	for _, w := range words {
		if found, err = f.withWord(w, found); err != nil || len(found) == 0 {
			return "0", nil, err
		}
	}
	var list strings.Builder
	for u := range found {
		fmt.Fprintf(&list, `,"%x"`, u[:])
	}
	return "i.k IN (SELECT unhex(value) FROM json_each(?))", []any{"[" + strings.TrimPrefix(list.String(), ",") + "]"}, nil
}

const (
	ownTexts     = "SELECT i.k, i.title, t.row, NULL FROM issue i LEFT JOIN text t ON t.issue = i.k WHERE i.shown"
	commentTexts = "SELECT c.issue, NULL, NULL, c.row FROM comment c WHERE c.visible"
)

// withWord are the issues, of some or of all, that have a text which holds a word.
func (f *File) withWord(w string, of map[event.UUID]bool) (map[event.UUID]bool, error) {
	own, comments, args := "", "", []any(nil)
	if q := trigrams(w); q != "" && f.indexed() {
		const docs = "(SELECT rowid / 2 FROM words WHERE words MATCH ? AND rowid % 2 = "
		own, comments, args = " AND i.id IN "+docs+"0)", " AND c.id IN "+docs+"1)", []any{q}
	}
	found := map[event.UUID]bool{}
	each := func(r *sql.Rows) error {
		var k, title, text, comment sql.RawBytes
		if err := r.Scan(&k, &title, &text, &comment); err != nil {
			return err
		}
		if len(k) != len(event.UUID{}) {
			return errRow
		}
		u := event.UUID(k)
		if found[u] || of != nil && !of[u] {
			return nil
		}
		holds := title != nil && strings.Contains(Fold(string(title)), w)
		if text != nil && !holds {
			b, err := unsummed(text)
			if err != nil {
				return err
			}
			holds = strings.Contains(Fold(string(b)), w)
		}
		if comment != nil {
			var c reducer.Comment
			if err := unpack(comment, &c); err != nil {
				return err
			}
			holds = strings.Contains(Fold(c.Content), w)
		}
		if holds {
			found[u] = true
		}
		return nil
	}
	err := f.query(each, ownTexts+own, args...)
	if err == nil {
		err = f.query(each, commentTexts+comments, args...)
	}
	return found, err
}

// trigrams is a query for all that a word consists of; "" where it is too short to
// have any.
func trigrams(w string) string {
	var parts []string
	seen := map[string]bool{}
	runes := []rune(w)
	for n := 0; n+3 <= len(runes) && len(parts) < maxTrigrams; n++ {
		t := string(runes[n : n+3])
		if seen[t] || strings.Contains(t, "\x00") {
			continue
		}
		seen[t] = true
		parts = append(parts, `"`+strings.ReplaceAll(t, `"`, `""`)+`"`)
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
	if of, good := readSeal(f.store.Path); !good || string(of) != string(f.inputs) {
		return false
	}
	err := f.store.readWords(there)
	if err == nil {
		err = writeSeal(f.store.Path, f.inputs)
	}
	return err == nil
}

// readWords puts the texts that are not in the index of words into it: all, if
// there is none.
func (s *Store) readWords(there bool) error {
	db, conn, err := open(s.Path, true)
	if err != nil {
		return err
	}
	defer db.Close()
	defer conn.Close()
	w := newWriter(conn)
	defer w.close()
	return w.within(func() error { return w.words(there) })
}

func (w *writer) words(there bool) error {
	if err := w.exec(words3); err != nil {
		return err
	}
	if !there {
		if err := w.exec("INSERT OR IGNORE INTO unread SELECT 2 * id FROM issue WHERE shown UNION ALL SELECT 2 * id + 1 FROM comment WHERE visible"); err != nil {
			return err
		}
	}
	var docs []int64
	if err := w.each("SELECT doc FROM unread ORDER BY doc", nil, func(r *sql.Rows) error {
		var doc int64
		err := r.Scan(&doc)
		docs = append(docs, doc)
		return err
	}); err != nil {
		return err
	}
	for _, doc := range docs {
		text, some, err := w.text(doc)
		if err != nil {
			return fmt.Errorf("text %d: %w", doc, err)
		}
		if there {
			if err := w.exec("DELETE FROM words WHERE rowid = ?", doc); err != nil {
				return err
			}
		}
		if some {
			if err := w.exec("INSERT INTO words (rowid, text) VALUES (?, ?)", doc, searched(text)); err != nil {
				return err
			}
		}
	}
	return w.exec("DELETE FROM unread")
}

// text reads a text by its number in the index.
func (w *writer) text(doc int64) (text string, some bool, err error) {
	var title, row []byte
	if doc%2 == 1 {
		some, err = w.one("SELECT row FROM comment WHERE id = ? AND visible", []any{doc / 2}, &row)
		if err != nil || !some {
			return "", false, err
		}
		var c reducer.Comment
		err = unpack(row, &c)
		return c.Content, true, err
	}
	some, err = w.one("SELECT i.title, t.row FROM issue i LEFT JOIN text t ON t.issue = i.k WHERE i.id = ? AND i.shown", []any{doc / 2}, &title, &row)
	if err != nil || !some || row == nil {
		return string(title), some, err
	}
	row, err = unsummed(row)
	return string(title) + "\n" + string(row), true, err
}

// searched is a text as it is compared. SQLite ends a text at a NUL, so there is
// none: no word that can be typed has one.
func searched(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(Fold(text), "\x00", " "), "\uFFFD")
}
