package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/event/canon"
)

// The number lists. The rules are:
//   - append-only: a line is never altered, a number never given twice;
//   - one line is `<number> <uuid> <agent> <seq>`, the creation that was numbered;
//   - file k holds lines 64k+1 … 64k+64, counted by line, not by number;
//   - hash is the event.RunningHash of all lines in file order;
//   - last is the greatest number ever given, base and lost branches included.

// linesPerFile is how many lines one file of numbers/ holds.
const linesPerFile = 64

// numbers is one list as one ledger sees it: the first n lines of a book that
// ledgers derived from each other share.
type numbers struct {
	book *book
	n    int // lines
	size int // bytes of them
	last uint64
	hash event.RunningHash
}

// book holds the lines of a list. Lines behind a view's n belong to ledgers
// derived from it. Only the longest view appends; another one copies first.
type book struct {
	mu       sync.RWMutex
	dir      string
	lines    []Numbered
	text     []byte
	starts   []int    // where each file begins in text
	paths    []string // of each file
	byUUID   map[event.UUID]int
	byNumber map[uint64]int
}

func newNumbers(dir string, last uint64) numbers {
	return numbers{last: last, book: &book{dir: dir, byUUID: map[event.UUID]int{}, byNumber: map[uint64]int{}}}
}

func (v *numbers) all() []Numbered {
	v.book.mu.RLock()
	defer v.book.mu.RUnlock()
	return v.book.lines[:v.n:v.n]
}

// number returns what a uuid's number is.
func (v *numbers) number(u event.UUID) (uint64, bool) {
	v.book.mu.RLock()
	defer v.book.mu.RUnlock()
	i, ok := v.book.byUUID[u]
	if !ok || i >= v.n {
		return 0, false
	}
	return v.book.lines[i].Number, true
}

// taken reports whether a number is in the list.
func (v *numbers) taken(n uint64) bool {
	v.book.mu.RLock()
	defer v.book.mu.RUnlock()
	i, ok := v.book.byNumber[n]
	return ok && i < v.n
}

// add appends one line. The caller has seen to it that uuid and number are new.
func (v *numbers) add(x Numbered) {
	b := v.book
	b.mu.Lock()
	defer func() { b.mu.Unlock() }()
	if len(b.lines) != v.n {
		// Another ledger went on from here: leave its lines alone.
		c := b.prefix(v.n, v.size)
		c.mu.Lock()
		b.mu.Unlock()
		b, v.book = c, c
	}
	if v.n%linesPerFile == 0 {
		b.starts = append(b.starts, len(b.text))
		b.paths = append(b.paths, fmt.Sprintf("%s%06d", b.dir, v.n/linesPerFile))
	}
	from := len(b.text)
	b.text = strconv.AppendUint(b.text, x.Number, 10)
	b.text = append(append(b.text, ' '), x.UUID.String()...)
	b.text = append(append(b.text, ' '), x.Agent...)
	b.text = strconv.AppendUint(append(b.text, ' '), x.Seq, 10)
	v.hash.Add(b.text[from:])
	b.text = append(b.text, '\n')
	b.byUUID[x.UUID], b.byNumber[x.Number] = len(b.lines), len(b.lines)
	b.lines = append(b.lines, x)
	v.n, v.size, v.last = v.n+1, len(b.text), max(v.last, x.Number)
}

// prefix returns a book of the first n lines.
func (b *book) prefix(n, size int) *book {
	files := (n + linesPerFile - 1) / linesPerFile
	c := &book{
		dir: b.dir, lines: slices.Clone(b.lines[:n]), text: bytes.Clone(b.text[:size]),
		starts: slices.Clone(b.starts[:files]), paths: slices.Clone(b.paths[:files]),
		byUUID: make(map[event.UUID]int, n), byNumber: make(map[uint64]int, n),
	}
	for i, x := range c.lines {
		c.byUUID[x.UUID], c.byNumber[x.Number] = i, i
	}
	return c
}

// files calls f with every file of the list from the given one on.
func (v *numbers) files(from int, f func(path string, data []byte)) {
	v.book.mu.RLock()
	defer v.book.mu.RUnlock()
	for k := from; k*linesPerFile < v.n; k++ {
		start, end := v.book.starts[k], v.size
		if (k+1)*linesPerFile < v.n {
			end = v.book.starts[k+1]
		}
		f(v.book.paths[k], v.book.text[start:end:end])
	}
}

// count is how many files the list has.
func (v *numbers) count() int { return (v.n + linesPerFile - 1) / linesPerFile }

// readNumbers decodes the files of one list and takes them out of rest.
func readNumbers(dir string, rest map[string][]byte, used func(Numbered) bool) (numbers, error) {
	v := newNumbers(dir, 0)
	for {
		path := fmt.Sprintf("%s%06d", dir, v.n/linesPerFile)
		data, ok := rest[path]
		if !ok || v.n%linesPerFile != 0 {
			return v, nil
		}
		delete(rest, path)
		if len(data) == 0 {
			return v, fmt.Errorf("'%s' is empty", path)
		}
		for k := 0; len(data) > 0; k++ {
			line, after, ok := bytes.Cut(data, []byte("\n"))
			x, err := readNumbered(line)
			switch {
			case err != nil:
				return v, fmt.Errorf("'%s': %w", path, err)
			case !ok || k == linesPerFile:
				return v, fmt.Errorf("'%s' ends within a line or holds too many", path)
			case v.taken(x.Number) || used(x):
				return v, fmt.Errorf("'%s': number %d or its uuid stands twice", path, x.Number)
			}
			if _, twice := v.number(x.UUID); twice {
				return v, fmt.Errorf("'%s': uuid %s stands twice", path, x.UUID)
			}
			v.add(x)
			data = after
		}
	}
}

func readNumbered(line []byte) (x Numbered, err error) {
	f := bytes.Split(line, []byte(" "))
	if len(line) > 256 || len(f) != 4 {
		return x, errors.New("a line is not '<number> <uuid> <agent> <seq>'")
	}
	var ok [3]bool
	x.Number, ok[0] = readUint(f[0])
	x.UUID, ok[1] = event.ParseUUID(string(f[1]))
	x.Agent = string(f[2])
	x.Seq, ok[2] = readUint(f[3])
	if !ok[0] || !ok[1] || !ok[2] || x.Number == 0 || event.ValidAgentID3(x.Agent) != nil {
		return x, errors.New("a line is not '<number> <uuid> <agent> <seq>'")
	}
	return x, nil
}

// readUint reads a decimal as canonical JSON writes it.
func readUint(b []byte) (uint64, bool) {
	if len(b) == 0 || len(b) > 16 || b[0] == '0' && len(b) > 1 {
		return 0, false
	}
	var n uint64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, n <= canon.MaxUint
}
