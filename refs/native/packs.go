package native

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/refs"
)

// packs reads a few small objects from a repository's packs: a command needs those of meta
// and of the ends of logs, and starting git for five objects takes longer than reading
// them. The rules are:
//
//   - an object is returned only if its content has its id, so whatever a pack or its
//     index contains, the result is right;
//   - git reads objects that are not found, are large, have a long chain of deltas or an
//     unusual form, and all objects after the first packedReads.
type packs struct {
	dir string // objects/pack

	mu    sync.Mutex
	files []packFile // as they were when the first object was needed
	found map[refs.OID]refs.Object
	reads int
	done  bool // closed, or the limit is reached
}

// Bounds for reads without git.
const (
	packedReads = 64       // objects
	packedEach  = 64 << 10 // bytes of an object, and of each of its delta bases
	packedDepth = 64       // deltas on top of each other
	packFiles   = 32
	packBucket  = 1 << 16 // objects whose ids begin with the same byte
)

// packFile is a pack with its index, both open.
type packFile struct{ pack, index *os.File }

// errLeft means that git has to read an object.
var errLeft = errors.New("left to git")

// read returns one object; false if it cannot.
func (p *packs) read(id refs.OID, limit int64) (refs.Object, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if o, ok := p.found[id]; ok && int64(len(o.Data)) <= limit {
		return refs.Object{Kind: o.Kind, Data: bytes.Clone(o.Data)}, true
	}
	name, err := hex.DecodeString(string(id))
	if p.done || err != nil {
		return refs.Object{}, false
	}
	if p.reads++; p.reads > packedReads {
		p.shut()
		return refs.Object{}, false
	}
	if p.reads == 1 {
		p.open()
	}
	for _, f := range p.files {
		at, err := f.find(name)
		if err != nil {
			continue
		}
		o, err := f.object(at, packedDepth)
		if err != nil || int64(len(o.Data)) > limit || refs.SHA1.ID(o) != id {
			return refs.Object{}, false
		}
		if p.found == nil {
			p.found = map[refs.OID]refs.Object{}
		}
		p.found[id] = refs.Object{Kind: o.Kind, Data: bytes.Clone(o.Data)}
		return o, true
	}
	return refs.Object{}, false
}

// open opens the existing packs.
func (p *packs) open() {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		base, ok := strings.CutSuffix(e.Name(), ".idx")
		if !ok || len(p.files) == packFiles {
			continue
		}
		index, err := statefile.Open(filepath.Join(p.dir, e.Name()))
		if err != nil {
			continue
		}
		pack, err := statefile.Open(filepath.Join(p.dir, base+".pack"))
		if err != nil {
			index.Close()
			continue
		}
		p.files = append(p.files, packFile{pack, index})
	}
}

// close closes the packs: git reads all packed objects from then on.
func (p *packs) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut()
}

func (p *packs) shut() {
	for _, f := range p.files {
		f.pack.Close()
		f.index.Close()
	}
	p.files, p.done = nil, true
}

// find returns the offset of an object in the pack, from version 2 of the index: a header
// of 8 bytes, for each byte how many ids begin with it or a smaller one, the sorted ids, a
// checksum for each, and the offset of each.
func (f packFile) find(id []byte) (int64, error) {
	const head, fan = 8, 256 * 4
	var b [head + fan]byte
	if _, err := f.index.ReadAt(b[:], 0); err != nil || string(b[:head]) != "\xfftOc\x00\x00\x00\x02" {
		return 0, errLeft
	}
	count := func(first int) int64 { return int64(binary.BigEndian.Uint32(b[head+4*first:])) }
	from, to, all := int64(0), count(int(id[0])), count(255)
	if id[0] > 0 {
		from = count(int(id[0]) - 1)
	}
	if from > to || to > all || to-from > packBucket {
		return 0, errLeft
	}
	size := int64(len(id))
	ids := make([]byte, (to-from)*size)
	if _, err := f.index.ReadAt(ids, head+fan+from*size); err != nil {
		return 0, errLeft
	}
	n := int64(0)
	for ; n < to-from && !bytes.Equal(ids[n*size:(n+1)*size], id); n++ {
	}
	if n == to-from {
		return 0, errLeft
	}
	var at [4]byte
	if _, err := f.index.ReadAt(at[:], head+fan+all*(size+4)+(from+n)*4); err != nil {
		return 0, errLeft
	}
	if at[0]&0x80 != 0 { // beyond 2 GB
		return 0, errLeft
	}
	return int64(binary.BigEndian.Uint32(at[:])), nil
}

// The type of a delta in a pack, besides the kinds.
const offsetDelta = 6

// object reads the object at an offset of the pack.
func (f packFile) object(at int64, depth int) (refs.Object, error) {
	if depth == 0 {
		return refs.Object{}, errLeft
	}
	r := bufio.NewReader(io.NewSectionReader(f.pack, at, 1<<62))
	head, err := r.ReadByte()
	if err != nil {
		return refs.Object{}, err
	}
	size, kind := uint64(head&15), head>>4&7
	for shift := 4; head&0x80 != 0; shift += 7 {
		if head, err = r.ReadByte(); err != nil || shift > 32 {
			return refs.Object{}, errLeft
		}
		size |= uint64(head&0x7f) << shift
	}
	if size > packedEach {
		return refs.Object{}, errLeft
	}
	var base refs.Object
	switch refs.Kind(kind) {
	case refs.Commit, refs.Tree, refs.Blob:
	case offsetDelta:
		back, err := offset(r)
		if err != nil || back <= 0 || back > at {
			return refs.Object{}, errLeft
		}
		if base, err = f.object(at-back, depth-1); err != nil {
			return refs.Object{}, err
		}
	default:
		return refs.Object{}, errLeft
	}
	z, err := zlib.NewReader(r)
	if err != nil {
		return refs.Object{}, err
	}
	defer z.Close()
	data := make([]byte, size)
	if _, err := io.ReadFull(z, data); err != nil {
		return refs.Object{}, err
	}
	if kind != offsetDelta {
		return refs.Object{Kind: refs.Kind(kind), Data: data}, nil
	}
	data, err = patch(base.Data, data)
	return refs.Object{Kind: base.Kind, Data: data}, err
}

// offset reads the distance between a delta and its base, which is before it.
func offset(r io.ByteReader) (int64, error) {
	b, err := r.ReadByte()
	n := int64(b & 0x7f)
	for err == nil && b&0x80 != 0 {
		if n > 1<<40 {
			return 0, errLeft
		}
		b, err = r.ReadByte()
		n = (n+1)<<7 | int64(b&0x7f)
	}
	return n, err
}

// patch applies a delta: the sizes of base and result, then ranges of the base to copy and
// bytes to insert.
func patch(base, d []byte) ([]byte, error) {
	sizes := [2]uint64{}
	for i := range sizes {
		v, n := binary.Uvarint(d)
		if n <= 0 {
			return nil, errLeft
		}
		sizes[i], d = v, d[n:]
	}
	if sizes[0] != uint64(len(base)) || sizes[1] > packedEach {
		return nil, errLeft
	}
	out := make([]byte, 0, sizes[1])
	for len(d) > 0 {
		op := d[0]
		if d = d[1:]; op&0x80 == 0 {
			if op == 0 || int(op) > len(d) {
				return nil, errLeft
			}
			out, d = append(out, d[:op]...), d[op:]
		} else {
			var args [7]byte // four for the offset, three for the length
			for i := range args {
				if op>>i&1 == 0 {
					continue
				}
				if len(d) == 0 {
					return nil, errLeft
				}
				args[i], d = d[0], d[1:]
			}
			from, n := uint64(binary.LittleEndian.Uint32(args[:4])), uint64(args[4])|uint64(args[5])<<8|uint64(args[6])<<16
			if n == 0 {
				n = 1 << 16
			}
			if from+n > uint64(len(base)) {
				return nil, errLeft
			}
			out = append(out, base[from:from+n]...)
		}
		if uint64(len(out)) > sizes[1] {
			return nil, errLeft
		}
	}
	if uint64(len(out)) != sizes[1] {
		return nil, errLeft
	}
	return out, nil
}
