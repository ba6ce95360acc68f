package hubs

import (
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs"
)

func TestARefusalIsThatOfTheRefItIsAbout(t *testing.T) {
	rejected := func(reason string) refs.RefStatus {
		return refs.RefStatus{Flag: '!', Summary: "[remote rejected]", Reason: reason}
	}
	for _, c := range []struct {
		name string
		refs map[string]refs.RefStatus
		want string
	}{
		{"taken", map[string]refs.RefStatus{"a": {Flag: ' '}}, ""},
		{"a hook", map[string]refs.RefStatus{"a": rejected("pre-receive hook declined"), "b": rejected("pre-receive hook declined")}, "pre-receive hook declined"},
		{"a gate by ref", map[string]refs.RefStatus{"a": rejected("rule 'clock': x; hint: y"), "b": rejected("fail to run proc-receive hook")}, "rule 'clock': x; hint: y"},
		{"a gate by ref, first by name", map[string]refs.RefStatus{"b": rejected("rule 'clock': x; hint: y"), "a": rejected("rule 'tree': x")}, "rule 'tree': x"},
		{"a gate by ref, last by name", map[string]refs.RefStatus{"a": rejected("fail to run proc-receive hook"), "b": rejected("rule 'tree': x")}, "rule 'tree': x"},
		{"not by the hub", map[string]refs.RefStatus{"a": {Flag: '!', Summary: "[rejected]", Reason: "atomic push failed"}}, ""},
		{"a lock there", map[string]refs.RefStatus{"a": rejected("atomic transaction failed")}, "atomic transaction failed"},
		{"a lock there, and a rule", map[string]refs.RefStatus{"a": rejected("hook declined"), "b": rejected("atomic push failure")}, "hook declined"},
	} {
		if got := RefusedBy(&refs.PushResult{Refs: c.refs}); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAServersWordsAreWhole(t *testing.T) {
	long := strings.Repeat("ä", 320)
	refusal := "error: refused 'refs/heads/crosslink/agents/" + strings.Repeat("a", 64) + "': rule 'agent', line 71: " + long
	for _, c := range []struct{ name, says, want string }{
		{"nothing", "fatal: no\nTo hub\n", ""},
		{"a refusal longer than a terminal", "remote: " + refusal + "        \nremote: hint: git crosslink sync   \nTo hub\n", refusal + "; hint: git crosslink sync"},
		{"more refusals than are repeated", "remote: a\nremote: b\nremote: c\nremote: d\nremote: hint: e\n", "a; b; c; hint: e"},
		{"what git says itself", "remote: error: hook declined to update refs/heads/x\nremote: \nremote: a\n", "a"},
		{"no end", "remote: " + strings.Repeat("ä", 5000) + "\nremote: b\n", strings.Repeat("ä", 400) + "…; b"},
	} {
		if got := ServerWords(c.says); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
