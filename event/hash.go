package event

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// Hash returns the SHA-256 of a line (without its LF, signature included) in
// base64url without padding, 43 characters: what `prev` and positions hold.
func Hash(line []byte) string {
	sum := sha256.Sum256(line)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// RunningHash is H(n) = SHA-256(H(n−1) as 32 bytes ‖ line n without its LF),
// H(0) = no bytes. Positions in level-3 logs, which carry no chain, and the
// ledger's number files use it. The zero value is H(0).
type RunningHash struct{ sum []byte }

// ResumeRunningHash returns the hash whose String is s; "" is H(0).
func ResumeRunningHash(s string) (RunningHash, error) {
	if s == "" {
		return RunningHash{}, nil
	}
	if !isHash(s) {
		return RunningHash{}, fmt.Errorf("'%.60s' is not a hash", s)
	}
	sum, err := base64.RawURLEncoding.DecodeString(s)
	return RunningHash{sum}, err
}

// Add takes the next line.
func (h *RunningHash) Add(line []byte) {
	d := sha256.New()
	d.Write(h.sum)
	d.Write(line)
	h.sum = d.Sum(nil)
}

// String returns the 43 characters of H(n), "" for H(0).
func (h RunningHash) String() string { return base64.RawURLEncoding.EncodeToString(h.sum) }

var signatureMember = []byte(`,"signature":"`)

// Signed returns the bytes a signature covers: the line as written without its
// last member, `signature`. A line that has none is returned as it is.
func Signed(line []byte) []byte {
	i := bytes.LastIndex(line, signatureMember)
	if i < 0 {
		return line
	}
	// Inside a string the quotes would be escaped; inside a nested object the
	// string would not be followed by the line's very last byte.
	rest := line[i+len(signatureMember):]
	if q := bytes.IndexByte(rest, '"'); q < 0 || q != len(rest)-2 || rest[q+1] != '}' {
		return line
	}
	return append(bytes.Clone(line[:i]), '}')
}

// ValidHash reports whether s has the form of a Hash.
func ValidHash(s string) bool { return isHash(s) }
