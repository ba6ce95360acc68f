package helper

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// session is one with an environment of its own and these settings.
func session(url string, settings ...string) *Session {
	s := &Session{Name: "origin", URL: url, In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: &bytes.Buffer{},
		Env: []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}}
	s.Config = Config{{"remote.origin.url", url}, {"remote.origin.vcs", "crosslink"}}
	for _, kv := range settings {
		k, v, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(k, "$") {
			s.Env = append(s.Env, k[1:]+"="+v)
		} else {
			s.Config = append(s.Config, Setting{k, v})
		}
	}
	return s
}

func TestSSHCommand(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"yes", "no"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\ntest "+name+" = yes\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	const send = "-o SendEnv=GIT_PROTOCOL "
	for _, c := range []struct {
		url      string
		settings []string
		version  int
		family   family
		want     string // or the words it dies with
	}{
		{url: "ssh://me@h:22/p", version: 2, want: "ssh " + send + "-p 22 me@h CMD"},
		{url: "h:p", version: 0, want: "ssh h CMD"},
		{url: "h:p", version: 1, family: ipv6, want: "ssh " + send + "-6 h CMD"},
		{url: "h:p", settings: []string{"core.sshcommand=ssh -v"}, want: `sh:ssh -v h CMD`},
		{url: "h:p", settings: []string{"core.sshcommand=a", "$GIT_SSH_COMMAND=ssh -x"}, want: `sh:ssh -x h CMD`},
		{url: "h:p", settings: []string{"$GIT_SSH=/x/plink", "core.sshcommand=/y/ssh"}, want: `/y/ssh h CMD`},
		{url: "h:p", settings: []string{"$GIT_SSH=/x/plink.exe"}, version: 2, family: ipv4, want: `/x/plink.exe -4 h CMD`},
		{url: "ssh://h:9/p", settings: []string{"$GIT_SSH=/x/PLINK"}, want: `/x/PLINK -P 9 h CMD`},
		{url: "ssh://h:9/p", settings: []string{"$GIT_SSH=/x/TortoisePlink.exe"}, want: `/x/TortoisePlink.exe -batch -P 9 h CMD`},
		{url: "ssh://h:9/p", settings: []string{`$GIT_SSH_COMMAND="/a b/plink.exe" -v`}, want: `sh:"/a b/plink.exe" -v -P 9 h CMD`},
		{url: "ssh://h:9/p", settings: []string{"ssh.variant=putty"}, want: `ssh -P 9 h CMD`},
		{url: "ssh://h:9/p", settings: []string{"ssh.variant=putty", "$GIT_SSH_VARIANT=ssh"}, version: 2, want: "ssh " + send + "-p 9 h CMD"},
		{url: "ssh://h:9/p", settings: []string{"ssh.variant=other"}, want: `ssh -p 9 h CMD`},
		{url: "ssh://h:9/p", settings: []string{"ssh.variant=simple"}, want: "ssh variant 'simple' does not support setting port"},
		{url: "h:p", settings: []string{"ssh.variant=simple"}, family: ipv4, want: "ssh variant 'simple' does not support -4"},
		{url: "h:p", settings: []string{"$GIT_SSH=" + dir + "/yes"}, version: 2, want: dir + "/yes " + send + "h CMD"},
		{url: "h:p", settings: []string{"$GIT_SSH=" + dir + "/no"}, version: 2, want: dir + "/no h CMD"},
		{url: "ssh://h:1/p", settings: []string{"$GIT_SSH=" + dir + "/no"}, want: "ssh variant 'simple' does not support setting port"},
		{url: "ssh://h:9/p", settings: []string{"$GIT_SSH=/x/plink", "ssh.variant=auto"}, want: `/x/plink -P 9 h CMD`},
		{url: "ssh://h:9/p", settings: []string{"$GIT_SSH_COMMAND=/x/tortoiseplink -v", "$GIT_SSH_VARIANT=auto"}, want: `sh:/x/tortoiseplink -v -batch -P 9 h CMD`},
		{url: "h:p", settings: []string{"$GIT_SSH=" + dir + "/yes", "ssh.variant=auto"}, version: 2, want: dir + "/yes " + send + "h CMD"},
		{url: "ssh://-oProxyCommand=x/p", want: "strange hostname '-oProxyCommand=x' blocked"},
	} {
		s := session(c.url, c.settings...)
		s.family = c.family
		e, err := ParseURL(c.url)
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.sshCommand(e, "CMD", c.version)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = strings.Join(p.args, " ")
			if p.shell && strings.ContainsAny(p.args[0], special) {
				got = "sh:" + got
			}
			if sends := slices.Contains(p.env, fmt.Sprintf("GIT_PROTOCOL=version=%d", c.version)); sends != strings.Contains(got, send) {
				t.Errorf("%q %v: GIT_PROTOCOL is set: %v", c.url, c.settings, sends)
			}
		}
		if got != c.want {
			t.Errorf("%q %v: %q, want %q", c.url, c.settings, got, c.want)
		}
	}
}

// TestSSHAsGit lets git and the helper call the same stub, which writes down
// how it was called.
func TestSSHAsGit(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	stub := filepath.Join(dir, "ssh")
	text := "#!/bin/sh\nfor a; do printf '[%s]' \"$a\"; done >>" + log + "\ntest \"$1\" = -G || env | grep -E '^GIT_(PROTOCOL|DIR|PREFIX|CONFIG_PARAMETERS)=' >>" + log + "\nexit 9\n"
	for _, name := range []string{"ssh", "plink", "tortoiseplink", "other"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for i, url := range []string{"ssh://u@h:22/~x y", "h:it's", "ssh://[::1]:22/a!b", "h:/abs"} {
		variant := [][]string{nil, {"GIT_SSH_VARIANT=auto"}, {"GIT_SSH_VARIANT=auto"}, {"GIT_SSH_VARIANT=tortoiseplink"}}[i]
		for _, env := range []string{"GIT_SSH=" + stub, "GIT_SSH=" + dir + "/plink", "GIT_SSH=" + dir + "/tortoiseplink", "GIT_SSH_COMMAND=" + stub + " -v", "GIT_SSH_COMMAND='" + dir + "/other'"} {
			for _, version := range []string{"0", "2"} {
				os.Remove(log)
				base := slices.Concat(os.Environ(), []string{"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1", env}, variant)
				cmd := exec.Command("git", "-c", "protocol.version="+version, "ls-remote", url)
				cmd.Env, cmd.Dir = base, dir
				_ = cmd.Run()
				want, _ := os.ReadFile(log)
				os.Remove(log)
				s := session(url, "protocol.version="+version)
				s.Env = append(base, "GIT_DIR=/nowhere", "GIT_PREFIX=x")
				s.In = strings.NewReader("connect git-upload-pack\n")
				_, status := s.Run()
				got, _ := os.ReadFile(log)
				if len(want) == 0 || string(got) != string(want) {
					t.Errorf("%q with %s, version %s:\n%s\nwant\n%s", url, env, version, got, want)
				}
				if strings.Contains(string(want), "upload-pack") && status != 9 {
					t.Errorf("%q: status %d of a service that ended with 9", url, status)
				}
			}
		}
	}
}

// TestLocalVariables: what belongs to the user's repository is kept from a
// service, as git keeps it.
func TestLocalVariables(t *testing.T) {
	out, err := exec.Command("git", "rev-parse", "--local-env-vars").Output()
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(string(out))
	if len(names) < 10 {
		t.Fatalf("git names %v", names)
	}
	for _, n := range names {
		if !localVariables[n] {
			t.Errorf("'%s' is not kept from services", n)
		}
	}
	s := session("x", "$GIT_DIR=a", "$GIT_CONFIG_PARAMETERS=b", "$KEEP=c")
	if env := strings.Join(s.serviceEnv(), " "); strings.Contains(env, "GIT_") || !strings.Contains(env, "KEEP=c") {
		t.Error(env)
	}
}

func TestPolicy(t *testing.T) {
	for _, c := range []struct {
		scheme   string
		settings []string
		want     string
	}{
		{"https", nil, ""}, {"http", nil, ""}, {"ssh", nil, ""}, {"git", nil, ""}, {"file", nil, ""}, {"ftp", nil, ""},
		{"ext", nil, "transport 'ext' not allowed"},
		{"file", []string{"$GIT_PROTOCOL_FROM_USER=0"}, "transport 'file' not allowed"},
		{"ftp", []string{"$GIT_PROTOCOL_FROM_USER=false"}, "transport 'ftp' not allowed"},
		{"ssh", []string{"$GIT_PROTOCOL_FROM_USER=0"}, ""},
		{"ssh", []string{"protocol.allow=never"}, "transport 'ssh' not allowed"},
		{"ssh", []string{"protocol.allow=never", "protocol.ssh.allow=Always"}, ""},
		{"ssh", []string{"protocol.ssh.allow=user", "$GIT_PROTOCOL_FROM_USER=0"}, "transport 'ssh' not allowed"},
		{"ext", []string{"protocol.ext.allow=always"}, ""},
		{"ssh", []string{"protocol.ssh.allow=x"}, "unknown value for config 'protocol.ssh.allow': x"},
		{"ssh", []string{"$GIT_ALLOW_PROTOCOL=https:crosslink"}, "transport 'ssh' not allowed"},
		{"ssh", []string{"$GIT_ALLOW_PROTOCOL="}, "transport 'ssh' not allowed"},
		{"ext", []string{"$GIT_ALLOW_PROTOCOL=ext:crosslink", "protocol.ext.allow=never"}, ""},
	} {
		s := session("x", c.settings...)
		got := ""
		if err := s.Config.allowed(c.scheme, s.getenv); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s %v: %q, want %q", c.scheme, c.settings, got, c.want)
		}
	}
}

// TestRefusals: what must not be started is not, in git's words.
func TestRefusals(t *testing.T) {
	for _, c := range []struct{ url, say, want string }{
		{"ssh://-oProxyCommand=x/p", "connect git-upload-pack\n", "strange hostname '-oProxyCommand=x' blocked"},
		{"h:-p", "capabilities\n", "strange pathname '-p' blocked"},
		{"-p", "capabilities\n", "strange pathname '-p' blocked"},
		{"git://h%0ax/p", "connect git-upload-pack\n", "newline is forbidden in git:// hosts and repo paths"},
		{"git://h/p%0ax", "connect git-receive-pack\n", "newline is forbidden in git:// hosts and repo paths"},
		{"/x", "connect git-upload-pack --evil\n", "no such service: 'git-upload-pack --evil'"},
		{"/x", "connect sh\n", "no such service: 'sh'"},
		{"/x", "fetch 1 2\n", "git asks for 'fetch 1 2', which was not offered"},
		{"crosslink::x", "capabilities\n", "'crosslink::' names this helper again"},
		{"ext::sh -c x", "capabilities\n", "transport 'ext' not allowed"},
		{"", "capabilities\n", "remote 'origin' has no URL"},
		{"ssh://h", "capabilities\n", "no path specified; see 'git help pull' for valid url syntax"},
		{"/x", strings.Repeat("x", maxLine+2), fmt.Sprintf("a line of the helper protocol is longer than %d bytes", maxLine)},
	} {
		s := session(c.url)
		s.In = strings.NewReader(c.say)
		traffic, status := s.Run()
		if got := s.Err.(*bytes.Buffer).String(); status != statusFatal || got != "fatal: "+c.want+"\n" || traffic != (Traffic{}) {
			t.Errorf("%q %.40q: status %d, %q, want %q", c.url, c.say, status, got, c.want)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct{ option, want string }{
		{"verbosity 2", "ok"}, {"progress true", "ok"}, {"family ipv4", "ok"}, {"family all", "ok"}, {"family x", "error unknown family"},
		{`servpath "git upload\055pack\t"`, "ok"}, {`servpath "x`, "error bad quoting"}, {"depth 1", "unsupported"}, {"", "unsupported"},
	} {
		s := session("/x")
		s.In = strings.NewReader("option " + c.option + "\n\n")
		if _, status := s.Run(); status != 0 || s.Out.(*bytes.Buffer).String() != c.want+"\n" {
			t.Errorf("%q: status %d, %q", c.option, status, s.Out)
		}
	}
	s := session("/x")
	if s.option(`servpath "a\"b\\\303\251"`); s.server != `a"b\é` {
		t.Errorf("%q", s.server)
	}
}

func TestRewrites(t *testing.T) {
	for _, c := range []struct {
		url, name, fetch, push string
		settings               []string
	}{
		{url: "https://h/p", name: "origin", fetch: "https://h/p", push: "https://h/p", settings: []string{"url.ssh://h/.insteadof=https://h/"}}, // git did it
		{url: "https://h/p", name: "crosslink::https://h/p", fetch: "ssh://h/p", push: "ssh://h/p", settings: []string{"url.ssh://h/.insteadof=https://h/"}},
		{url: "https://h/p", name: "crosslink::https://h/p", fetch: "https://h/p", push: "git@h:p", settings: []string{"url.git@h:.pushinsteadof=https://h/"}},
		{url: "https://h/p", name: "crosslink::https://h/p", fetch: "b:p", push: "b:p", settings: []string{"url.a:.insteadof=https://", "url.b:.insteadof=https://h/"}},
		// a rule leads to this helper: of a URL, of a remote, of one that is enrolled, and behind a prefix
		{url: "https://h/p", name: "https://h/p", fetch: "https://h/p", push: "https://h/p", settings: []string{"url.crosslink::https://.insteadof=https://"}},
		{url: "https://h/p", name: "there:p", fetch: "https://h/p", push: "https://h/p", settings: []string{"url.crosslink::https://h/.insteadof=there:", "url.a:.insteadof=https://h/"}},
		{url: "https://h/p", name: "two", fetch: "https://h/p", push: "https://h/p", settings: []string{"remote.two.url=https://h/p", "url.crosslink::https://.insteadof=https://"}},
		{url: "https://h/p", name: "two", fetch: "https://h/p", push: "https://h/p", settings: []string{"remote.two.url=there:p", "url.crosslink::https://h/.pushinsteadof=there:"}},
		{url: "crosslink::https://h/p", name: "origin", fetch: "https://h/p", push: "https://h/p", settings: []string{"remote.origin.url=https://h/p", "url.crosslink::https://.insteadof=https://"}},
		{url: "https://h/p", name: "crosslink::https://h/p", fetch: "https://h/p", push: "https://h/p", settings: []string{"url.crosslink::https://.insteadof=https://"}},
		// a rule in a circle goes around once, and one with two prefixes is refused later
		{url: "https://h/p", name: "two", fetch: "https://h/p", push: "https://h/p", settings: []string{"remote.two.url=b:p", "url.crosslink::https://h/.insteadof=b:", "url.crosslink::b:.insteadof=https://h/"}},
		{url: "crosslink::https://h/p", name: "two", fetch: "crosslink::https://h/p", push: "crosslink::https://h/p", settings: []string{"remote.two.url=b:p", "url.crosslink::crosslink::https://h/.insteadof=b:"}},
	} {
		s := session(c.url, c.settings...)
		s.Name = c.name
		if fetch, push := s.urls(); fetch != c.fetch || push != c.push {
			t.Errorf("%s %v: %s and %s, want %s and %s", c.name, c.settings, fetch, push, c.fetch, c.push)
		}
	}
}

func TestGitProxy(t *testing.T) {
	for _, c := range []struct {
		settings []string
		want     string
	}{
		{nil, ""},
		{[]string{"core.gitproxy=a"}, "a"},
		{[]string{"core.gitproxy=a for example.com", "core.gitproxy=b"}, "a"},
		{[]string{"core.gitproxy=a for ample.com", "core.gitproxy=b"}, "b"},
		{[]string{"core.gitproxy=a for git.example.com"}, "a"},
		{[]string{"core.gitproxy=none for example.com", "core.gitproxy=b"}, ""},
		{[]string{"core.gitproxy=a", "$GIT_PROXY_COMMAND=c"}, "c"},
	} {
		if got := session("x", c.settings...).gitProxy("git.example.com"); got != c.want {
			t.Errorf("%v: %q, want %q", c.settings, got, c.want)
		}
	}
}

// TestThroughProxy: the request goes out first, then what git says.
func TestThroughProxy(t *testing.T) {
	proxy := filepath.Join(t.TempDir(), "proxy")
	if err := os.WriteFile(proxy, []byte("#!/bin/sh\necho \"$1 $2\"\nexec cat\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := session("git://h:99/p", "core.gitproxy="+proxy)
	s.In = strings.NewReader("connect git-upload-pack\n0000")
	_, status := s.Run()
	want := "\nh 99\n002cgit-upload-pack /p\x00host=h:99\x00\x00version=2\x000000"
	if got := s.Out.(*bytes.Buffer).String(); status != 0 || got != want {
		t.Errorf("status %d\n%q\nwant\n%q\n%s", status, got, want, s.Err)
	}
}

func TestSniffer(t *testing.T) {
	for _, c := range []struct {
		said string
		want Traffic
	}{
		{"capabilities\noption progress true\nlist\n\n", Traffic{Listed: true}},
		{"list\nfetch 1234 refs/heads/main\n\n", Traffic{Listed: true, Fetched: true}},
		{"list for-push\npush a:b\n\n", Traffic{Pushed: true}},
		{"stateless-connect git-upload-pack\n0014command=ls-refs\n00010009peel\n0000", Traffic{Listed: true}},
		{"stateless-connect git-upload-pack\n0014command=ls-refs\n00000012command=fetch0001000fno-progress0000", Traffic{Listed: true, Fetched: true}},
		{"connect git-upload-pack\n0032want 0123456789012345678901234567890123456789\n0000", Traffic{Listed: true, Fetched: true}},
		{"connect git-upload-pack\n0000", Traffic{Listed: true}},
		{"stateless-connect git-upload-pack\n0014command=ls-refs\n0001001bref-prefix refs/heads/\n0014ref-prefix HEAD\n0000", Traffic{Listed: true}},
		{"stateless-connect git-upload-pack\n0014command=ls-refs\n00010014ref-prefix HEAD\n001bref-prefix refs/heads/\n0000", Traffic{Listed: true}},
		{"stateless-connect git-upload-pack\n0014command=ls-refs\n0001001fref-prefix refs/heads/main\n001aref-prefix refs/tags/\n0000", Traffic{Listed: true, Partial: true}},
		{"connect git-receive-pack\nPACKwant ", Traffic{Pushed: true}},
		{"stateless-connect git-upload-archive\n0012command=fetch\n", Traffic{}},
		{"stateless-connect git-upload-pack\nlist\nfetch 1 x\n", Traffic{Listed: true, Fetched: true}},
	} {
		whole, bytewise := &sniffer{}, &sniffer{}
		whole.Write([]byte(c.said))
		for i := range c.said {
			bytewise.Write([]byte(c.said[i : i+1]))
		}
		if whole.Traffic != c.want || bytewise.Traffic != c.want {
			t.Errorf("%q: %+v, byte by byte %+v, want %+v", c.said, whole.Traffic, bytewise.Traffic, c.want)
		}
	}
}

func TestListing(t *testing.T) {
	for _, c := range []struct {
		said  string
		found bool
	}{
		{"003d0123456789012345678901234567890123456789 refs/heads/main\n0000", false},
		{"004c0123456789012345678901234567890123456789 refs/heads/crosslink/meta\n0000", true},
		{"0123456789012345678901234567890123456789 refs/heads/crosslink/agents/a\n\n", true},
		{"0123456789012345678901234567890123456789 refs/remotes/origin/crosslink/meta\n\n", false},
	} {
		for _, size := range []int{1, 7, len(c.said)} {
			var passed bytes.Buffer
			l := &listing{to: &passed, asked: func() bool { return false }}
			for text := []byte(c.said); len(text) > 0; text = text[min(size, len(text)):] {
				l.Write(text[:min(size, len(text))])
			}
			if l.found != c.found || passed.String() != c.said {
				t.Errorf("%q by %d bytes: %t, %q", c.said, size, l.found, passed.String())
			}
		}
	}
	l := &listing{to: io.Discard, asked: func() bool { return true }}
	if l.Write([]byte("PACK refs/heads/crosslink/meta")); l.found {
		t.Error("objects are taken for names of refs")
	}
}

func TestWhenASyncFollows(t *testing.T) {
	dir := t.TempDir()
	agents := filepath.Join(dir, "crosslink", "replica.git", "refs", "heads", "crosslink", "agents")
	put := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	unsentDir := t.TempDir()
	put(filepath.Join(unsentDir, "crosslink/replica.git/refs/heads/crosslink/agents/a"), "2\n")
	put(filepath.Join(unsentDir, "crosslink/replica.git/refs/hub/agents/a"), "1\n")
	put(filepath.Join(agents, "a"), "1\n")
	put(filepath.Join(dir, "crosslink/replica.git/refs/hub/agents/a"), "1\n")
	empty, seen := t.TempDir(), t.TempDir()
	put(filepath.Join(empty, "crosslink/replica.git/HEAD"), "ref: refs/heads/main\n")
	put(filepath.Join(seen, "refs/remotes/origin/crosslink/meta"), "1\n")
	linked := filepath.Join(t.TempDir(), "worktrees", "w")
	put(filepath.Join(linked, "commondir"), unsentDir+"\n")
	const all = "remote.origin.fetch=+refs/heads/*:refs/remotes/origin/*"
	for _, c := range []struct {
		settings []string
		traffic  Traffic
		first    bool
		want     string
	}{
		{[]string{"$GIT_DIR=" + dir, all}, Traffic{Fetched: true, Listed: true}, false, "fetched"},
		{[]string{"$GIT_DIR=" + dir, all}, Traffic{Pushed: true}, false, "pushed"},
		{[]string{"$GIT_DIR=" + dir, all}, Traffic{Listed: true}, true, "cloned"},
		{[]string{"$GIT_DIR=" + dir, all}, Traffic{Listed: true, NoTracker: true}, true, "enrolled"},
		{[]string{"$GIT_DIR=" + empty, all}, Traffic{Pushed: true}, false, ""},
		{[]string{"$GIT_DIR=" + seen, all, "remote.origin.vcs=crosslink"}, Traffic{Listed: true}, false, "cloned"},
		{[]string{"$GIT_DIR=" + seen, all, "remote.origin.vcs=crosslink", "crosslink.sync=manual"}, Traffic{Listed: true}, false, ""},
		{[]string{"$GIT_DIR=" + seen, all, "remote.origin.vcs="}, Traffic{Listed: true}, false, ""}, // not enrolled
		{[]string{"$GIT_DIR=" + dir, all}, Traffic{Listed: true}, false, ""},
		{[]string{"$GIT_DIR=" + unsentDir, all}, Traffic{Listed: true}, false, "fetched"},
		{[]string{"$GIT_DIR=" + linked, all}, Traffic{Listed: true}, false, "fetched"},
		{[]string{"$GIT_DIR=" + dir, "remote.origin.fetch=+refs/heads/main:refs/remotes/origin/main"}, Traffic{Listed: true}, false, "fetched"},
		{[]string{"$GIT_DIR=" + dir, all, "remote.origin.fetch=^refs/heads/crosslink/*"}, Traffic{Listed: true}, false, "fetched"},
		{[]string{"$GIT_DIR=" + dir, all}, Traffic{}, false, ""}, // archive
		{[]string{all}, Traffic{Fetched: true}, false, ""},       // no repository
		{[]string{"$GIT_DIR=" + dir, all, "$CROSSLINK_INNER=1"}, Traffic{Fetched: true}, false, ""},
		{[]string{"$GIT_DIR=" + dir, all, "crosslink.sync=manual"}, Traffic{Pushed: true}, false, ""},
		{[]string{"$GIT_DIR=" + dir, all, "fetch.negotiationalgorithm=noop", "$GIT_CONFIG_PARAMETERS='fetch.negotiationAlgorithm'='noop'"}, Traffic{Fetched: true}, false, ""},
		{[]string{"$GIT_DIR=" + dir, all, "fetch.negotiationalgorithm=noop"}, Traffic{Fetched: true}, false, "fetched"},
	} {
		if got := session("/x", c.settings...).event(c.traffic, c.first); got != c.want {
			t.Errorf("%v %+v: %q, want %q", c.settings, c.traffic, got, c.want)
		}
	}
	s := session("/x", "$GIT_DIR="+dir, all)
	if s.Name = "/x"; s.event(Traffic{Fetched: true}, false) != "" {
		t.Error("a URL without a remote is followed by a sync")
	}
}

func TestPasswords(t *testing.T) {
	for url, want := range map[string]bool{"https://u:p@h/x": true, "https://u@h/x": false, "https://h/a:b@c": false, "u:p@h": false, "ssh://u:p@h": true, "https://u:p@x@h/": true} {
		if password(url) != want {
			t.Errorf("%q: %v", url, !want)
		}
		s := session(url)
		s.Name = Prefix + url
		if refused := s.keepPassword(false) != nil; refused != want || s.keepPassword(true) != nil {
			t.Errorf("%q behind the prefix: refused %v", url, refused)
		}
		if session(url).keepPassword(false) != nil {
			t.Errorf("%q of an enrolled remote is refused", url)
		}
	}
}

// FuzzSession feeds the conversation with anything. Nothing can be started: no
// service name but git's own passes, and those find no repository.
func FuzzSession(f *testing.F) {
	f.Add("capabilities\noption family ipv4\noption servpath \"a\\303\\251\"\n\n")
	f.Add("connect git-nothing\n")
	f.Add("option \nconnect \nlist for-push\n")
	f.Fuzz(func(t *testing.T, said string) {
		for _, service := range []string{uploadPack, receivePack, uploadArchive} {
			if strings.Contains(said, service) {
				return
			}
		}
		s := session("/nowhere/at/all")
		s.In = strings.NewReader(said)
		if _, status := s.Run(); status != 0 && status != statusFatal {
			t.Errorf("%q: status %d", said, status)
		}
		whole := &sniffer{}
		whole.Write([]byte(said))
		bytewise := &sniffer{}
		for i := range said {
			bytewise.Write([]byte(said[i : i+1]))
		}
		if whole.Traffic != bytewise.Traffic {
			t.Errorf("%q: %+v, byte by byte %+v", said, whole.Traffic, bytewise.Traffic)
		}
		if len(whole.buf) > sniffed {
			t.Errorf("%q: the sniffer keeps %d bytes", said, len(whole.buf))
		}
	})
}
