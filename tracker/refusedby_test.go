package tracker

import (
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
		{"a gate by ref, the other way round", map[string]refs.RefStatus{"b": rejected("rule 'clock': x; hint: y"), "a": rejected("rule 'tree': x")}, "rule 'clock': x; hint: y"},
		{"only with others", map[string]refs.RefStatus{"a": rejected("atomic push failure")}, ""},
	} {
		if got := refusedBy(refs.Push{Refs: []refs.PushRef{{Dst: "b"}, {Dst: "a"}}}, &refs.PushResult{Refs: c.refs}); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
