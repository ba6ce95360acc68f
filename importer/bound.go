package importer

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Bounds of one row. Without them a row of 16 MiB could unfold to gigabytes.
const (
	maxList    = 20_000  // elements of an array
	maxMembers = 1_000   // members of an object without a corresponding field
	maxColumns = 1_000   // columns of a table
	maxID      = 1 << 10 // bytes of an id, all of which are kept in memory
	maxIssue   = 64 << 20
)

// list is an array in a row.
type list[T any] []T

func (l *list[T]) UnmarshalJSON(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	switch t, err := d.Token(); {
	case err != nil:
		return err
	case t == nil: // null
		return nil
	case t != json.Delim('['):
		return errors.New("there is something else where an array belongs")
	}
	for d.More() {
		if len(*l) == maxList {
			return fmt.Errorf("an array has more than %d elements", maxList)
		}
		var one T
		if err := d.Decode(&one); err != nil {
			return err
		}
		*l = append(*l, one)
	}
	return nil
}

// leftoverOf returns the members of an object that are unknown and not empty.
func leftoverOf(raw []byte, known map[string]bool) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, err
	}
	var members map[string]json.RawMessage
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		switch s, _ := name.(string); string(v) {
		case "null", `""`, "0", "false", "[]", "{}", `"{}"`:
		default:
			if known[s] {
				continue
			}
			if members == nil {
				members = map[string]json.RawMessage{}
			}
			if members[s] = v; len(members) > maxMembers {
				return nil, fmt.Errorf("it has more than %d members without a place here", maxMembers)
			}
		}
	}
	return members, nil
}

// cells hides everything after the first maxColumns cells of a record from the table
// reader, which would need forty bytes per cell.
type cells struct {
	r     io.Reader
	comma byte // the separator of cells
	in    byte // position in a cell: 0 before it, 'u' without quotes, 'q' in quotes, 'e' after a quote that may end them
	had   int  // separators of this record
}

func (c *cells) Read(p []byte) (int, error) {
	for {
		n, err := c.r.Read(p)
		if n = c.keep(p[:n]); n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// keep moves the bytes that will be read to the front, and counts them.
func (c *cells) keep(p []byte) int {
	kept := p[:0]
	for _, b := range p {
		switch {
		case c.in == 'q' && b != '"' || c.in == 'e' && b == '\r':
		case c.in == 'q':
			c.in = 'e'
		case b == c.comma:
			c.in, c.had = 0, c.had+1
		case b == '\n':
			c.in, c.had = 0, 0
		case b == '"' && (c.in == 0 || c.in == 'e'), c.in == 'e':
			c.in = 'q'
		case c.in == 0:
			c.in = 'u'
		}
		if c.had <= maxColumns {
			kept = append(kept, b)
		}
	}
	return len(kept)
}

// rowKeys are the keys of the rows of a source, which rows name that come before them.
type rowKeys struct {
	seen   map[nameHash]bool // whether the second reading has met the row
	others map[string]string // keys by other names of their rows
}

func newRowKeys() *rowKeys {
	return &rowKeys{map[nameHash]bool{}, map[string]string{}}
}

// nameHash stands for a name in a set of many.
type nameHash [16]byte

func hashOf(name string) (h nameHash) {
	sum := sha256.Sum256([]byte(name))
	copy(h[:], sum[:])
	return h
}

// add notes a row and another name of it.
func (k *rowKeys) add(key, name string) {
	if tooLong(key) != "" || tooLong(name) != "" {
		return
	}
	if h := hashOf(key); !k.seen[h] {
		k.seen[h] = false
	}
	if _, ok := k.others[name]; !ok && name != "" && name != key {
		k.others[name] = key
	}
}

// of is the key of the row that is called name, "" if there is none.
func (k *rowKeys) of(name string) string {
	if _, ok := k.seen[hashOf(name)]; ok {
		return name
	}
	return k.others[name]
}

// meet reports whether the second reading meets a row for the first time.
func (k *rowKeys) meet(key string) bool {
	h := hashOf(key)
	first := !k.seen[h]
	k.seen[h] = true
	return first
}

// laterSaid drops errors of the first pass that the second pass also finds, after the rows
// that can be read.
func laterSaid(err error) error {
	var not *FormatError
	if errors.As(err, &not) {
		return err
	}
	return nil
}

// tooLong returns why an id cannot be read, "" if it can.
func tooLong(id string) string {
	if len(id) <= maxID {
		return ""
	}
	return fmt.Sprintf("its id is longer than %d bytes", maxID)
}

// Size returns the approximate size of an issue in bytes.
func (i *Issue) Size() int {
	n := 1<<10 + len(i.Title) + len(i.Description) + len(i.Reason)
	for _, c := range i.Comments {
		n += 1<<9 + len(c.Text)
		for _, e := range c.Edits {
			n += 1<<9 + len(e.Text)
		}
	}
	return n + (len(i.Labels)+len(i.Assignees)+len(i.BlockedBy)+len(i.Relations)+len(i.Links)+len(i.Time))<<9
}
