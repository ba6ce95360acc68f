package helper

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The URLs: every combination of these parts, and odd ones by hand.
func urls() []string {
	var all []string
	for _, scheme := range []string{"ssh://", "git+ssh://", "ssh+git://", "git://", "file://", ""} {
		for _, host := range []string{"", "host", "host.xz", "user@host", "user:pass@host", "[::1]", "user@[::1]", "[user@::1]", "[host]", "user@[host]", "[host:1234]", "user@host@x", "h%6fst"} {
			for _, port := range []string{"", ":", ":22", ":65536", ":x", ":0"} {
				for _, path := range []string{"/", "/home/user/repo", "/~user/repo", ":path", ":/~u/r", ":~u/r", "/a%20b", ""} {
					all = append(all, scheme+host+port+path)
				}
			}
		}
	}
	return append(all, "a", "./a:b", "/a:b", "a:b:c", "a:", ":a", "::", ":", "@[", "@[a]:b", "[a", "[a:b", "x@[a:b", "[]:b", "[]/b",
		"ssh://", "ssh:///", "ssh:////x", "ssh://:22/x", "ssh://host:-1/x", "ssh://host:+22/x", "ssh://host: 22/x", "ssh://host:22x/x",
		"ssh://host/%", "ssh://host/%4", "ssh://host/%zz", "ssh://host/%00x", "ssh://host/%2fx", "ssh://host%3a22/x", "git://host:9/x%0ay",
		"ssh://user@[::1]:22/~x", "ssh://[::1]:/x", "ssh://[::1]x/y", "ssh://[::1", "[user@host:2222]:p", "[user@host]:p", "[::1]:p",
		"file:///", "file://", "file://host", "file://host/x", "file:///C:/x", "C:/x", "C:x", "foo bar:baz", "host:-x", "host:/-x",
		"ssh://host/é", "é:x", "host:a b", "ssh://u%40x@host/p", "ssh://host:99999999999999999999/x", "ssh://host:022/x", "git://host/",
		"git://host:/x", "git://[::1]:9/x", "git://host/~x", "git://host//~x", "ssh://host//x")
}

// TestURLsAsGit compares with what `git fetch-pack --diag-url` says. Each runs
// git, so the default run takes every 37th of the product and all odd ones;
// about 600 URLs, or all with CROSSLINK_NIGHTLY=1.
func TestURLsAsGit(t *testing.T) {
	all := urls()
	if os.Getenv("CROSSLINK_NIGHTLY") == "" {
		var some []string
		for i, u := range all {
			if i%7 == 0 || i > len(all)-70 {
				some = append(some, u)
			}
		}
		all = some
	}
	dir := t.TempDir()
	git := func(args ...string) *exec.Cmd {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull)
		return cmd
	}
	if out, err := git("init", "-q").CombinedOutput(); err != nil {
		t.Fatalf("git init: %v: %s", err, out)
	}
	refused, bad := 0, 0
	for _, url := range all {
		var stdout, stderr bytes.Buffer
		cmd := git("fetch-pack", "--diag-url", url)
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		_ = cmd.Run()
		want := stdout.String()
		if want == "" {
			want = strings.TrimPrefix(strings.TrimSpace(stderr.String()), "fatal: ")
			refused++
		}
		if got := diag(url); got != want {
			if bad++; bad < 20 {
				t.Errorf("%q:\n%s\nwant\n%s", url, got, want)
			}
		}
	}
	if len(all) < 550 || refused < 20 {
		t.Errorf("compared %d URLs, %d refused: too few", len(all), refused)
	}
	t.Logf("%d URLs, %d of them refused by git", len(all), refused)
}

// diag says what git's --diag-url says.
func diag(url string) string {
	e, err := parseConnect(url)
	switch {
	case err != nil:
		return err.Error()
	case e.Kind == SSH:
		port := e.Port
		if port == "" {
			port = "NONE"
		}
		return fmt.Sprintf("Diag: url=%s\nDiag: protocol=ssh\nDiag: userandhost=%s\nDiag: port=%s\nDiag: path=%s\n", url, e.Host, port, e.Path)
	}
	return fmt.Sprintf("Diag: url=%s\nDiag: protocol=%s\nDiag: hostandport=%s\nDiag: path=%s\n", url, e.Kind, e.Host, e.Path)
}

func TestParseURLChoosesTheHelper(t *testing.T) {
	for _, c := range []struct{ url, scheme, inner string }{
		{"https://h/x", "https", "https://h/x"},
		{"http://u:p@h/x", "http", "http://u:p@h/x"},
		{"ext::sh -c x", "ext", "sh -c x"},
		{"foo::bar::baz", "foo", "bar::baz"},
		{"::x", "", "x"},
		{"weird+1.x://h", "weird+1.x", "weird+1.x://h"},
	} {
		e, err := ParseURL(c.url)
		if err != nil || e.Kind != Inner || e.Scheme != c.scheme || e.URL != c.inner {
			t.Errorf("%q: %+v, %v", c.url, e, err)
		}
	}
	for url, kind := range map[string]Kind{"../x": Local, "file:///x": Local, "h:x": SSH, "ssh://h/x": SSH, "git://h/x": Daemon, "[::1]:p": SSH} {
		if e, err := ParseURL(url); err != nil || e.Kind != kind {
			t.Errorf("%q: %+v, %v", url, e, err)
		}
	}
}

func FuzzURL(f *testing.F) {
	for i, u := range urls() {
		if i%40 == 0 {
			f.Add(u)
		}
	}
	f.Fuzz(func(t *testing.T, url string) {
		e, err := ParseURL(url)
		if err == nil && e.Kind != Inner && e.Path == "" && e.Kind != SSH {
			t.Errorf("%q: no path and no error: %+v", url, e)
		}
		if e.Kind == SSH && e.Port != "" && !isPort(e.Port) {
			t.Errorf("%q: port %q", url, e.Port)
		}
	})
}
