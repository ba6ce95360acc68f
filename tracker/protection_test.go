package tracker

import "testing"

func TestForges(t *testing.T) {
	for url, want := range map[string]string{
		"https://github.com/a/b.git":             "GitHub",
		"git@github.com:a/b.git":                 "GitHub",
		"ssh://git@ssh.github.example:443/a/b":   "GitHub",
		"https://user:pw@gitlab.example.org/a/b": "GitLab",
		"git@codeberg.org:a/b":                   "Gitea or Forgejo",
		"https://bitbucket.org/a/b":              "Bitbucket",
		"https://git.example.org/github/b":       "",
		"/srv/github/hub.git":                    "",
		"../gitlab:x/hub.git":                    "",
		"git@git.example.org:gitlab/b":           "",
		"file:///srv/gitlab/hub.git":             "",
		"":                                       "",
	} {
		got := ""
		if f := forgeOf(url); f != nil {
			got = f.name
		}
		if got != want {
			t.Errorf("%s is %q, want %q", url, got, want)
		}
	}
}
