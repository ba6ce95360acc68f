package hooks

import (
	"strings"
	"testing"
)

// FuzzPrePush: whatever stands among what git says is pushed, a branch of the
// tracker that would go is seen.
func FuzzPrePush(f *testing.F) {
	f.Add("(delete) 0000 refs/heads/main abcd\nrefs/heads/main 1234 refs/heads/crosslink/meta abcd\n")
	f.Add("refs/heads/crosslink/meta\r\n\x00\xff  \t")
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 1<<16 {
			return // no ref's name is as long
		}
		all := dangerous(strings.NewReader(s + "\n(delete) 0000 refs/heads/crosslink/checkpoint abcd\n"))
		for _, u := range all {
			if !strings.HasPrefix(u.ref, branches) || zero(u.from) || u.to == "" || strings.ContainsAny(u.ref+u.from+u.to, " \n") {
				t.Fatalf("%+v", u)
			}
		}
		if n := len(all); n == 0 || all[n-1].ref != branches+"checkpoint" || !zero(all[n-1].to) {
			t.Fatalf("%+v", all)
		}
	})
}

// FuzzMirror: --mirror is found as git finds it: the last word on it counts.
func FuzzMirror(f *testing.F) {
	f.Add("push\n--mirror\norigin")
	f.Add("push\n--m\n--no-mi\n--\n--mirror")
	f.Fuzz(func(t *testing.T, s string) {
		words := strings.Split(s, "\n")
		asked, said := asksForMirror(words)
		if asked && !said {
			t.Fatal("asked, not said")
		}
		for _, w := range words {
			if w == "--" {
				return
			}
		}
		if asked, said := asksForMirror(append(words, "--no-mirror", "--mir", "--", "--no-mirror")); !asked || !said {
			t.Fatalf("%q: %t %t", words, asked, said)
		}
	})
}
