package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/fault"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/disk"
)

// hubRemote is the name of a remote that exists only in the environment of one call.
const hubRemote = "xl-hub"

// remote implements Remote with git. It connects as the user's configuration says, and uses
// no other part of that configuration.
type remote struct {
	replica *Replica
	name    string // of the user's remote; "" if only a URL is known
	url     string
	cfg     refs.Config
	ask     bool // git may ask on the terminal; otherwise calls run in their own session

	mu  sync.Mutex
	env []string
}

var _ refs.Remote = (*remote)(nil)

// Remote implements refs.Replica. If the remote has no URL, Fetch and Push return git's
// error.
func (r *Replica) Remote(a refs.Address) refs.Remote {
	return &remote{replica: r, name: a.Name, url: a.URL, cfg: a.Config, ask: a.Ask}
}

// connection reports whether a setting is about how to reach a server.
func connection(key string) bool {
	for _, p := range []string{"http.", "credential.", "url.", "protocol.", "ssh."} {
		if strings.HasPrefix(key, p) {
			return true
		}
	}
	switch key {
	case "core.sshcommand", "core.gitproxy", "core.askpass", "push.negotiate":
		return true
	}
	return false
}

// settings are the settings of the user's configuration outer that a call needs, without
// those that git finds by itself in the replica (inner): git reads system and user-wide
// files there again, and inherits `git -c`. Repeated values matter (headers and helpers are
// lists), so settings are compared as a multiset.
func (g *remote) settings(inner refs.Config) ([]refs.Setting, error) {
	found := make(map[refs.Setting]int)
	for _, s := range inner {
		found[s]++
	}
	var out []refs.Setting
	for _, s := range g.cfg {
		if !connection(s.Key) || s.Scope == "command" {
			continue
		}
		if (s.Scope == "system" || s.Scope == "global") && found[s] > 0 {
			found[s]--
			continue
		}
		out = append(out, s)
	}
	set := func(key, value string) {
		out = append(out, refs.Setting{Key: "remote." + hubRemote + "." + key, Value: value})
	}
	if g.name == "" {
		set("url", g.url)
		// this is the final URL: no rule may rewrite it again
		for _, rule := range []string{"insteadOf", "pushInsteadOf"} {
			out = append(out, refs.Setting{Key: "url." + g.url + "." + rule, Value: g.url})
		}
		return out, nil
	}
	url := g.cfg.URL(g.name)
	if url == "" {
		return nil, fmt.Errorf("%w: '%s'", refs.ErrNoRemote, g.name)
	}
	set("url", url)
	// Only the first URL: git pushes to several one after the other, so it could succeed at
	// one and die at the next.
	if push := g.cfg.WrittenPushURL(g.name); push != "" {
		set("pushurl", push)
	}
	for _, key := range []string{"proxy", "proxyAuthMethod", "uploadpack", "receivepack"} {
		if v, ok := g.cfg.Get("remote." + g.name + "." + key); ok {
			set(key, v)
		}
	}
	for _, v := range g.cfg.All("remote." + g.name + ".serverOption") {
		set("serverOption", v)
	}
	return out, nil
}

// pushesTo returns the URL of pushes.
func (g *remote) pushesTo() string {
	if g.name == "" {
		return g.url
	}
	return g.cfg.PushURL(g.name)
}

// fetchesFrom returns the URL of fetches.
func (g *remote) fetchesFrom() string {
	if g.name == "" {
		return g.url
	}
	return g.cfg.FetchURL(g.name)
}

// inner is the configuration that git finds by itself in the replica. System and user-wide
// files have the same content there as in the user's repository, unless they include other
// files depending on the place.
func (g *remote) inner(ctx context.Context) (refs.Config, error) {
	var wide refs.Config
	for _, s := range g.cfg {
		if s.Scope != "system" && s.Scope != "global" {
			continue
		}
		if strings.HasPrefix(s.Key, "includeif.") {
			out, err := g.replica.git.run(ctx, nil, "config", "--list", "-z", "--show-scope")
			if err != nil {
				return nil, err
			}
			return refs.ParseConfig(out)
		}
		wide = append(wide, s)
	}
	return wide, nil
}

// environ makes the environment of this remote's calls once.
func (g *remote) environ(ctx context.Context) ([]string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.env != nil {
		return g.env, nil
	}
	inner, err := g.inner(ctx)
	if err != nil {
		return nil, err
	}
	settings, err := g.settings(inner)
	if err != nil {
		return nil, err
	}
	env := withConfig(g.replica.git.env, settings)
	if !g.ask {
		env = append(env, "GIT_TERMINAL_PROMPT=0", "GCM_INTERACTIVE=never", "SSH_ASKPASS_REQUIRE=never")
		_, configured := g.cfg.Get("core.sshCommand")
		if !configured && getenv(env, "GIT_SSH_COMMAND") == "" && getenv(env, "GIT_SSH") == "" {
			env = append(env, "GIT_SSH_COMMAND=ssh -oBatchMode=yes")
		}
	}
	g.env = env
	return env, nil
}

// FamilyVariable is set to "ipv4" or "ipv6" if the git command before a sync was told to
// use that address family.
const FamilyVariable = "GIT_CROSSLINK_FAMILY"

// command prepares one transport command.
func (g *remote) command(ctx context.Context, args ...string) (*exec.Cmd, error) {
	env, err := g.environ(ctx)
	if err != nil {
		return nil, err
	}
	iso := ownSession
	if g.ask {
		iso = sameGroup
	}
	if f := getenv(g.replica.git.env, FamilyVariable); f == "ipv4" || f == "ipv6" {
		args = slices.Insert(slices.Clone(args), 1, "--"+f)
	}
	// Push options are a list; the empty value also clears the user's `git -c`.
	cmd := g.replica.git.command(ctx, iso, append([]string{"-c", "push.pushOption="}, args...)...)
	cmd.Env = env
	return cmd, nil
}

// Fetch implements Remote.
func (g *remote) Fetch(ctx context.Context) error {
	if err := fault.Error("refs.fetch.before"); err != nil {
		return &refs.RemoteError{NoConnection: true, Err: err}
	}
	status, retryAfter, err := g.fetchOnce(ctx)
	if failedHere(err) && ctx.Err() == nil && disk.RemoveStaleLocks(ctx, g.replica.path, refs.IncomingPrefix, refs.PresenceHere) {
		status, retryAfter, err = g.fetchOnce(ctx)
	}
	fault.Point("refs.fetch.after")
	if err == nil {
		return nil
	}
	re := &refs.RemoteError{Err: err, Status: status, RetryAfter: retryAfter}
	if ge, ok := errors.AsType[*Error](err); ok && ge.Command == "fetch" {
		killed := ge.Exit < 0 && ctx.Err() == nil
		re.NoConnection, re.Partly, re.Stderr = !killed && !failedHere(err), ge.Exit == 1, ge.Stderr
	}
	return re
}

// fetchOnce runs the fetch. Errors come from git or from the steps before it. The other
// results are the server's answer over http.
func (g *remote) fetchOnce(ctx context.Context) (status int, retryAfter time.Duration, err error) {
	cmd, err := g.command(ctx, "fetch", "-q", "--refmap=", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules",
		"--prune", "--no-auto-maintenance", hubRemote,
		"+"+refs.HubPrefix+"*:"+refs.IncomingPrefix+"*", "+"+refs.HubPresence+"*:"+refs.PresenceHere+"*")
	if err != nil {
		return 0, 0, err
	}
	trace := g.traceHTTP(cmd)
	err = runCommand(ctx, cmd, "fetch")
	status, retryAfter = trace.last()
	return status, retryAfter, err
}

// traceHTTP traces the answers of a server; a path has none.
func (g *remote) traceHTTP(cmd *exec.Cmd) *httpTrace {
	if refs.IsLocal(g.pushesTo()) && refs.IsLocal(g.fetchesFrom()) {
		return nil
	}
	return traceHTTP(cmd)
}

// Heads implements Remote.
func (g *remote) Heads(ctx context.Context) (map[string]refs.OID, error) {
	cmd, err := g.command(ctx, "ls-remote", "-q", "--heads", hubRemote)
	if err != nil {
		return nil, &refs.RemoteError{Err: err}
	}
	// Not capped like stderr: tracker branches come first and can be many.
	var out bytes.Buffer
	cmd.Stdout = &out
	trace := g.traceHTTP(cmd)
	err = runCommand(ctx, cmd, "ls-remote")
	status, retryAfter := trace.last()
	if err != nil {
		return nil, &refs.RemoteError{NoConnection: true, Err: err, Status: status, RetryAfter: retryAfter}
	}
	tips := map[string]refs.OID{}
	for line := range strings.Lines(out.String()) {
		if oid, name, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			tips[name] = refs.OID(oid)
		}
	}
	return tips, nil
}

// Receiving implements Remote, by the state of the packs.
func (g *remote) Receiving() string {
	files, err := os.ReadDir(filepath.Join(g.replica.path, "objects", "pack"))
	if err != nil {
		return ""
	}
	var b strings.Builder
	for _, f := range files {
		if st, err := f.Info(); err == nil {
			fmt.Fprintf(&b, "%s %d\n", f.Name(), st.Size())
		}
	}
	return b.String()
}
