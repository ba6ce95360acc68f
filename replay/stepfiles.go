package replay

import (
	"bytes"
	"maps"
	"slices"
	"strconv"

	"github.com/git-crosslink/git-crosslink/refs"
)

// The tree of a step has a file for each 64 numbers, and most of them are those of
// the step before. Reading hundreds of objects takes longer than everything else a
// command does, so the files of the step that was read last are kept together.
// They are a cache: a file's id is the hash of its content, which is checked, so
// a cached file is right or is not used.

// FewFiles is how many files are read from the repository's objects before the cache is
// used: a step adds only a few.
const FewFiles = 16

// StepFiles is a cache of a step's files, by id. Nil is an empty cache.
type StepFiles struct {
	Format refs.Format
	Load   func() []byte  // what Save was given last; nil if there is nothing
	Save   func(b []byte) // at most MaxStep bytes; may fail silently

	loaded bool
	files  map[refs.OID][]byte // as they were found, unchecked
}

// get puts the wanted files that are cached into have and returns the others.
func (c *StepFiles) get(want []refs.OID, have map[refs.OID][]byte) (others []refs.OID) {
	if c == nil || len(want) <= FewFiles {
		return want
	}
	c.load()
	for _, id := range want {
		if b, ok := c.files[id]; ok && c.Format.ID(refs.Object{Kind: refs.Blob, Data: b}) == id {
			have[id] = b
			continue
		}
		others = append(others, id)
	}
	return others
}

// load decodes the cache: an id, a length and so many bytes, again and again.
func (c *StepFiles) load() {
	if c.loaded {
		return
	}
	c.loaded, c.files = true, map[refs.OID][]byte{}
	for b := c.Load(); len(b) > 0; {
		head, rest, ok := bytes.Cut(b, []byte("\n"))
		id, size, both := bytes.Cut(head, []byte(" "))
		n, err := strconv.Atoi(string(size))
		if !ok || !both || err != nil || n < 0 || n > len(rest) {
			return
		}
		c.files[refs.OID(id)], b = rest[:n:n], rest[n:]
	}
}

// keep saves the files of a step if many of them were not cached.
func (c *StepFiles) keep(files map[refs.OID][]byte, unknown int) {
	if c == nil || unknown <= FewFiles {
		return
	}
	var b bytes.Buffer
	for _, id := range slices.Sorted(maps.Keys(files)) {
		b.WriteString(string(id) + " " + strconv.Itoa(len(files[id])) + "\n")
		b.Write(files[id])
	}
	if b.Len() <= MaxStep {
		c.Save(b.Bytes())
	}
}
