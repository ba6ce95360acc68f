package helper

import (
	"fmt"
	"strings"
	"testing"
)

// FuzzSniffer: what a session was about does not hang on where reads ended, and
// little of it is kept.
func FuzzSniffer(f *testing.F) {
	f.Add([]byte("capabilities\nlist\nfetch abcd refs/heads/main\n\n"))
	f.Add([]byte("stateless-connect git-upload-pack\n0014command=ls-refs\n0000"))
	f.Add([]byte("connect git-upload-pack\n0012command=fetch0000zzzz list\n"))
	f.Add([]byte("stateless-connect git-upload-pack\nlist\n00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<12 {
			return
		}
		var whole, parts sniffer
		if n, err := whole.Write(b); n != len(b) || err != nil {
			t.Fatal(n, err)
		}
		for i := range b {
			parts.Write(b[i : i+1])
			if len(parts.buf) > sniffed {
				t.Fatalf("%d bytes are kept", len(parts.buf))
			}
		}
		if whole.traffic() != parts.traffic() {
			t.Fatalf("%+v at once, %+v in parts", whole.traffic(), parts.traffic())
		}
	})
}

// FuzzUnquote undoes what git's quoting does, and nothing else.
func FuzzUnquote(f *testing.F) {
	for _, s := range []string{`plain`, `"a\tb"`, `"\303\244"`, `"\`, `"\400"`, `"a"b`, "\"\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, ok := unquote(s); ok && !strings.HasPrefix(s, `"`) && got != s {
			t.Fatalf("%q became %q", s, got)
		}
		var quoted strings.Builder // as git's quote.c does: everything else in octal
		for i := range len(s) {
			switch c := s[i]; {
			case c == '"' || c == '\\':
				quoted.WriteString(`\` + string(c))
			case c < 0x20 || c >= 0x7F:
				fmt.Fprintf(&quoted, `\%03o`, c)
			default:
				quoted.WriteByte(c)
			}
		}
		if got, ok := unquote(`"` + quoted.String() + `"`); !ok || got != s {
			t.Fatalf("%q became %q", s, got)
		}
	})
}

// FuzzConfig: git's list of settings is taken apart as git put it together.
func FuzzConfig(f *testing.F) {
	f.Add([]byte("core.bare\nfalse\x00remote.origin.mirror\x00url.a.insteadof\nb\n\x00"))
	f.Add([]byte("\x00\n\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var out strings.Builder
		for _, s := range parseConfig(b) {
			if strings.ContainsAny(s.Key, "\n\x00") {
				t.Fatalf("%q", s.Key)
			}
			out.WriteString(s.Key + "\n" + s.Value + "\x00")
			if v, ok := parseConfig(b).Get(s.Key); !ok || strings.Contains(v, "\x00") {
				t.Fatalf("'%q' is %q", s.Key, v)
			}
		}
		if fmt.Sprint(parseConfig([]byte(out.String()))) != fmt.Sprint(parseConfig(b)) {
			t.Fatalf("%q is read as %q", b, out.String())
		}
	})
}
