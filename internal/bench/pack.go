package main

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"fmt"

	"github.com/git-crosslink/git-crosslink/refs"
)

// packer writes the data for a measurement as one pack: on a disk that has to sync each
// object, a million events would take minutes.
type packer struct {
	refs.Local
	b   *bench
	dir string
}

// Write implements refs.Local.
func (p packer) Write(_ context.Context, objs []refs.Object) ([]refs.OID, error) {
	var ids []refs.OID
	var one []refs.Object // without duplicates
	seen := map[refs.OID]bool{}
	for _, o := range objs {
		id := refs.SHA1.ID(o)
		if ids = append(ids, id); !seen[id] {
			seen[id], one = true, append(one, o)
		}
	}
	pack, err := encodePack(one)
	if err != nil {
		return nil, err
	}
	cmd := p.b.cmd(p.dir, "git", "--git-dir=.", "index-pack", "--stdin")()
	cmd.Stdin = bytes.NewReader(pack)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("git index-pack: %w: %s", err, out)
	}
	return ids, nil
}

// encodePack is gitformat-pack(5), version 2, without deltas.
func encodePack(objs []refs.Object) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("PACK")
	binary.Write(&b, binary.BigEndian, [2]uint32{2, uint32(len(objs))})
	z, err := zlib.NewWriterLevel(&b, zlib.BestSpeed)
	if err != nil {
		return nil, err
	}
	for _, o := range objs {
		size := len(o.Data)
		c := byte(o.Kind)<<4 | byte(size&15)
		for size >>= 4; size > 0; size >>= 7 {
			b.WriteByte(c | 0x80)
			c = byte(size & 0x7f)
		}
		b.WriteByte(c)
		z.Reset(&b)
		if _, err := z.Write(o.Data); err != nil {
			return nil, err
		}
		if err := z.Close(); err != nil {
			return nil, err
		}
	}
	sum := sha1.Sum(b.Bytes())
	b.Write(sum[:])
	return b.Bytes(), nil
}
