package refs

import (
	"errors"
	"strings"
	"testing"
)

func TestWithoutSecrets(t *testing.T) {
	for in, want := range map[string]string{
		"https://alice:secret@hub.example/x.git":                "https://hub.example/x.git",
		"https://ghp_token@hub.example/x.git":                   "https://hub.example/x.git",
		"HTTPS://alice:secret@hub.example/x.git":                "HTTPS://hub.example/x.git",
		"https://alice:s@cret:1@hub.example:8080/x.git":         "https://hub.example:8080/x.git",
		"https://alice:@hub.example/x":                          "https://hub.example/x",
		"https://:secret@hub.example/x":                         "https://hub.example/x",
		"ssh://git@hub.example/x.git":                           "ssh://git@hub.example/x.git",
		"ssh://git:secret@hub.example/x.git":                    "ssh://git@hub.example/x.git",
		"crosslink::https://a:secret@hub.example/x":             "crosslink::https://hub.example/x",
		"git@hub.example:team/x.git":                            "git@hub.example:team/x.git",
		"https://hub.example/team/@scope/x":                     "https://hub.example/team/@scope/x",
		"https://hub.example?who=a@b":                           "https://hub.example?who=a@b",
		"/srv/hub@home.git":                                     "/srv/hub@home.git",
		"file:///srv/hub@home.git":                              "file:///srv/hub@home.git",
		"unable to access 'https://a:secret@h/': 403; mail a@b": "unable to access 'https://h/': 403; mail a@b",
		"https://a:secret@h/ and https://b:secret@h/":           "https://h/ and https://h/",
		"": "",
	} {
		if got := WithoutSecrets(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if got := WithoutSecrets(WithoutSecrets(in)); got != want {
			t.Errorf("%q: twice it is %q", in, got)
		}
	}
}

// What git says and what a server says about a ref pass through it.
func TestSecretsOfErrors(t *testing.T) {
	const says = "fatal: unable to access 'https://a:secret@h/'\n"
	var c capped
	c.Write([]byte(says))
	if e := (&GitError{Command: "fetch", Exit: 128, Stderr: c.String(), Err: errors.New("exit status 128")}); strings.Contains(e.Error(), "secret") {
		t.Error(e)
	}
	const ref = "refs/heads/crosslink/meta"
	res := parsePush([]byte("To https://a:secret@h/\n!\tx:"+ref+"\t[remote rejected] (see https://a:secret@h/rules)\n"), Push{Refs: []PushRef{{Dst: ref}}})
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
			var cfg Config
			for _, kv := range config {
				gitIn(t, dir, nil, "config", "--add", kv[0], kv[1])
				cfg = append(cfg, Setting{Key: configKey(kv[0]), Value: kv[1]})
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
