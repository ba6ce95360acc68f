package store

import (
	"bytes"
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/git-crosslink/git-crosslink/event"
)

// Search. An issue's texts are its title and description, and each comment. An index
// of trigrams says which texts may hold a word; whether they do is asked of each as
// in memory, so the answers are the same. It is only asked for words that few texts
// hold: to read all texts takes less than to find many of them one by one. What is
// indexed is what is compared: text by Fold, whose rules of case are Go's and not
// SQLite's.

const words3 = `CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(text, content='', contentless_delete=1, detail='none', tokenize='trigram case_sensitive 1')`

// A text's number in the index is twice that of its issue's row, or of its
// comment's, and one more for a comment.

const (
	maxTrigrams = 48  // of a query; what the first ones let through is few enough
	fewTexts    = 500 // are found one by one
)

// Search is List over the issues whose title, description or comments hold
// every word of the text, compared by Fold.
func (f *File) Search(text string, l Filter) (rows []*Issue, total int, err error) {
	words := wanted(text)
	slices.Sort(words)
	words = slices.Compact(words)
	among := func() (map[event.UUID]bool, error) {
		if len(words) == 0 {
			return nil, nil
		}
		return f.holding(words)
	}
	return f.list(l, among, func(m *Memory) ([]*Issue, int, error) { return m.Search(text, l) })
}

// texts looks for words in the texts of issues.
type texts struct {
	words []string
	held  map[event.UUID][]bool // which words an issue holds
	of    map[event.UUID]bool   // issues that are looked at; nil is all
	fold  []byte
}

// add looks at one text of an issue.
func (t *texts) add(u event.UUID, text []byte) {
	if t.of != nil && !t.of[u] {
		return
	}
	var folded []byte
	held := t.held[u]
	for n, w := range t.words {
		if held != nil && held[n] {
			continue
		}
		if folded == nil {
			folded = t.folded(text)
		}
		if bytes.Contains(folded, []byte(w)) {
			if held == nil {
				held = make([]bool, len(t.words))
				t.held[u] = held
			}
			held[n] = true
		}
	}
}

// folded is Fold of a text, until the next one.
func (t *texts) folded(text []byte) []byte {
	t.fold = t.fold[:0]
	for _, c := range text {
		switch {
		case c >= utf8.RuneSelf:
			return []byte(Fold(string(text)))
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		t.fold = append(t.fold, c)
	}
	return t.fold
}

// found are the issues that hold all words.
func (t *texts) found() map[event.UUID]bool {
	all := map[event.UUID]bool{}
	for u, held := range t.held {
		if !slices.Contains(held, false) {
			all[u] = true
		}
	}
	return all
}

// holding are the issues that hold all words.
func (f *File) holding(words []string) (map[event.UUID]bool, error) {
	t := &texts{words: words, held: map[event.UUID][]bool{}}
	if f.rareWords(words) {
		for n, w := range words {
			docs, err := f.docs(w)
			if err != nil || len(docs) > fewTexts || trigrams(w) == "" {
				continue
			}
			one := &texts{words: []string{w}, held: map[event.UUID][]bool{}}
			for _, doc := range docs {
				if err := f.textOf(doc, one.add); err != nil {
					return nil, err
				}
			}
			if t.of = one.found(); len(words) == 1 || len(t.of) == 0 {
				return t.of, nil
			}
			t.words = slices.Delete(slices.Clone(words), n, n+1)
			break
		}
	}
	if t.of != nil && len(t.of) <= fewTexts {
		for u := range t.of {
			if err := f.textsOf(u, t.add); err != nil {
				return nil, err
			}
		}
		return t.found(), nil
	}
	err := f.allTexts(t.add)
	return t.found(), err
}

// rareWords reports whether there may be words that few texts hold, and the index
// can be asked.
func (f *File) rareWords(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return trigrams(w) != "" }) && f.indexed()
}

// docs are the numbers of texts that may hold a word: at most one more than few.
func (f *File) docs(w string) (docs []int64, err error) {
	err = f.query(func(r *sql.Rows) error {
		var doc int64
		err := r.Scan(&doc)
		docs = append(docs, doc)
		return err
	}, "SELECT rowid FROM words WHERE words MATCH ? LIMIT ?", trigrams(w), int64(fewTexts)+1)
	return docs, err
}

// textOf gives a text to each by its number in the index.
func (f *File) textOf(doc int64, each func(event.UUID, []byte)) error {
	if doc%2 == 1 {
		return f.query(scanText(commentText, each), "SELECT c.issue, c.row FROM comment c WHERE c.id = ? AND c.visible", doc/2)
	}
	if err := f.query(scanText(plainText, each), "SELECT i.k, i.title FROM issue i WHERE i.id = ? AND i.shown", doc/2); err != nil {
		return err
	}
	return f.query(scanText(unsummed, each), "SELECT t.issue, t.row FROM issue i JOIN text t ON t.issue = i.k WHERE i.id = ?", doc/2)
}

// textsOf gives all texts of an issue to each.
func (f *File) textsOf(u event.UUID, each func(event.UUID, []byte)) error {
	return errors.Join(f.query(scanText(plainText, each), "SELECT k, title FROM issue WHERE k = ? AND shown", u[:]),
		f.query(scanText(unsummed, each), "SELECT issue, row FROM text WHERE issue = ?", u[:]),
		f.query(scanText(commentText, each), "SELECT issue, row FROM comment WHERE issue = ? AND visible", u[:]))
}

// allTexts gives all texts to each.
func (f *File) allTexts(each func(event.UUID, []byte)) error {
	return errors.Join(f.query(scanText(plainText, each), "SELECT k, title FROM issue WHERE shown"),
		f.query(scanText(unsummed, each), "SELECT issue, row FROM text"),
		f.query(scanText(commentText, each), "SELECT issue, row FROM comment WHERE visible"))
}

func scanText(text func([]byte) ([]byte, error), each func(event.UUID, []byte)) func(*sql.Rows) error {
	return func(r *sql.Rows) error {
		var k, b sql.RawBytes
		if err := r.Scan(&k, &b); err != nil || len(k) != len(event.UUID{}) {
			return cmp.Or(err, errRow)
		}
		t, err := text(b)
		if err == nil {
			each(event.UUID(k), t)
		}
		return err
	}
}

func plainText(b []byte) ([]byte, error) { return b, nil }

// commentText is the content in the row of a comment.
func commentText(b []byte) ([]byte, error) {
	b, err := unsummed(b)
	if err != nil {
		return nil, err
	}
	u := unpacker{in: b}
	u.take(uint64(len(event.UUID{})))
	u.take(u.uint()) // the author
	text := u.take(u.uint())
	if u.bad {
		return nil, errRow
	}
	return text, nil
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
	if of, good := readStamp(f.store.Path); !good || string(of) != string(f.inputs) {
		return false
	}
	err := f.store.readWords(there)
	if err == nil {
		err = writeStamp(f.store.Path, f.inputs)
	}
	return err == nil
}

// readWords puts the texts that are not in the index of words into it: all, if
// there is none.
func (s *Store) readWords(there bool) error {
	db, conn, err := open(s.Path)
	if err != nil {
		return err
	}
	defer db.Close()
	defer conn.Close()
	if err := writable(conn); err != nil {
		return err
	}
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
		row, err = commentText(row)
		return string(row), true, err
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
