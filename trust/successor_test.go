package trust

import (
	"strings"
	"testing"
)

// A successor is preserved in the bytes of a meta. A URL that would start a program, be taken
// for an option or change a terminal is not accepted.
func TestSuccessor(t *testing.T) {
	for _, c := range []struct {
		url  string
		good bool
	}{
		{"https://example.org/tracker.git", true}, {"git@example.org:tracker.git", true}, {"../next.git", true}, {"/srv/next hub.git", true},
		{"ssh://git@[::1]:22/tracker.git", true}, {"git@[::1]:tracker.git", true}, {"::x", false}, {"a-b::x", false},
		{"a\u009b2Jb", false}, {"a\u202eb", false}, {"a\u2028b", false},
		{"", false}, {"--upload-pack=x", false}, {"ext::sh -c x", false}, {"a\nb", false}, {"a\x1b[2Jb", false}, {"\xff", false}, {strings.Repeat("x", 3000), false},
	} {
		m := &Meta{Version: 4, Hub: "5f1d7a0e-6a0e-4f5f-9a52-1b9a4f1c2d3e", Seq: 1, CreatedAt: 1, Signing: Warn, Open: true}
		before := m.Extra
		m.SetSuccessor(c.url)
		got, err := DecodeMeta(m.Encode())
		switch {
		case err != nil && c.good:
			t.Fatalf("%q: %v", c.url, err)
		case err == nil && (got.Successor() == c.url && c.url != "") != c.good:
			t.Errorf("%q: the successor is %q", c.url, got.Successor())
		case before != nil:
			t.Error("another meta's members were altered")
		}
	}
}
