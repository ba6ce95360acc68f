package event

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"
)

// NamedUUID is the version-8 uuid (RFC 9562) of the SHA-256 of texts that are
// joined by NUL. The same texts give the same uuid, no matter who asks and when.
func NamedUUID(parts ...string) (u UUID) {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	copy(u[:], sum[:])
	u[6], u[8] = u[6]&0x0f|0x80, u[8]&0x3f|0x80
	return u
}

var crockfordBase32 = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// ULID is the id of a request that is sent at a time: 48 bits of milliseconds,
// then 80 random bits, in Crockford's base 32. Its 26 digits hold 130 bits, of
// which the first two are zero.
func ULID(at Time, random [10]byte) string {
	var b [17]byte
	binary.BigEndian.PutUint64(b[:], uint64(max(at, 0)/1e6)<<16)
	copy(b[6:], random[:])
	for k := len(b) - 1; k >= 0; k-- { // two bits to the right
		b[k] >>= 2
		if k > 0 {
			b[k] |= b[k-1] << 6
		}
	}
	return crockfordBase32.EncodeToString(b[:])[:26]
}
