package importer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Source is the data to import: bytes that can be read more than once.
type Source interface {
	io.ReaderAt
	Size() int64
}

// Options are the user's options for an import.
type Options struct {
	All      bool              // also read data that is usually skipped: deleted issues, rows of programs
	Authors  map[string]string // names of people in this tracker, by their names in the source
	Columns  map[string]string // fields of this tracker, by the names of columns in a csv file
	Comments Source            // a second file, with the comments; nil if there is none
	Path     string            // of a Markdown file, relative to the top of its repository
}

// Sink receives the issues that a format reads.
type Sink struct {
	Issue     func(*Issue) error
	Milestone func(*Milestone) error
	Report    *Report
}

// MaxRow is the largest row of a source, in bytes: a line, an element of an array, a
// record.
const MaxRow = 16 << 20

// FormatError means that a source does not have the expected format.
type FormatError struct {
	Format string
	Text   string
	Titles bool // it is a table without a known column for titles

	TooLarge bool // too large for a tracker to start from
}

func (e *FormatError) Error() string { return e.Text }

func notOf(format, text string, args ...any) error {
	return &FormatError{Format: format, Text: fmt.Sprintf(text, args...)}
}

var errRow = errors.New("is longer than 16 MiB")

func whole(s Source) io.Reader { return io.NewSectionReader(s, 0, s.Size()) }

// row is one JSON object of a source.
type row struct {
	line int   // line in the source, or element of the array, from 1
	from int64 // where raw begins, in bytes
	raw  []byte
	err  error // why it cannot be read; raw is empty
}

// rows calls f with each object of a source of JSON lines or of one JSON array. An invalid
// element of an array ends the reading, because the start of the next one is unknown.
func rows(s Source, f func(row) error) error {
	b := bufio.NewReaderSize(whole(s), 64<<10)
	var at int64
	if bom, _ := b.Peek(3); bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
		b.Discard(3)
		at = 3
	}
	for line := 1; ; at++ {
		c, err := b.ReadByte()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case c == '\n':
			line++
		case c == ' ' || c == '\t' || c == '\r':
		case c == '[':
			return array(b, at+1, f)
		default:
			b.UnreadByte()
			return jsonLines(b, line, at, f)
		}
	}
}

// jsonLines reads one object per line, and ignores empty lines.
func jsonLines(b *bufio.Reader, line int, at int64, f func(row) error) error {
	for ; ; line++ {
		raw, n, err := readLine(b)
		from := at
		at += n
		if err == io.EOF && n == 0 {
			return nil
		}
		if err != nil && err != io.EOF && err != errRow {
			return err
		}
		blank := len(raw) - len(bytes.TrimLeft(raw, " \t\r"))
		r := row{line: line, from: from + int64(blank), raw: bytes.TrimSpace(raw)}
		if err == errRow {
			r.err = errRow
		}
		if r.err == nil && len(r.raw) == 0 {
			continue
		}
		if err := f(r); err != nil {
			return err
		}
	}
}

// readLine reads up to the next line break. It skips a line that is too long and returns an
// errRow. n counts its bytes in any case.
func readLine(b *bufio.Reader) (line []byte, n int64, err error) {
	long := false
	for {
		part, err := b.ReadSlice('\n')
		n += int64(len(part))
		if long = long || len(line)+len(part) > MaxRow+1; !long {
			line = append(line, part...)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if long && (err == nil || err == io.EOF) {
			return nil, n, errRow
		}
		return line, n, err
	}
}

// array reads the elements of an array, the first of which may begin at at, and of any
// arrays after it, because an API returns one page at a time.
func array(b *bufio.Reader, at int64, f func(row) error) error {
	c := &counter{r: b, left: MaxRow}
	// The decoder gets the beginning of an array first, then the elements.
	d := json.NewDecoder(io.MultiReader(bytes.NewReader([]byte("[")), c))
	n := 1
	for {
		t, err := d.Token()
		switch {
		case err == io.EOF:
			return nil
		case err == nil && t != json.Delim('['):
			err = fmt.Errorf("%v is not an array", t)
		}
		if err != nil {
			return fmt.Errorf("what follows element %d of the array cannot be read: %w", n-1, err)
		}
		for ; d.More(); n++ {
			c.left = MaxRow + 64<<10 // and the bytes that the decoder reads ahead
			var raw json.RawMessage
			if err := d.Decode(&raw); errors.Is(err, errRow) {
				return fmt.Errorf("element %d of the array %w", n, errRow)
			} else if err != nil {
				return fmt.Errorf("element %d of the array cannot be read: %w", n, err)
			}
			if err := f(row{line: n, from: at - 1 + d.InputOffset() - int64(len(raw)), raw: raw}); err != nil {
				return err
			}
		}
		if _, err := d.Token(); err != nil {
			return fmt.Errorf("the array is not closed after element %d: %w", n-1, err)
		}
	}
}

// counter ends a reading in which an element is too long.
type counter struct {
	r    io.Reader
	left int
}

func (c *counter) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errRow
	}
	n, err := c.r.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
