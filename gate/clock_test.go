package gate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/gate"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// A hub on which there were times far ahead before there was a gate: what
// follows a line that counts is taken, what follows another is not, and no push
// leads the hub further ahead.
func TestClock(t *testing.T) {
	w := newWorld(t, "sha1")
	w.accept(w.meta(nil, func(m *trust.Meta, s *trust.Signers) *trust.Signers {
		m.Signing = trust.Require
		for _, id := range []string{"alice", "bob", "carol", "zed"} {
			s = w.list(s, id, id)
		}
		return s
	}))
	day := 24 * time.Hour
	now := time.Now()
	put := func(id string, signed bool, at ...time.Time) {
		var k *key
		if signed {
			k = w.key(id)
		}
		l := w.log(id, k)
		for _, w.when = range at {
			w.grow(l, 1)
		}
		w.mustPush(string(l.tip) + ":" + agents + id)
	}
	w.mustPush(string(w.metas[0].id) + ":refs/heads/crosslink/meta")
	put("alice", true, now, now.Add(10*day))
	put("bob", true, now)
	put("carol", true, now)
	put("stranger", false, now, now.Add(20*day))
	put("zed", true, now, event.MaxTime.Std())
	w.install(gate.Whole)

	line := func(id string, at time.Time) refs.OID {
		w.when = at
		lines, _ := w.next(w.logs[id], 1)
		return w.put(id, w.logs[id].tip, lines...)
	}
	for what, at := range map[string]time.Time{
		"a line that does not count": now.Add(20*day + 1),
		"the end of time":            event.MaxTime.Std(),
		"no line at all":             now.Add(10*day + time.Second),
	} {
		says, ok := w.push(string(line("bob", at)) + ":" + agents + "bob")
		if ok || !strings.Contains(says, "rule 'clock', line 2") {
			t.Errorf("after %s: %v %s", what, ok, says)
		}
	}
	w.when = now.Add(10*day + 1)
	w.mustPush(string(w.grow(w.logs["bob"], 1)) + ":" + agents + "bob")
	w.when = now.Add(10*day + 2)
	w.mustPush(string(w.grow(w.logs["carol"], 1)) + ":" + agents + "carol")
	w.when = now.Add(10*day + 3)
	w.mustPush(string(w.grow(w.logs["bob"], 1)) + ":" + agents + "bob")
}
