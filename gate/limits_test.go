package gate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/gate"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// long makes n lines of 64 kB, which pack to nearly nothing.
func (w *world) long(id string, n int) (lines [][]byte) {
	w.t.Helper()
	c := event.Chain{Hub: hubID, Agent: id}
	text := strings.Repeat("x", event.MaxText)
	for i := range n {
		line, err := c.Stamp(&event.Envelope{Body: &event.IssueCreated{UUID: event.UUID{6: 0x40, 8: 0x80, 14: byte(i >> 8), 15: byte(i)}, Title: "t", Description: text, Priority: event.Low, CreatedBy: id}}, event.TimeOf(w.now()), 0)
		if err != nil {
			w.t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

// A push that packs to nearly nothing and unpacks to more than the limit is
// refused, one below it is taken; the hub's owner can change the limit. What is
// on the hub is not counted, and neither is code.
func TestBytesOfAPush(t *testing.T) {
	for _, mode := range []string{gate.Whole, gate.PerRef} {
		t.Run(mode, func(t *testing.T) {
			w := settled(t, mode, trust.Warn, true)
			w.git("--git-dir="+w.hub, "config", "crosslink.pushLimit", "2")
			lines := w.long("bomber", 60)
			over := tampering{"a bomb", gate.TooMuch, "agents/bomber", 0, func(w *world) refs.OID { return w.put("bomber", "", lines...) }}
			w.refused(over, mode)
			if says, _ := w.push(string(over.build(w)) + ":" + agents + "bomber"); !strings.Contains(says, "more than 2 MB, unpacked") || !strings.Contains(says, "git config crosslink.pushLimit 4") {
				t.Errorf("%s", says)
			}
			if says, ok := w.push(string(w.put("one-half", "", w.long("one-half", 20)...))+":"+agents+"one-half", string(w.put("two-half", "", w.long("two-half", 20)...))+":"+agents+"two-half"); ok || !strings.Contains(says, gate.TooMuch) {
				t.Errorf("two logs that are too much together: %s", says)
			}
			part := w.put("bomber", "", lines[:25]...)
			w.mustPush(string(part) + ":" + agents + "bomber")
			part = w.put("bomber", part, lines[25:50]...)
			w.mustPush(string(part) + ":" + agents + "bomber")
			w.mustPush(string(w.files(map[string][]byte{"main.c": []byte(strings.Repeat("x", 5<<20))}, nil)) + ":refs/heads/large")
			w.git("--git-dir="+w.hub, "config", "crosslink.pushLimit", "0")
			w.mustPush(string(w.put("any", "", w.long("any", 60)...)) + ":" + agents + "any")
		})
	}
}

// The default is what the documents say.
func TestDefaultLimits(t *testing.T) {
	preset := gate.Limits{Push: 100 << 20, Log: 256 << 20, Presence: 20}
	if got := gate.LimitsOf(nil); got != preset {
		t.Errorf("%+v", got)
	}
	w := settled(t, gate.Whole, trust.Warn, true)
	for _, odd := range []string{"many", "-1", "1g", ""} {
		w.git("--git-dir="+w.hub, "config", "crosslink.pushLimit", odd)
		r, err := gate.Inspect(w.ctx, w.hub, "", w.env)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, d := range r.Findings {
			found = found || d.Code.Name() == "odd-setting" && strings.Contains(d.Text, "crosslink.pushLimit is '"+odd+"'") && hints.For(d.Code, d.Fields)[0] == "git config crosslink.pushLimit 100"
		}
		if !found {
			t.Errorf("'%s' is not reported: %+v", odd, r.Findings)
		}
		if got := gate.LimitsOf(refs.Config{{Key: "crosslink.pushlimit", Value: odd}}); got != preset {
			t.Errorf("'%s' is read as %+v", odd, got)
		}
	}
}

// A log grows to its limit and no further, however small the pushes are; it is
// not in anybody else's way, and what the ledger covers comes back regardless.
func TestBytesOfALog(t *testing.T) {
	w := settled(t, gate.Whole, trust.Warn, true)
	w.git("--git-dir="+w.hub, "config", "crosslink.logLimit", "18")
	lines, tip := w.long("bomber", 450), refs.OID("")
	taken, says := 0, ""
	for at := 0; at < len(lines); at += 15 {
		next := w.put("bomber", tip, lines[at:at+15]...)
		text, ok := w.push(string(next) + ":" + agents + "bomber")
		if !ok {
			says = text
			break
		}
		taken, tip = at+15, next
	}
	if size := taken * (event.MaxText + 500); size < 17<<20 || size > 22<<20 || !strings.Contains(says, "rule 'too-much'") || !strings.Contains(says, "the limit is 18 MB") ||
		!strings.Contains(says, "git crosslink agent fork") || !strings.Contains(says, "git config crosslink.logLimit 36") {
		t.Errorf("%d lines were taken: %s", taken, says)
	}
	w.grow(w.logs["alice"], 70)
	w.mustPush(string(w.logs["alice"].tip) + ":" + agents + "alice")
	w.git("--git-dir="+w.hub, "config", "crosslink.logLimit", "36")
	w.mustPush(string(w.put("bomber", tip, lines[taken:]...)) + ":" + agents + "bomber")
}

// Heartbeats: a few for each agent, of agents that are there, of today. Those
// of last month are of clones that are gone.
func TestSignsOfLifeAreFew(t *testing.T) {
	w := settled(t, gate.Whole, trust.Warn, true)
	w.git("--git-dir="+w.hub, "config", "crosslink.presenceLimit", "3")
	sign := func(when time.Time, ids ...string) refs.OID {
		var p event.Presence
		for _, id := range ids {
			p = append(p, event.AgentPresence{Agent: id, LastSeen: event.TimeOf(when), State: "working"})
		}
		id, err := refs.WriteCommit(w.ctx, w.repo, map[string][]byte{"presence.json": p.Encode()}, nil, refs.CommitInfo{Author: "x", When: when, Message: "x"})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	ref := func(i int) string { return fmt.Sprintf("refs/crosslink/presence/c%d", i) }
	now := time.Now()
	for i := range 3 {
		w.mustPush("+" + string(sign(now, "alice")) + ":" + ref(i))
		w.mustPush("+" + string(sign(now.Add(time.Second), "alice")) + ":" + ref(i)) // the same clone again
	}
	refuse := func(name, rule string, tip refs.OID) {
		t.Helper()
		w.refused(tampering{name, rule, "refs/crosslink/presence/more", 0, func(*world) refs.OID { return tip }}, gate.Whole)
	}
	refuse("one more of alice", gate.TooMuch, sign(now, "alice"))
	refuse("hidden behind another", gate.TooMuch, sign(now, "bob", "alice"))
	refuse("of nobody", gate.NotOnHub, sign(now, "nobody"))
	refuse("of last week", gate.Clock, sign(now.Add(-48*time.Hour), "bob"))
	refuse("of next week", gate.Clock, sign(now.Add(48*time.Hour), "bob"))
	refuse("that nobody can read", gate.Tree, w.files(map[string][]byte{"presence.json": []byte("{}\n")}, nil))
	w.mustPush("+" + string(sign(now, "bob")) + ":" + ref(9))
	w.refused(tampering{"bob's clone becomes alice's", gate.TooMuch, ref(9), 0, func(*world) refs.OID { return sign(now, "alice") }}, gate.Whole)
	w.mustPush(":" + ref(0))
	w.mustPush("+" + string(sign(now, "alice")) + ":" + ref(10))                                                      // room again
	w.git("--git-dir="+w.hub, "fetch", "-q", w.evil, "+"+string(sign(now.Add(-30*24*time.Hour), "alice"))+":"+ref(1)) // that clone is gone
	w.mustPush("+" + string(sign(now, "alice")) + ":" + ref(11))
	refuse("one more of alice", gate.TooMuch, sign(now, "alice"))
	many := []string{}
	for i := range 10 {
		many = append(many, string(sign(now.Add(time.Duration(i)*time.Second), "carol"))+":refs/crosslink/presence/m"+fmt.Sprint(i))
	}
	if says, ok := w.push(many...); ok || strings.Count(says, "rule 'too-much'") != 7 {
		t.Errorf("ten at once: %s", says)
	}
	w.git("--git-dir="+w.hub, "config", "crosslink.presenceLimit", "0")
	w.mustPush(many...)
}
