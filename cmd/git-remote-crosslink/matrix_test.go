package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/system"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// The matrix: features of git × transports × modes. A cell runs the same lines
// of shell in the same repositories, and all modes must end alike: exit status
// of each line, stdout, stderr, and afterward the refs on both sides. What
// may differ is in 'differences', with its reason, and in
// docs/remote-helper.md.
//
// stderr is compared line by line, in any order: several processes write it.
// In prefix mode 'crosslink::' is taken out of the output first.
//
// The default run takes every feature over one transport, in turn, and a few
// over all; CROSSLINK_NIGHTLY=1 runs all cells.

// Lines see: $URL (with the mode's spelling), $CLONE (options that enrol a
// clone), $SERVER (path of the server's repository), $SCHEME, $HELPER (the prefix for rules that lead to the helper). They start in a
// clone 'work' whose remote is 'origin'; the server is ahead of it.
type feature struct {
	name  string
	lines []string
	over  []string // transports, nil is all
	clone bool     // uses $URL and $CLONE only
}

var features = []feature{
	{name: "clone", clone: true, lines: []string{"git clone $CLONE $URL ../new", "git -C ../new log --oneline --all"}},
	{name: "clone-depth", clone: true, lines: []string{"git clone $CLONE --depth 1 $URL ../new", "git -C ../new log --oneline --all", "git -C ../new fetch --deepen 1", "git -C ../new fetch --unshallow", "git -C ../new log --oneline --all"}},
	{name: "clone-since", clone: true, lines: []string{"git clone $CLONE --shallow-since=2020-01-02 $URL ../new", "git -C ../new log --oneline --all"}},
	{name: "clone-partial", clone: true, lines: []string{"git clone $CLONE --filter=blob:none $URL ../new", "git -C ../new rev-list --all --objects --missing=print | grep -c '^?'", "git -C ../new log -p --format=%s --all | tail -n 3"}},
	{name: "clone-single-branch", clone: true, lines: []string{"git clone $CLONE --single-branch -b side $URL ../new", "git -C ../new fetch"}},
	{name: "clone-mirror", clone: true, lines: []string{"git clone $CLONE --mirror $URL ../new", "git -C ../new remote update"}},
	{name: "clone-no-checkout", clone: true, lines: []string{"git clone $CLONE -n --no-tags $URL ../new"}},
	{name: "clone-progress", clone: true, lines: []string{"git clone $CLONE --progress $URL ../new"}},
	{name: "clone-submodules", clone: true, lines: []string{"git clone $CLONE --recurse-submodules $SUPER ../new", "git -C ../new submodule status", "cat ../new/sub/f1"}},
	{name: "clone-missing", clone: true, lines: []string{"git clone $CLONE ${URL}x ../new", "test -e ../new"}},
	{name: "clone-empty", clone: true, lines: []string{"git clone $CLONE $EMPTY ../new"}},

	{name: "fetch", lines: []string{"git fetch", "git fetch", "git fetch -v"}},
	{name: "fetch-progress", lines: []string{"git fetch --progress"}},
	{name: "fetch-quiet", lines: []string{"git fetch -q", "git fetch -q"}},
	{name: "fetch-prune", lines: []string{"git fetch --prune"}},
	{name: "fetch-tags", lines: []string{"git fetch --tags", "git fetch origin tag v1", "git fetch --no-tags"}},
	{name: "fetch-one", lines: []string{"git fetch origin main", "git fetch origin nothing", "git fetch $URL side:refs/heads/x"}},
	{name: "fetch-oid", lines: []string{"git fetch origin $(git --git-dir=$SERVER rev-parse side)"}},
	{name: "fetch-atomic", lines: []string{"git fetch --atomic --all"}},
	{name: "fetch-depth", lines: []string{"git fetch --depth 1", "git fetch --unshallow"}},
	{name: "fetch-negotiate-only", lines: []string{"git fetch --negotiate-only --negotiation-tip=HEAD origin"}},
	{name: "fetch-server-option", lines: []string{"git fetch --server-option=x=y"}},
	{name: "fetch-upload-pack", lines: []string{"git fetch --upload-pack='git-upload-pack --timeout=90'"}},
	{name: "fetch-v0", lines: []string{"git -c protocol.version=0 fetch", "git -c protocol.version=0 fetch", "git -c protocol.version=0 ls-remote"}},
	{name: "fetch-v1", lines: []string{"git -c protocol.version=1 fetch"}},
	{name: "fetch-not-allowed", lines: []string{"git -c protocol.$SCHEME.allow=never fetch", "GIT_ALLOW_PROTOCOL=crosslink:nothing git fetch"}},
	{name: "fetch-not-from-user", lines: []string{"GIT_PROTOCOL_FROM_USER=0 git -c protocol.crosslink.allow=always -c protocol.$SCHEME.allow=user fetch"}},
	{name: "fetch-insteadof", lines: []string{"git config url.$PLAIN.insteadOf there:", "git config remote.origin.url ${PREFIX}there:", "git fetch"}},
	{name: "fetch-insteadof-helper", lines: []string{"git config url.${HELPER}$PLAIN.insteadOf $PLAIN", "git config remote.origin.url $PLAIN", "git fetch", "git push origin ahead", "git ls-remote", "git config url.${HELPER}$PLAIN.insteadOf there:", "git ls-remote there:", "git remote add two there: && git fetch two"}},
	{name: "push-insteadof-helper", lines: []string{"git config url.${HELPER}$PLAIN.pushInsteadOf $PLAIN", "git config remote.origin.url $PLAIN", "git fetch", "git push origin ahead"}},
	{name: "pull", lines: []string{"git pull --ff-only"}},
	{name: "pull-rebase", lines: []string{"git checkout -q diverged", "git pull --rebase origin main"}},
	{name: "pull-merge", lines: []string{"git checkout -q diverged", "git pull --no-rebase --no-edit origin main"}},
	{name: "remote", lines: []string{"git remote show origin", "git remote set-head origin -a", "git remote update --prune"}},

	{name: "push", lines: []string{"git push origin ahead", "git push origin ahead", "git push -v origin ahead:new", "git push -q origin ahead:quiet"}},
	{name: "push-progress", lines: []string{"git push --progress origin ahead"}},
	{name: "push-rejected", lines: []string{"git push origin diverged:main", "git push --force origin diverged:main"}},
	{name: "push-lease", lines: []string{"git push --force-with-lease=side:$(git rev-parse origin/side) origin diverged:side", "git push --force-with-lease=main:$(git rev-parse origin/main) origin diverged:main"}},
	{name: "push-delete", lines: []string{"git push origin --delete side", "git push origin :nothing"}},
	{name: "push-tags", lines: []string{"git tag -a -m x v9 ahead", "git push --follow-tags origin ahead", "git tag v10", "git push --tags"}},
	{name: "push-atomic", lines: []string{"git push --atomic origin ahead diverged:main", "git push --atomic origin ahead diverged:new"}},
	{name: "push-option", lines: []string{"git push -o one -o 'two words' origin ahead"}},
	{name: "push-signed", lines: []string{"git push --signed origin ahead", "git push --signed=if-asked origin ahead:b"}},
	{name: "push-dry-run", lines: []string{"git push --dry-run origin ahead", "git push --dry-run --porcelain origin ahead diverged:main"}},
	{name: "push-porcelain", lines: []string{"git push --porcelain origin ahead diverged:main"}},
	{name: "push-hook", lines: []string{"git push origin ahead:refused", "git push origin ahead ahead:refused"}},
	{name: "push-mirror", lines: []string{"git push --mirror"}},
	{name: "push-prune", lines: []string{"git push --prune origin 'refs/heads/*:refs/heads/*'"}},
	{name: "push-shallow", lines: []string{"git fetch -q --depth 1", "git push origin ahead:s"}},
	{name: "push-pushurl", lines: []string{"git remote set-url --push origin $URL", "git push origin ahead"}},
	{name: "push-insteadof", lines: []string{"git config url.$PLAIN.pushInsteadOf ${PLAIN}x", "git config remote.origin.url ${URL}x", "git push origin ahead"}},
	{name: "push-receive-pack", lines: []string{"git push --receive-pack='git-receive-pack' origin ahead", "git push --receive-pack=git-nothing origin ahead:b"}},
	{name: "push-missing", lines: []string{"git remote set-url origin ${URL}x", "git push origin ahead"}},

	{name: "ls-remote", lines: []string{"git ls-remote", "git ls-remote --symref origin HEAD", "git ls-remote --heads origin 's*'", "git ls-remote --exit-code origin nothing", "cd / && git ls-remote $URL"}},
	{name: "archive", lines: []string{"git archive --remote=origin main | tar t", "git archive --remote=origin nothing >/dev/null", "cd / && git archive --remote=$URL main | tar t"}},
}

// everywhere are the features that the default run takes over each transport.
var everywhere = []string{"clone"}

// modes say how the helper comes in.
var modes = []string{"plain", "prefix", "enrol"}

// differences are what may differ from plain git: lines that are not compared
// in a cell (feature/transport/mode), with the reason. docs/remote-helper.md
// tells the user.
var differences = []struct {
	cell, line *regexp.Regexp
	why        string
}{
	{re(`^clone[a-z-]*/path/prefix$`), re(`^2 (done\.|warning: --)`), "a path behind the prefix is cloned as from a server, not linked or copied"},
	{re(`^clone-(depth|since|partial)/path/prefix$`), re(`^(status |2 |new: |1 )`), "and so --depth and --filter, which a plain clone of a path ignores, mean something"},
	{re(`^clone-[a-z-]+/path/prefix$`), re(`^2 (remote: |Receiving |Resolving )`), "and shows its progress"},
	{re(`^(clone|push)-missing/path/prefix$`), re(`^2 `), "what is missing is missed by the server, in its words"},
	{re(`^fetch-insteadof/[a-z]+/prefix$`), re(`^(2 From |work: [0-9a-f]{40}\t)`), "the URL is shown as it was given"},
	{re(`^push-insteadof/[a-z]+/prefix$`), re(`^2 To `), "the URL is shown as it was given"},
	{re(`^pull-merge/[a-z]+/prefix$`), re(`^work: (refs/heads/diverged )`), "the message of the merge names the URL as it was given"},
}

func re(s string) *regexp.Regexp { return regexp.MustCompile(s) }

type fixture struct {
	t    testing.TB
	root string
	env  []string
	urls map[string]func(path string) string // by transport: the URL of a repository below root

	watch testkit.Watch // of what runs in a cell
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	all := os.Getenv("CROSSLINK_NIGHTLY") != ""
	f := newFixture(t)
	var transports []string
	for name := range f.urls {
		transports = append(transports, name)
	}
	slices.Sort(transports)
	cells, turn := 0, 0
	for _, ft := range features {
		over := transports
		if ft.over != nil {
			over = ft.over
		}
		if !all && !slices.Contains(everywhere, ft.name) {
			turn++
			over = []string{over[turn%len(over)]}
		}
		for _, transport := range over {
			cells++
			t.Run(ft.name+"/"+transport, func(t *testing.T) { f.compare(t, ft, transport) })
		}
	}
	if !testkit.Settle(f.root) {
		t.Error("a process does not end")
	}
	t.Logf("%d features, %d transports, %d cells in %d modes", len(features), len(transports), cells, len(modes))
	if !all {
		t.Logf("not run: the other %d cells, with CROSSLINK_NIGHTLY=1", len(features)*len(transports)-cells)
	}
}

// compare runs one feature over one transport in all modes.
func (f *fixture) compare(t *testing.T, ft feature, transport string) {
	plain := f.run(t, ft, transport, "plain")
	for _, mode := range modes[1:] {
		if transport == "userinfo" && mode == "prefix" && !ft.clone {
			continue // refused: git would show the password
		}
		got := f.run(t, ft, transport, mode)
		want := slices.Clone(plain)
		for _, d := range differences {
			if d.cell.MatchString(ft.name + "/" + transport + "/" + mode) {
				got, want = without(got, d.line), without(want, d.line)
			}
		}
		if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
			t.Errorf("%s differs from plain:\n%s", mode, diff(want, got))
		}
		if strings.Contains(strings.Join(got, "\n"), "sesame") {
			t.Errorf("%s shows a password:\n%s", mode, strings.Join(got, "\n"))
		}
	}
}

func without(lines []string, line *regexp.Regexp) []string {
	return slices.DeleteFunc(slices.Clone(lines), line.MatchString)
}

func diff(want, got []string) string {
	var b strings.Builder
	for _, l := range want {
		if !slices.Contains(got, l) {
			fmt.Fprintf(&b, "- %s\n", l)
		}
	}
	for _, l := range got {
		if !slices.Contains(want, l) {
			fmt.Fprintf(&b, "+ %s\n", l)
		}
	}
	if b.Len() == 0 {
		fmt.Fprintf(&b, "order or number of lines:\n%s\n---\n%s\n", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
	return b.String()
}

// run runs the lines of a feature in fresh copies and returns what was seen.
func (f *fixture) run(t *testing.T, ft feature, transport, mode string) []string {
	t.Helper()
	// One path for all modes: it gets into messages of merges.
	cell := filepath.Join(f.root, "cells", ft.name, transport)
	if !f.watch.Settle() { // what git leaves in the background writes there
		t.Fatal("a process does not end")
	}
	must(t, os.RemoveAll(cell))
	must(t, os.MkdirAll(cell, 0o755))
	for _, name := range []string{"server.git", "super.git", "sub.git", "empty.git", "work"} {
		f.sh(t, f.root, nil, "cp -r template/"+name+" "+cell)
	}
	prefix := ""
	if mode == "prefix" {
		prefix = "crosslink::"
	}
	helper := "crosslink::" // where a rule leads to it
	if mode == "plain" {
		helper = ""
	}
	url := func(name string) string { return f.urls[transport](filepath.Join(cell, name)) }
	clone := "-q --no-quiet"
	if mode == "enrol" {
		clone = "-c remote.origin.vcs=crosslink"
	}
	env := append(slices.Clone(f.env), "URL="+prefix+url("server.git"), "SUPER="+prefix+url("super.git"), "EMPTY="+prefix+url("empty.git"),
		"PLAIN="+url("server.git"), "PREFIX="+prefix, "HELPER="+helper, "SERVER="+filepath.Join(cell, "server.git"), "CLONE="+clone, "SCHEME="+scheme(url("")))
	work := filepath.Join(cell, "work")
	f.sh(t, work, env, `git config remote.origin.url "$URL"`)
	if mode == "enrol" {
		f.sh(t, work, env, "git config remote.origin.vcs crosslink")
	}
	var seen []string
	norm := func(s string) string {
		s = strings.ReplaceAll(s, url(""), cell+"/")
		for _, enc := range []string{cell, strings.TrimPrefix(cell, f.root)} {
			s = strings.ReplaceAll(s, enc, "CELL")
		}
		return normalise(strings.ReplaceAll(s, "crosslink::", ""))
	}
	for _, line := range ft.lines {
		var out, err bytes.Buffer
		cmd := exec.Command("sh", "-c", line)
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = work, env, &out, &err
		must(t, f.watch.Add(cmd))
		status := 0
		if e := cmd.Run(); e != nil {
			status = cmd.ProcessState.ExitCode()
		}
		seen = append(seen, "$ "+line, fmt.Sprintf("status %d", status))
		for l := range strings.Lines(norm(out.String())) {
			seen = append(seen, "1 "+strings.TrimSuffix(l, "\n"))
		}
		var said []string
		for l := range strings.Lines(norm(err.String())) {
			said = append(said, "2 "+strings.TrimSuffix(l, "\n"))
		}
		slices.Sort(said)
		seen = append(seen, said...)
	}
	for _, dir := range []string{"server.git", "work", "new"} {
		if _, err := os.Stat(filepath.Join(cell, dir)); err != nil {
			seen = append(seen, "no "+dir)
			continue
		}
		state := "git for-each-ref --format='%(refname) %(objectname) %(symref)'; git symbolic-ref HEAD; cd $(git rev-parse --git-dir); for i in FETCH_HEAD shallow; do test ! -s $i || { echo $i:; cat $i; }; done; git config --get-regexp '^(remote|branch)' | grep -v -e 'url ' -e vcs"
		out, _ := f.output(filepath.Join(cell, dir), env, state)
		for l := range strings.Lines(norm(out)) {
			seen = append(seen, dir+": "+strings.TrimSuffix(l, "\n"))
		}
	}
	return seen
}

// What differs from run to run in the output of git itself.
var (
	rate     = regexp.MustCompile(`, [0-9.]+ (bytes|[KMG]iB)( \| [0-9.]+ (bytes|[KMG]iB)/s)?`)
	progress = regexp.MustCompile(`[^\r\n]*\r`)
	blanks   = regexp.MustCompile(` +(\n|$)`)
)

func normalise(s string) string {
	return blanks.ReplaceAllString(rate.ReplaceAllString(progress.ReplaceAllString(s, ""), ""), "$1")
}

func scheme(url string) string {
	s, _, ok := strings.Cut(url, "://")
	if !ok {
		return "file"
	}
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) output(dir string, env []string, line string) (string, error) {
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir, cmd.Env = dir, env
	must(f.t, f.watch.Add(cmd))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (f *fixture) sh(t testing.TB, dir string, env []string, line string) string {
	t.Helper()
	if env == nil {
		env = f.env
	}
	out, err := f.output(dir, env, line)
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return out
}

// newFixture makes the repositories that cells copy, and the servers.
func newFixture(t testing.TB) *fixture {
	t.Helper()
	for _, tool := range []string{"git", "sh", "cp", "tar", "ssh-keygen"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the matrix needs '%s': %v", tool, err)
		}
	}
	root, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	f := &fixture{t: t, root: root}
	must(t, os.MkdirAll(filepath.Join(root, "home"), 0o755))
	must(t, os.WriteFile(filepath.Join(root, "gitconfig"), []byte(`[user]
	name = a
	email = a@example.com
	signingKey = `+root+`/key
[gpg]
	format = ssh
[init]
	defaultBranch = main
[protocol "file"]
	allow = always
[maintenance]
	auto = false
[gc]
	auto = 0
[advice]
	detachedHead = false
[core]
	sshCommand = `+root+`/ssh
[advice "crosslink"]
	hooks = false
[crosslink]
	syncInterval = 0
`), 0o644))
	must(t, os.WriteFile(filepath.Join(root, "ssh"), []byte("#!/bin/sh\nwhile :; do case $1 in -o | -p) shift 2 ;; -*) shift ;; *) break ;; esac; done\nshift\nexec sh -c \"$*\"\n"), 0o755))
	// Settings lie in files alone, as with most users.
	f.env = slices.DeleteFunc(testkit.Environment(), func(kv string) bool { return strings.HasPrefix(kv, "GIT_CONFIG_COUNT=") })
	f.env = append(f.env, testkit.Mark(root), "PATH="+os.Getenv("PATH"), "HOME="+filepath.Join(root, "home"),
		"GIT_CONFIG_GLOBAL="+filepath.Join(root, "gitconfig"), "GIT_COMMITTER_DATE=2020-01-05T00:00:00Z", "GIT_AUTHOR_DATE=2020-01-05T00:00:00Z", "GIT_MERGE_AUTOEDIT=no")
	f.sh(t, root, nil, `ssh-keygen -q -t ed25519 -N '' -f key
mkdir template && cd template
for r in server sub super empty; do git init -q --bare $r.git; done
for r in server super empty sub; do
	git -C $r.git config uploadpack.allowFilter true
	git -C $r.git config uploadpack.allowAnySHA1InWant true
	git -C $r.git config receive.advertisePushOptions true
	git -C $r.git config receive.certNonceSeed seed
	git -C $r.git config receive.certNonceSlop 600
	git -C $r.git config http.receivepack true
	git -C $r.git config daemon.receivepack true
	git -C $r.git config daemon.uploadarch true
	git -C $r.git config uploadarchive.allowUnreachable true
done
cat >server.git/hooks/pre-receive <<'END'
#!/bin/sh
echo "options: ${GIT_PUSH_OPTION_COUNT:-none} $GIT_PUSH_OPTION_0 $GIT_PUSH_OPTION_1 cert: ${GIT_PUSH_CERT:+yes}"
END
cat >server.git/hooks/update <<'END'
#!/bin/sh
case $1 in */refused) echo "no, not $1" >&2; exit 1 ;; esac
END
chmod +x server.git/hooks/pre-receive server.git/hooks/update
git clone -q server.git seed 2>/dev/null
cd seed
for i in 1 2 3; do
	seq $((i * 100)) >f$i && git add . && GIT_COMMITTER_DATE=2020-01-0${i}T00:00:00Z git commit -q -m c$i
done
git branch side HEAD~1 && git branch gone && git tag -a -m v1 v1 HEAD~1
git push -q origin main side gone v1
cd .. && git clone -q server.git work && cd work
git checkout -q -b ahead && echo a >a && git add . && git commit -q -m ahead
git checkout -q -b diverged origin/side && echo d >d && git add . && git commit -q -m diverged
git checkout -q main
cd ../seed
echo more >>f1 && git commit -q -a -m c4 && git checkout -q side && git commit -q --allow-empty -m s2 && git tag light
git push -q origin main side light :gone
git push -q ../sub.git main
cd .. && git clone -q super.git s 2>/dev/null && cd s
git submodule --quiet add ../sub.git sub && git commit -q -m super && git push -q origin HEAD
cd .. && rm -rf s seed`)
	f.serve(t)
	return f
}

// serve starts the servers of the transports.
func (f *fixture) serve(t testing.TB) {
	out := f.sh(t, f.root, nil, "git --exec-path")
	backend := filepath.Join(strings.TrimSpace(out), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		t.Skipf("the matrix needs git-http-backend: %v", err)
	}
	git := &cgi.Handler{Path: backend, Dir: f.root,
		Env:        append(slices.Clone(f.env), "GIT_PROJECT_ROOT="+f.root, "GIT_HTTP_EXPORT_ALL=1"),
		InheritEnv: []string{"PATH"}, Stderr: io.Discard}
	web := httptest.NewServer(git)
	t.Cleanup(web.Close)
	locked := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, password, ok := r.BasicAuth(); !ok || name != "u" || password != "sesame" {
			w.Header().Set("WWW-Authenticate", `Basic realm="hub"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		git.ServeHTTP(w, r)
	}))
	t.Cleanup(locked.Close)
	// The proxy asks for its own password, and reaches a host nobody else knows.
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("p:sesame")) {
			w.Header().Set("Proxy-Authenticate", "Basic")
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.Out.URL.Host = strings.TrimPrefix(web.URL, "http://") }}).ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	add := fmt.Sprintf(`git config --global http.http://behind.invalid/.proxy http://p:sesame@%s
git config --global credential.%s.helper '!f() { test "$1" = get && echo username=u && echo password=sesame; }; f'`, strings.TrimPrefix(proxy.URL, "http://"), locked.URL)
	f.sh(t, f.root, nil, add)

	rel := func(path string) string {
		if path = strings.TrimPrefix(path, f.root); !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
		return path
	}
	f.urls = map[string]func(string) string{
		"path":     func(p string) string { return p },
		"file":     func(p string) string { return "file://" + p },
		"ssh":      func(p string) string { return "ssh://hub.example:2222" + p },
		"scp":      func(p string) string { return "me@hub.example:" + p },
		"http":     func(p string) string { return web.URL + rel(p) },
		"auth":     func(p string) string { return locked.URL + rel(p) },
		"userinfo": func(p string) string { return strings.Replace(locked.URL, "://", "://u:sesame@", 1) + rel(p) },
		"proxy":    func(p string) string { return "http://behind.invalid" + rel(p) },
	}
	if port := f.daemon(t); port != 0 {
		f.urls["git"] = func(p string) string { return fmt.Sprintf("git://127.0.0.1:%d%s", port, rel(p)) }
	}
}

// daemon starts git's own server for git://, 0 if there is none.
func (f *fixture) daemon(t testing.TB) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	cmd := exec.Command("git", "daemon", "--listen=127.0.0.1", fmt.Sprintf("--port=%d", port), "--reuseaddr", "--export-all", "--base-path="+f.root)
	cmd.Env = slices.DeleteFunc(slices.Clone(f.env), func(kv string) bool { return kv == testkit.Mark(f.root) })
	system.NewGroup(cmd)
	if err := cmd.Start(); err != nil {
		t.Logf("not run: git://: %v", err)
		return 0
	}
	t.Cleanup(func() {
		_ = system.TerminateGroup(cmd)
		cmd.Wait()
	})
	for range 200 {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			c.Close()
			return port
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("git daemon does not answer")
	return 0
}
