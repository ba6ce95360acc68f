package hubs

import (
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
)

func TestPublicHosts(t *testing.T) {
	for url, want := range map[string]int{
		"https://github.com/a/b.git":             6,
		"https://someone:secret@GitHub.com/a/b":  6,
		"https://some@one:p@ss@github.com:443/a": 6,
		"http://github.com.:80/a":                6,
		"git@github.com:a/b.git":                 6,
		"github.com:a/b":                         6,
		"ssh://git@ssh.github.com:443/a/b":       6,
		"crosslink::https://github.com/a/b":      6,
		"crosslink::git@github.com:a/b":          6,
		"https://team.ghe.com/a/b":               6,
		"git@gitlab.com:a/b.git":                 60,
		"ssh://git@altssh.gitlab.com:443/a/b":    60,
		"https://bitbucket.org/a/b":              60,
		"https://codeberg.org/a/b":               6,
		"git@ssh.dev.azure.com:v3/a/b/c":         6,
		"https://notgithub.com/a/b":              0,
		"https://github.com.example.org/a/b":     0,
		"https://github.example.org/a/b":         0,
		"https://example.org/github.com/b":       0,
		"https://example.org?github.com":         0,
		"https://gitlab.example.org/a/b":         0,
		"http://127.0.0.1:8080/github.com":       0,
		"ssh://[::1]:22/a":                       0,
		"[git@example.org:22]:github.com/a":      0,
		"[git@github.com:22]:a/b":                6,
		"/srv/github.com/hub.git":                0,
		"./github.com:a/b":                       0,
		"file://github.com/a/b":                  0,
		"github.com/a/b":                         0, // a path
		"ext::sh -c 'connect github.com'":        0,
		"":                                       0,
		"::":                                     0,
		"://":                                    0,
		"https://":                               0,
	} {
		if p, _ := publicHostOf(url); p.pushes != want {
			t.Errorf("%s: %d, want %d", url, p.pushes, want)
		}
	}
	for _, p := range publicHosts {
		if got, ok := publicHostOf("https://" + p.host + "/a"); !ok || got != p || p.pushes < 1 {
			t.Errorf("%+v is found as %+v", p, got)
		}
	}
}

// What counts is where pushes go, and the setting before all.
func TestPerMinute(t *testing.T) {
	noon := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	slowed := syncer.Pace{Slowed: noon.Add(time.Minute)}
	for _, c := range []struct {
		url  string
		conf string // key=value, key=value
		p    syncer.Pace
		want int
	}{
		{"https://git.example.org/a", "", syncer.Pace{}, 0},
		{"https://git.example.org/a", "", slowed, 6},
		{"https://git.example.org/a", "", syncer.Pace{Slowed: noon}, 0},
		{"https://git.example.org/a", "crosslink.pushesperminute=0", slowed, 0},
		{"https://git.example.org/a", "crosslink.pushesperminute=20", syncer.Pace{}, 20},
		{"https://git.example.org/a", "crosslink.pushesperminute=many", syncer.Pace{}, 0},
		{"https://github.com/a", "", syncer.Pace{}, 6},
		{"https://github.com/a", "", slowed, 6},
		{"https://github.com/a", "crosslink.pushesperminute=0", syncer.Pace{}, 0},
		{"https://gitlab.com/a", "", slowed, 60},
		{"/srv/a.git", "", slowed, 0},
		{"gh:a", "url.git@github.com:.insteadof=gh:", syncer.Pace{}, 6},
		{"gh:a", "url.https://example.org/.insteadof=g url.git@github.com:.insteadof=gh:", syncer.Pace{}, 6},
		{"https://github.com/a", "url.https://mirror.example.org/.insteadof=https://github.com/", syncer.Pace{}, 0},
		{"https://mirror.example.org/a", "remote.origin.pushurl=git@github.com:a", syncer.Pace{}, 6},
		{"https://github.com/a", "remote.origin.pushurl=https://mirror.example.org/a", syncer.Pace{}, 0},
		{"/srv/a.git", "remote.origin.pushurl=https://mirror.example.org/a", slowed, 6},
		{"/srv/a.git", "remote.origin.pushurl=git@github.com:a", syncer.Pace{}, 6},
		{"https://gitlab.com/a", "remote.origin.pushurl=git@github.com:a", syncer.Pace{}, 6},
		{"https://example.org/a", "url.https://github.com/.pushinsteadof=https://example.org/", syncer.Pace{}, 6},
	} {
		conf := refs.Config{{Key: "remote.origin.url", Value: c.url}}
		for _, kv := range strings.Fields(c.conf) {
			k, v, _ := strings.Cut(kv, "=")
			conf = append(conf, refs.Setting{Key: k, Value: v})
		}
		if got, _ := c.p.Limit(of(conf, "origin").Limits(conf.Count("crosslink.pushesPerMinute")), syncer.Facts, noon); got.Pushes != c.want {
			t.Errorf("%s, %s: %v, want %d", c.url, c.conf, got, c.want)
		}
	}
	if n, _ := slowed.Limit((*Hub)(nil).Limits(0, false), syncer.Facts, noon); n.Pushes != 0 {
		t.Errorf("no hub: %v", n)
	}
	if n, _ := slowed.Limit((&Hub{Name: SelfName, Self: true, URL: "https://github.com/a"}).Limits(0, false), syncer.Facts, noon); n.Pushes != 0 {
		t.Errorf("its own hub: %v", n)
	}
}

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
			got = f.Name
		}
		if got != want {
			t.Errorf("%s is %q, want %q", url, got, want)
		}
	}
}
