package refs

import (
	"strings"
	"testing"
)

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("local\x00core.bare\ntrue\x00global\x00a.b\x00command\x00remote.o r.url\nx\ny\x00"))
	f.Add([]byte("local\x00a"))
	f.Fuzz(func(t *testing.T, out []byte) {
		c, err := ParseConfig(out)
		if err != nil {
			if c != nil {
				t.Fatal("both")
			}
			return
		}
		var back strings.Builder
		for i, s := range c {
			if v, ok := c.Get(s.Key); ConfigKey(s.Key) == s.Key && (!ok || i == len(c)-1 && v != s.Value) {
				t.Fatalf("%q is lost", s.Key)
			}
			back.WriteString(s.Scope + "\x00" + s.Key + "\n" + s.Value + "\x00")
		}
		again, err := ParseConfig([]byte(back.String()))
		if err != nil || len(again) != len(c) {
			t.Fatalf("%d settings, then %d, %v", len(c), len(again), err)
		}
	})
}

func TestFirstURL(t *testing.T) {
	for want, urls := range map[string][]string{"": nil, "a": {"a", "b"}, "b": {"a", "", "b", "c"}} {
		if got := firstURL(urls); got != want {
			t.Errorf("%q: %q", urls, got)
		}
	}
}
