package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/git-crosslink/git-crosslink/event"
)

// Search. An issue's texts are its title and description, and each comment. An index
// of trigrams says which texts may hold a term; whether they do is asked of each as
// in memory, so the answers are the same. It is only asked for terms that few texts
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

// A term is one thing that a search asks for.
type term struct {
	text   string // by Fold
	phrase bool   // words with any white space between them
	number bool   // "#6", which is not the beginning of "#60"
	own    event.UUID
}

// terms reads the text of a search: words; phrases between double quotes; and numbers such
// as "#6", which ask for texts that mention the issue and for the issue itself, which
// resolve finds.
func terms(text string, resolve func(id string) (event.UUID, error)) (all []term) {
	parts := strings.Split(Fold(text), `"`)
	for k, part := range parts {
		words := strings.Fields(part)
		if k%2 == 1 && k < len(parts)-1 && len(words) > 1 {
			words = []string{strings.Join(words, " ")}
		}
		for _, w := range words {
			t := term{text: w, phrase: strings.Contains(w, " ")}
			if digits, found := strings.CutPrefix(w, "#"); found && digits != "" && strings.Trim(digits, "0123456789") == "" {
				t.number = true
				t.own, _ = resolve(w)
			}
			if !slices.Contains(all, t) {
				all = append(all, t)
			}
		}
	}
	return all
}

// in reports whether a folded text holds the term.
func (t *term) in(text []byte) bool {
	if t.phrase {
		text = bytes.Join(bytes.Fields(text), []byte(" "))
	}
	for {
		at := bytes.Index(text, []byte(t.text))
		if at < 0 || !t.number {
			return at >= 0
		}
		text = text[at+len(t.text):]
		if len(text) == 0 || text[0] < '0' || text[0] > '9' {
			return true
		}
	}
}

// hits are the issues that hold all terms.
type hits struct {
	all   map[event.UUID]bool
	first event.UUID // comes before the others, whatever the order
}

// before is an order of rows in which the first is first.
func (h *hits) before(less func(a, b *Issue) int) func(a, b *Issue) int {
	return func(a, b *Issue) int {
		return cmp.Or(-compareFlags(a.UUID == h.first, b.UUID == h.first), less(a, b))
	}
}

// hexes are uuids in hexadecimal digits, as a JSON array.
func hexes(of iter.Seq[event.UUID]) string {
	b := []byte("[")
	for u := range of {
		b = fmt.Appendf(b, `"%x",`, u[:])
	}
	return strings.TrimSuffix(string(b), ",") + "]"
}

// named is the issue that the first number names; the zero UUID if none does.
func named(all []term) event.UUID {
	for k := range all {
		if all[k].own != (event.UUID{}) {
			return all[k].own
		}
	}
	return event.UUID{}
}

// Search is List over the issues whose title, description or comments hold every term of
// the text. An issue that the text names by its number comes first.
func (f *File) Search(text string, l Filter) (rows []*Issue, total int, err error) {
	among := func() (*hits, error) {
		wanted := terms(text, f.Resolve)
		if len(wanted) == 0 {
			return nil, nil
		}
		all, err := f.holding(wanted)
		return &hits{all, named(wanted)}, err
	}
	return f.list(l, among, func(m *Memory) ([]*Issue, int, error) { return m.Search(text, l) })
}

// texts looks for terms in the texts of issues.
type texts struct {
	terms []term
	held  map[event.UUID][]bool // which terms an issue holds
	of    map[event.UUID]bool   // issues that are looked at; nil is all
	fold  []byte
}

func newTexts(terms []term) *texts {
	t := &texts{terms: terms, held: map[event.UUID][]bool{}}
	for n := range terms {
		if own := terms[n].own; own != (event.UUID{}) {
			t.heldBy(own)[n] = true
		}
	}
	return t
}

// heldBy are the terms that an issue holds, to be altered.
func (t *texts) heldBy(u event.UUID) []bool {
	held := t.held[u]
	if held == nil {
		held = make([]bool, len(t.terms))
		t.held[u] = held
	}
	return held
}

// wants reports whether more texts of an issue may change what is found.
func (t *texts) wants(u event.UUID) bool {
	held := t.held[u]
	return (t.of == nil || t.of[u]) && (held == nil || slices.Contains(held, false))
}

// add looks at one text of an issue.
func (t *texts) add(u event.UUID, text []byte) {
	folded := t.folded(text)
	for n := range t.terms {
		if t.terms[n].in(folded) {
			t.heldBy(u)[n] = true
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

// found are the issues that hold all terms.
func (t *texts) found() map[event.UUID]bool {
	all := map[event.UUID]bool{}
	for u, held := range t.held {
		if !slices.Contains(held, false) && (t.of == nil || t.of[u]) {
			all[u] = true
		}
	}
	return all
}

// holding are the issues that hold all terms.
func (f *File) holding(terms []term) (map[event.UUID]bool, error) {
	t := newTexts(terms)
	if f.rareTerms(terms) {
		for n := range terms {
			if terms[n].trigrams() == "" {
				continue
			}
			docs, err := f.docs(&terms[n])
			if err != nil {
				return nil, err
			}
			if len(docs) > fewTexts {
				continue
			}
			one := newTexts(terms[n : n+1])
			for _, doc := range docs {
				if err := f.textOf(doc, one); err != nil {
					return nil, err
				}
			}
			of := one.found()
			if len(terms) == 1 || len(of) == 0 {
				return of, nil
			}
			t = newTexts(slices.Delete(slices.Clone(terms), n, n+1))
			t.of = of
			break
		}
	}
	if t.of != nil && len(t.of) <= fewTexts {
		for u := range t.of {
			if err := f.textsOf(u, t); err != nil {
				return nil, err
			}
		}
		return t.found(), nil
	}
	err := f.allTexts(t)
	return t.found(), err
}

// rareTerms reports whether there may be terms that few texts hold, and the index
// can be asked.
func (f *File) rareTerms(terms []term) bool {
	return slices.ContainsFunc(terms, func(t term) bool { return t.trigrams() != "" }) && f.indexed()
}

// docs are the numbers of texts that may hold a term: at most one more than few.
func (f *File) docs(t *term) (docs []int64, err error) {
	err = f.query(func(r *sql.Rows) error {
		var doc int64
		err := r.Scan(&doc)
		docs = append(docs, doc)
		return err
	}, "SELECT rowid FROM words WHERE words MATCH ? LIMIT ?", t.trigrams(), int64(fewTexts)+1)
	return docs, err
}

// textOf adds a text by its number in the index.
func (f *File) textOf(doc int64, t *texts) error {
	if doc%2 == 1 {
		return f.query(t.scan(commentText), "SELECT c.issue, c.row FROM comment c WHERE c.id = ? AND c.visible", doc/2)
	}
	return errors.Join(f.query(t.scan(plainText), "SELECT k, title FROM issue WHERE id = ? AND shown", doc/2),
		f.query(t.scan(unsummed), "SELECT t.issue, t.row FROM issue i JOIN text t ON t.issue = i.k WHERE i.id = ?", doc/2))
}

// textsOf adds all texts of an issue.
func (f *File) textsOf(u event.UUID, t *texts) error {
	return errors.Join(f.query(t.scan(plainText), "SELECT k, title FROM issue WHERE k = ? AND shown", u[:]),
		f.query(t.scan(unsummed), "SELECT issue, row FROM text WHERE issue = ?", u[:]),
		f.query(t.scan(commentText), "SELECT issue, row FROM comment WHERE issue = ? AND visible", u[:]))
}

// allTexts adds all texts.
func (f *File) allTexts(t *texts) error {
	return errors.Join(f.query(t.scan(plainText), "SELECT k, title FROM issue WHERE shown"),
		f.query(t.scan(unsummed), "SELECT issue, row FROM text"),
		f.query(t.scan(commentText), "SELECT issue, row FROM comment WHERE visible"))
}

// scan adds a text for each result of a query: the uuid of an issue, and a row.
func (t *texts) scan(textIn func([]byte) ([]byte, error)) func(*sql.Rows) error {
	return func(r *sql.Rows) error {
		var k, row sql.RawBytes
		if err := r.Scan(&k, &row); err != nil || len(k) != len(event.UUID{}) {
			return cmp.Or(err, errRow)
		}
		u := event.UUID(k)
		if !t.wants(u) {
			return nil
		}
		text, err := textIn(row)
		if err == nil {
			t.add(u, text)
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

// trigrams returns a query for all that a term consists of; "" if its words are too short to
// have any. The white space of a phrase may be any other in a text.
func (t *term) trigrams() string {
	var parts []string
	seen := map[string]bool{}
	for _, w := range strings.Fields(t.text) {
		runes := []rune(w)
		for n := 0; n+3 <= len(runes) && len(parts) < maxTrigrams; n++ {
			three := string(runes[n : n+3])
			if seen[three] || strings.Contains(three, "\x00") {
				continue
			}
			seen[three] = true
			parts = append(parts, `"`+strings.ReplaceAll(three, `"`, `""`)+`"`)
		}
	}
	return strings.Join(parts, " AND ")
}

// textsQuery counts the texts, and those that are deleted.
const textsQuery = "SELECT (SELECT coalesce(max(id), 0) FROM issue) + (SELECT coalesce(max(id), 0) FROM comment)"

// indexed brings the index of words up to date, and reports whether it can be used.
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
	if texts := 0; !there && f.query(func(r *sql.Rows) error { return r.Scan(&texts) }, textsQuery) == nil && texts < f.store.WordsFrom {
		return false
	}
	f.Release() // or the writer waits for this reader
	unlock, ok := f.store.Lock(false)
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
	w := newWriter(context.Background(), conn)
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
