package git

import (
	"errors"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs"
)

// What git says and what a server says about a ref pass through it.
func TestSecretsOfErrors(t *testing.T) {
	const says = "fatal: unable to access 'https://a:secret@h/'\n"
	var c capped
	c.Write([]byte(says))
	if e := (&Error{Command: "fetch", Exit: 128, Stderr: c.String(), Err: errors.New("exit status 128")}); strings.Contains(e.Error(), "secret") {
		t.Error(e)
	}
	const ref = "refs/heads/crosslink/meta"
	res := parsePush([]byte("To https://a:secret@h/\n!\tx:"+ref+"\t[remote rejected] (see https://a:secret@h/rules)\n"), refs.Push{Refs: []refs.PushRef{{Dst: ref}}})
	if st := res.Refs[ref]; st.Reason != "see https://h/rules" {
		t.Errorf("%+v", st)
	}
}

// The URLs are those that git itself would use.
func TestURLsAreGits(t *testing.T) {
	for name, config := range map[string][][2]string{
		"one":                    {{"remote.o.url", "/a"}},
		"two":                    {{"remote.o.url", "/a"}, {"remote.o.url", "/b"}},
		"push":                   {{"remote.o.url", "/a"}, {"remote.o.pushurl", "/p"}, {"remote.o.pushurl", "/q"}},
		"insteadOf":              {{"remote.o.url", "x:a"}, {"url./srv/.insteadOf", "x:"}},
		"the longest counts":     {{"remote.o.url", "x:ab"}, {"url./short/.insteadOf", "x:"}, {"url./long/.insteadOf", "x:a"}},
		"of a push URL":          {{"remote.o.url", "/a"}, {"remote.o.pushurl", "x:p"}, {"url./srv/.insteadOf", "x:"}, {"url./push/.pushInsteadOf", "x:"}},
		"pushInsteadOf":          {{"remote.o.url", "x:a"}, {"url./srv/.insteadOf", "x:"}, {"url./push/.pushInsteadOf", "x:"}},
		"pushInsteadOf of two":   {{"remote.o.url", "/a"}, {"remote.o.url", "x:b"}, {"url./push/.pushInsteadOf", "/a"}},
		"one rule, two prefixes": {{"remote.o.url", "y:a"}, {"url./srv/.insteadOf", "x:"}, {"url./srv/.insteadOf", "y:"}},
		"capitals":               {{"remote.o.url", "X:a"}, {"url./srv/.insteadOf", "x:"}, {"url./Srv/.insteadOf", "X:"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			gitIn(t, dir, nil, "init", "-q")
			for _, kv := range config {
				gitIn(t, dir, nil, "config", "--add", kv[0], kv[1])
			}
			cfg, err := refs.ParseConfig([]byte(gitIn(t, dir, nil, "config", "--list", "-z", "--show-scope")))
			if err != nil {
				t.Fatal(err)
			}
			if want, got := strings.TrimSpace(gitIn(t, dir, nil, "remote", "get-url", "o")), cfg.FetchURL("o"); got != want {
				t.Errorf("fetches from %q, git from %q", got, want)
			}
			if want, got := strings.TrimSpace(gitIn(t, dir, nil, "remote", "get-url", "--push", "o")), cfg.PushURL("o"); got != want {
				t.Errorf("pushes to %q, git to %q", got, want)
			}
		})
	}
}
