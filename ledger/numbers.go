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

// book holds the lines of a list. Lines after a view's n belong to ledgers
// derived from it. Only the longest view appends; another one copies first.
type book struct {
	mu     sync.Mutex
	dir    string
	count  int // lines
	text   []byte
	starts []int    // where each file begins in text
	paths  []string // of each file

	// Derived from the text; if the ledger was recalled, when first needed.
	read, indexed bool
	lines         []Numbered
	byUUID        map[event.UUID]int
	byNumber      map[uint64]int
	searched      int // uuids that were looked for in the text
}

// maxSearched is how many uuids are looked for in the text before there is an
// index: to make one takes as long as about so many.
const maxSearched = 32

func newNumbers(dir string, last uint64) numbers {
	return numbers{last: last, book: &book{dir: dir, read: true, indexed: true, byUUID: map[event.UUID]int{}, byNumber: map[uint64]int{}}}
}

// readLines makes the lines of the text.
func (b *book) readLines() {
	if b.read {
		return
	}
	b.read, b.lines = true, make([]Numbered, 0, b.count)
	for line := range bytes.Lines(b.text) {
		x, _ := readNumbered(bytes.TrimSuffix(line, []byte("\n"))) // it was judged once
		b.lines = append(b.lines, x)
	}
}

// index makes the index of the lines.
func (b *book) index() {
	if b.indexed {
		return
	}
	b.readLines()
	b.indexed, b.byUUID, b.byNumber = true, make(map[event.UUID]int, b.count), make(map[uint64]int, b.count)
	for i, x := range b.lines {
		b.byUUID[x.UUID], b.byNumber[x.Number] = i, i
	}
}

// search looks for a uuid's number in the text's first bytes.
func (b *book) search(u event.UUID, size int) (uint64, bool) {
	want := []byte(" " + u.String() + " ")
	for at := 0; ; at++ {
		i := bytes.Index(b.text[at:size], want)
		if i < 0 {
			return 0, false
		}
		at += i
		if n, ok := readUint(b.text[bytes.LastIndexByte(b.text[:at], '\n')+1 : at]); ok { // else an agent is called so
			return n, true
		}
	}
}

func (v *numbers) all() []Numbered {
	v.book.mu.Lock()
	defer v.book.mu.Unlock()
	v.book.readLines()
	return v.book.lines[:v.n:v.n]
}

// since returns the lines after the first n.
func (v *numbers) since(n int) []Numbered {
	b := v.book
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.read || n/linesPerFile >= len(b.starts) {
		b.readLines()
		return b.lines[n:v.n:v.n]
	}
	var lines []Numbered
	for line := range bytes.Lines(b.text[b.starts[n/linesPerFile]:v.size]) {
		x, _ := readNumbered(bytes.TrimSuffix(line, []byte("\n")))
		lines = append(lines, x)
	}
	return lines[n%linesPerFile:]
}

// number returns what a uuid's number is.
func (v *numbers) number(u event.UUID) (uint64, bool) {
	b := v.book
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.searched++; !b.indexed && b.searched <= maxSearched {
		return b.search(u, v.size)
	}
	b.index()
	i, ok := b.byUUID[u]
	if !ok || i >= v.n {
		return 0, false
	}
	return b.lines[i].Number, true
}

// taken reports whether a number is in the list.
func (v *numbers) taken(n uint64) bool {
	v.book.mu.Lock()
	defer v.book.mu.Unlock()
	v.book.index()
	i, ok := v.book.byNumber[n]
	return ok && i < v.n
}

// add appends one line. The caller has seen to it that uuid and number are new.
func (v *numbers) add(x Numbered) {
	b := v.book
	b.mu.Lock()
	defer func() { b.mu.Unlock() }()
	if b.count != v.n {
		// Another ledger continued from here: leave its lines alone.
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
	if b.indexed {
		b.byUUID[x.UUID], b.byNumber[x.Number] = b.count, b.count
	}
	if b.read {
		b.lines = append(b.lines, x)
	}
	b.count++
	v.n, v.size, v.last = v.n+1, len(b.text), max(v.last, x.Number)
}

// prefix returns a book of the first n lines.
func (b *book) prefix(n, size int) *book {
	files := (n + linesPerFile - 1) / linesPerFile
	c := &book{
		dir: b.dir, count: n, text: bytes.Clone(b.text[:size]),
		starts: slices.Clone(b.starts[:files]), paths: slices.Clone(b.paths[:files]),
	}
	if b.read {
		c.read, c.lines = true, slices.Clone(b.lines[:n])
	}
	return c
}

// files calls f with every file of the list from the given one on.
func (v *numbers) files(from int, f func(path string, data []byte)) {
	v.book.mu.Lock()
	defer v.book.mu.Unlock()
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

// recallNumbers is readNumbers for files that were judged once: what is in them is
// read when it is needed. last and hash are what state.json says.
func recallNumbers(dir string, rest map[string][]byte, last uint64, hash string) (numbers, error) {
	h, err := event.ResumeRunningHash(hash)
	v := numbers{last: last, hash: h, book: &book{dir: dir}}
	for err == nil {
		path := fmt.Sprintf("%s%06d", dir, len(v.book.paths))
		data, ok := rest[path]
		if !ok {
			break
		}
		delete(rest, path)
		b := v.book
		b.starts, b.paths = append(b.starts, len(b.text)), append(b.paths, path)
		b.text, b.count = append(b.text, data...), b.count+bytes.Count(data, []byte("\n"))
	}
	v.n, v.size = v.book.count, len(v.book.text)
	return v, err
}

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
				return v, fmt.Errorf("'%s': number %d or its uuid occurs twice", path, x.Number)
			}
			if _, twice := v.number(x.UUID); twice {
				return v, fmt.Errorf("'%s': uuid %s occurs twice", path, x.UUID)
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
