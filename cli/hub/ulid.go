package hub

import (
	"crypto/rand"
	"time"
)

// newULID mints the id of a request: 48 bits of time and 80 random ones, in
// Crockford's base32.
func newULID(now time.Time) string {
	const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	var b [16]byte
	rand.Read(b[6:])
	ms := uint64(max(now.UnixMilli(), 0))
	for k := range 6 {
		b[k] = byte(ms >> (40 - 8*k))
	}
	id := make([]byte, 26)
	bit := -2 // 130 bits hold 128
	for k := range id {
		v := 0
		for range 5 {
			v <<= 1
			if bit >= 0 {
				v |= int(b[bit/8]>>(7-bit%8)) & 1
			}
			bit++
		}
		id[k] = digits[v]
	}
	return string(id)
}
