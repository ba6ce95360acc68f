package git

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"

	"github.com/git-crosslink/git-crosslink/refs"
)

// encodePack makes a pack of whole objects, without deltas. It is only used as input of
// `git unpack-objects`, so it is not compressed: git compresses the objects it writes, and
// the size of a pipe's data does not matter.
func encodePack(f refs.Format, objs []refs.Object) []byte {
	var b bytes.Buffer
	b.WriteString("PACK")
	binary.Write(&b, binary.BigEndian, uint32(2))
	binary.Write(&b, binary.BigEndian, uint32(len(objs)))
	z, _ := zlib.NewWriterLevel(&b, zlib.NoCompression)
	for _, o := range objs {
		// Size: 4 bits beside the type, then 7 bits per byte, low ones first.
		n := len(o.Data)
		c := byte(o.Kind)<<4 | byte(n&15)
		for n >>= 4; n > 0; n >>= 7 {
			b.WriteByte(c | 0x80)
			c = byte(n & 0x7f)
		}
		b.WriteByte(c)
		z.Reset(&b)
		z.Write(o.Data)
		z.Close()
	}
	h := f.NewHash()
	h.Write(b.Bytes())
	return h.Sum(b.Bytes())
}
