package tracker

import (
	"bytes"
	"maps"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/refs"
)

// The tree of a step has a file for each 64 numbers, and most of them are those of
// the step before. To read hundreds of objects takes longer than all else that a
// command does, so those of the step that was read last lie together in one file.
// It is a cache: a file's id is the hash of its content, which is checked, so
// whatever it holds is right or not used.

// fewFiles are read from the replica's objects: a step adds a handful.
const fewFiles = 16

// ledgerFiles are files of a step by their ids.
type ledgerFiles struct {
	path   string
	format refs.Format
	read   bool
	files  map[refs.OID][]byte // as they were found, unchecked
}

func (t *Tracker) ledgerFiles() *ledgerFiles {
	return &ledgerFiles{path: filepath.Join(t.outer.CommonDir, "crosslink", "ledger.files"), format: t.local().Format()}
}

// get puts what is known of the wanted files into have and returns the others.
func (l *ledgerFiles) get(want []refs.OID, have map[refs.OID][]byte) (others []refs.OID) {
	if l == nil || len(want) <= fewFiles {
		return want
	}
	l.load()
	for _, id := range want {
		if b, ok := l.files[id]; ok && l.format.ID(refs.Object{Kind: refs.Blob, Data: b}) == id {
			have[id] = b
			continue
		}
		others = append(others, id)
	}
	return others
}

// load reads the file: an id, a length and so many bytes, again and again.
func (l *ledgerFiles) load() {
	if l.read {
		return
	}
	l.read, l.files = true, map[refs.OID][]byte{}
	b, err := statefile.Read(l.path, maxStep)
	for err == nil && len(b) > 0 {
		head, rest, ok := bytes.Cut(b, []byte("\n"))
		id, size, both := bytes.Cut(head, []byte(" "))
		n, err := strconv.Atoi(string(size))
		if !ok || !both || err != nil || n < 0 || n > len(rest) {
			return
		}
		l.files[refs.OID(id)], b = rest[:n:n], rest[n:]
	}
}

// keep writes the files of a step, if many of them were not known.
func (l *ledgerFiles) keep(files map[refs.OID][]byte, unknown int) {
	if l == nil || unknown <= fewFiles {
		return
	}
	var b bytes.Buffer
	for _, id := range slices.Sorted(maps.Keys(files)) {
		b.WriteString(string(id) + " " + strconv.Itoa(len(files[id])) + "\n")
		b.Write(files[id])
	}
	// one that cannot be kept costs the next command time, nothing else
	if b.Len() <= maxStep {
		_ = statefile.Write(l.path, b.Bytes())
	}
}
