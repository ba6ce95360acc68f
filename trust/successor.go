package trust

import (
	"maps"
	"strings"
	"unicode"

	"github.com/git-crosslink/git-crosslink/event/canon"
)

// successor is the member of hub.json that names the hub on which the tracker continues.
const successor = "successor"

// maxURL bounds the URL of a successor, in bytes.
const maxURL = 2048

// SetSuccessor closes a hub: it accepts no more writes, and the tracker continues on the
// hub at url.
func (m *Meta) SetSuccessor(url string) {
	x := object{}
	x.str("url", url)
	if m.Extra = maps.Clone(m.Extra); m.Extra == nil {
		m.Extra = map[string][]byte{}
	}
	m.Extra[successor] = x.bytes()
}

// Successor returns the URL of the hub on which a tracker that has moved continues; "" if
// it has not.
func (m *Meta) Successor() string {
	v, err := canon.Parse(m.Extra[successor])
	if err != nil {
		return ""
	}
	var r reader
	if url := r.object(v, successor).str("url"); r.err == nil && ValidSuccessor(url) {
		return url
	}
	return ""
}

// ValidSuccessor reports whether a hub may name a URL for people to fetch from: the URL has
// no control or invisible characters, is not an option of git, and does not start a program.
func ValidSuccessor(url string) bool {
	program, _, _ := strings.Cut(url, "::") // git runs git-remote-<program>
	return url != "" && len(url) <= maxURL && url[0] != '-' && (program == url || strings.ContainsAny(program, "/:[")) &&
		!strings.ContainsFunc(url, func(r rune) bool {
			return r == '\uFFFD' || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
		})
}
