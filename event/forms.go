package event

import "strings"

// set is a set of bytes.
type set [256]bool

func setOf(s string) (t set) {
	for i := 0; i < len(s); i++ {
		t[s[i]] = true
	}
	return t
}

const base64Both = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

var (
	base64URL = setOf(base64Both + "-_")
	base64Std = setOf(base64Both + "+/")
	crockford = setOf("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
	mintable  = setOf("abcdefghijklmnopqrstuvwxyz0123456789-")
)

// allOf reports whether s holds only bytes of t.
func allOf(s string, t *set) bool {
	for i := 0; i < len(s); i++ {
		if !t[s[i]] {
			return false
		}
	}
	return true
}

// base64Value is the value of one character of either base64 alphabet.
func base64Value(c byte) int {
	switch c {
	case '+', '-':
		return 62
	case '/', '_':
		return 63
	}
	return strings.IndexByte(base64Both, c)
}

// isFingerprint reports whether s is "SHA256:" and 32 bytes in standard base64
// without padding, as OpenSSH prints it.
func isFingerprint(s string) bool {
	s, ok := strings.CutPrefix(s, "SHA256:")
	return ok && len(s) == 43 && allOf(s, &base64Std) && base64Value(s[42])&3 == 0
}

// isBase64 reports whether s is bytes, at least one, in standard base64 with
// padding, in its one spelling.
func isBase64(s string) bool {
	if s == "" || len(s)%4 != 0 {
		return false
	}
	body, unused := s, 0
	switch {
	case strings.HasSuffix(s, "=="):
		body, unused = s[:len(s)-2], 15
	case strings.HasSuffix(s, "="):
		body, unused = s[:len(s)-1], 3
	}
	return allOf(body, &base64Std) && base64Value(body[len(body)-1])&unused == 0
}
