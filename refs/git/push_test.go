package git

import (
	"maps"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs"
)

// TestParsePush has every row of the measured table of what git says.
func TestParsePush(t *testing.T) {
	const log, cp, meta = refs.HubPrefix + "agents/a", refs.HubPrefix + "checkpoint", refs.HubPrefix + "meta"
	id := strings.Repeat("1", 40)
	line := func(flag, dst, rest string) string { return flag + "\t" + id + ":" + dst + "\t" + rest + "\n" }
	const head, tail = "To https://example.org/x.git\n", "Done\n"
	for _, c := range []struct {
		name, out string
		want      map[string]string // dst → a(ccepted), r(ejected here), R(ejected there), lower-case suffix c = collateral
		silent    bool
	}{
		{name: "ok", out: head + line(" ", log, "1111111..2222222") + tail, want: map[string]string{log: "a"}},
		{name: "new", out: head + line("*", log, "[new branch]") + tail, want: map[string]string{log: "a"}},
		{name: "nothing", out: head + line("=", log, "[up to date]") + tail, want: map[string]string{log: "a"}},
		{name: "forced", out: head + line("+", log, "1111111...2222222 (forced update)") + tail, want: map[string]string{log: "a"}},
		{name: "deleted", out: head + "-\t:" + log + "\t[deleted]\n" + tail, want: map[string]string{log: "a"}},
		{name: "fetch first", out: head + line("!", log, "[rejected] (atomic push failed)") + line("!", cp, "[rejected] (fetch first)"),
			want: map[string]string{log: "rc", cp: "r"}},
		{name: "non-fast-forward", out: head + line("!", cp, "[rejected] (non-fast-forward)") + line("!", log, "[rejected] (atomic push failed)"),
			want: map[string]string{log: "rc", cp: "r"}},
		{name: "both", out: head + line("!", cp, "[rejected] (fetch first)") + line("!", log, "[rejected] (fetch first)"),
			want: map[string]string{log: "r", cp: "r"}},
		{name: "lease", out: head + line("!", meta, "[rejected] (stale info)") + line("!", log, "[rejected] (fetch first)") + line("!", cp, "[rejected] (atomic push failed)"),
			want: map[string]string{meta: "r", log: "r", cp: "rc"}},
		{name: "lost race, atomic", out: head + line("!", log, "[remote rejected] (atomic transaction failed)") + line("!", cp, "[remote rejected] (atomic transaction failed)"),
			want: map[string]string{log: "R", cp: "R"}},
		{name: "lost race, plain", out: head + line("*", log, "[new branch]") + line("!", cp, "[remote rejected] (failed to update ref)"),
			want: map[string]string{log: "a", cp: "R"}},
		{name: "update hook", out: head + line("!", cp, "[remote rejected] (hook declined)") + line("!", log, "[remote rejected] (atomic push failure)"),
			want: map[string]string{cp: "R", log: "Rc"}},
		{name: "pre-receive", out: head + line("!", cp, "[remote rejected] (pre-receive hook declined)") + line("!", log, "[remote rejected] (pre-receive hook declined)"),
			want: map[string]string{cp: "R", log: "R"}},
		{name: "hidden", out: head + line("!", log, "[remote rejected] (deny updating a hidden ref)"), want: map[string]string{log: "R"}},
		{name: "denyNonFastForwards", out: head + line("!", log, "[remote rejected] (non-fast-forward)"), want: map[string]string{log: "R"}},
		{name: "no report", out: head + line("!", log, "[remote failure] (remote failed to report status)"), want: map[string]string{log: "R"}},
		{name: "not atomic, 403, no connection …", out: "", silent: true, want: map[string]string{}},
		{name: "another ref", out: head + line("*", "refs/heads/evil", "[new branch]") + tail, want: map[string]string{}},
		{name: "a forged line cannot undo a refusal", out: head + line("!", log, "[remote rejected] (no)") + line("*", log, "[new branch]"), want: map[string]string{log: "R"}},
		{name: "nor come first", out: head + line("*", log, "[new branch]") + line("!", log, "[remote rejected] (no)"), want: map[string]string{log: "R"}},
		{name: "unknown flag", out: head + line("?", log, "[x]"), want: map[string]string{log: ""}},
		{name: "noise", out: head + "\t\t\n!\n!\tx\n" + tail + "\x00", want: map[string]string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := refs.Push{Refs: []refs.PushRef{{Dst: log}, {Dst: cp}, {Dst: meta}}}
			res := parsePush([]byte(c.out), p)
			got := make(map[string]string)
			for dst, st := range res.Refs {
				s := ""
				if st.Accepted() {
					s += "a"
				}
				if st.Rejected() {
					s += "r"
				}
				if st.RemoteRejected() {
					s += "R"
				}
				if st.Collateral() {
					s += "c"
				}
				got[dst] = s
			}
			if res.Reached == c.silent || !maps.Equal(got, c.want) {
				t.Errorf("reached %v, got %v, want %v", res.Reached, got, c.want)
			}
		})
	}
}

func FuzzParsePush(f *testing.F) {
	f.Add("To x\n*\ta:refs/heads/a\t[new branch]\nDone\n")
	f.Fuzz(func(t *testing.T, out string) {
		res := parsePush([]byte(out), refs.Push{Refs: []refs.PushRef{{Dst: "refs/heads/a"}}})
		for dst := range res.Refs {
			if dst != "refs/heads/a" {
				t.Error(dst)
			}
		}
	})
}

// TestSettings: what of a configuration is sent to the transport.
func TestSettings(t *testing.T) {
	cfg := refs.Config{
		{Scope: "system", Key: "credential.helper", Value: "store"},
		{Scope: "global", Key: "http.extraheader", Value: "A: 1"},
		{Scope: "global", Key: "http.extraheader", Value: "B: 2"}, // applies here only, by an includeIf
		{Scope: "local", Key: "core.hookspath", Value: "/evil"},
		{Scope: "local", Key: "core.sshcommand", Value: "ssh -i key"},
		{Scope: "local", Key: "http.extraheader", Value: "A: 1"},
		{Scope: "local", Key: "remote.origin.url", Value: "https://example.org/a"},
		{Scope: "local", Key: "remote.origin.url", Value: "https://example.org/b"},
		{Scope: "local", Key: "remote.origin.pushurl", Value: "git@example.org:a"},
		{Scope: "local", Key: "remote.origin.pushurl", Value: "git@example.org:b"},
		{Scope: "local", Key: "remote.origin.mirror", Value: "true"},
		{Scope: "local", Key: "remote.origin.fetch", Value: "+refs/*:refs/*"},
		{Scope: "local", Key: "remote.origin.promisor", Value: "true"},
		{Scope: "local", Key: "remote.origin.serveroption", Value: "x"},
		{Scope: "local", Key: "push.gpgsign", Value: "true"},
		{Scope: "worktree", Key: "url.x.insteadof", Value: "y"},
		{Scope: "command", Key: "http.proxy", Value: "inherited"},
	}
	inner := refs.Config{{Scope: "system", Key: "credential.helper", Value: "store"}, {Scope: "global", Key: "http.extraheader", Value: "A: 1"}, {Scope: "command", Key: "http.proxy", Value: "inherited"}}
	got, err := (&remote{name: "origin", cfg: cfg}).settings(inner)
	if err != nil {
		t.Fatal(err)
	}
	var s []string
	for _, x := range got {
		s = append(s, x.Key+"="+x.Value)
	}
	want := "http.extraheader=B: 2|core.sshcommand=ssh -i key|http.extraheader=A: 1|url.x.insteadof=y|" +
		"remote.xl-hub.url=https://example.org/a|remote.xl-hub.pushurl=git@example.org:a|remote.xl-hub.serverOption=x"
	if g := strings.Join(s, "|"); g != want {
		t.Errorf("got  %s\nwant %s", g, want)
	}
	if _, err := (&remote{name: "other", cfg: cfg}).settings(inner); err == nil {
		t.Error("a remote without URL is accepted")
	}
	env := withConfig([]string{"A=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=k", "GIT_CONFIG_VALUE_0=v"}, got[:1])
	if g := strings.Join(env, "|"); g != "A=1|GIT_CONFIG_KEY_0=k|GIT_CONFIG_VALUE_0=v|GIT_CONFIG_KEY_1=http.extraheader|GIT_CONFIG_VALUE_1=B: 2|GIT_CONFIG_COUNT=2" {
		t.Error(g)
	}
}
