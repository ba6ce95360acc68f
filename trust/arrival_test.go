package trust

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestArrival_ASignedLogIsContinuedSigned: what a hub lets in, in pushes of any
// size, never ends in lines that readers do not count for want of a signature,
// and it refuses nothing for that which readers would count.
func TestArrival_ASignedLogIsContinuedSigned(t *testing.T) {
	from, to := seeds(t, 400)
	kinds := map[string]int{}
	taken, refused, unsigned := 0, 0, 0
	for seed := from; seed < to; seed++ {
		h := &history{Rand: rand.New(rand.NewPCG(seed, 64)), t: t, roll: founded(t, Warn, true), keys: map[string]string{}, kinds: kinds}
		p := newPen(t, "agent-0")
		h.keys[p.chain.Agent] = p.chain.Agent
		if h.pens = append(h.pens, p); h.IntN(3) > 0 {
			p.say("+" + p.chain.Agent)
		}
		for range 4 + h.IntN(12) {
			h.grow()
		}
		if h.roll.Meta.Signing != Warn {
			continue
		}
		on := &pen{t: t, chain: p.chain} // what the hub has
		for at := 0; at < len(p.lines); {
			push := p.lines[at:min(len(p.lines), at+1+h.IntN(4))]
			a := h.roll.Arrival(p.chain.Agent)
			for _, e := range on.lines {
				if e.Seq == 1 || e.Body.Type() == "KeyRotated" || !a.Signed() {
					a.Past(e)
				}
			}
			var err error
			for _, e := range push {
				if err = a.Next(e); err != nil {
					break
				}
			}
			then := on.fork()
			then.lines = append(then.lines, push...)
			v := verdict(h.roll, then, LogOptions{})
			if err == nil {
				_, revoked := h.roll.Meta.Revoked[p.chain.Agent] // a hub need not wait for the line that it pins
				if err = a.End(); (err != nil) != v.Trails() && !revoked || err == nil && v.Trails() {
					t.Fatalf("CROSSLINK_SEED=%d: %d lines onto %d: %v, and readers say %s", seed, len(push), at, err, marks(v))
				}
				if err != nil {
					unsigned++
				}
			}
			if err != nil {
				refused++
				break // nobody writes on what the hub does not have
			}
			taken++
			on, at = then, at+len(push)
		}
	}
	if t.Logf("%d pushes taken, %d refused, %d of them as unsigned", taken, refused, unsigned); to-from > 1 && (taken < 100 || refused < 50 || unsigned < 20) {
		t.Error("too few of a kind")
	}
	// every way to end a signed log, in words
	for _, c := range []struct{ past, push, rule string }{
		{"+b", "b", ""}, {"+b", "", RuleUnsigned}, {"+b", "eve", RuleUnsigned}, {"+b", ",b", ""}, {"+b", "b,", RuleUnsigned},
		{"", "", ""}, {"", "eve", ""}, {"eve", "", ""}, {"+b,", "", RuleUnsigned}, {"+b,b>c", "c", ""}, {"+b,b>c", "", RuleUnsigned},
	} {
		t.Run(fmt.Sprintf("%q on %q", c.push, c.past), func(t *testing.T) {
			p := newPen(t, "bob").say(strings.Split(c.past, ",")...)
			r := founded(t, Warn, true)
			a := r.Arrival("bob")
			for _, e := range p.lines {
				a.Past(e)
			}
			n := len(p.lines)
			for _, e := range p.say(strings.Split(c.push, ",")...).lines[n:] {
				if err := a.Next(e); err != nil {
					t.Fatal(err)
				}
			}
			if got := RuleOf(a.End()); got != c.rule {
				t.Errorf("refused by '%s', want '%s'", got, c.rule)
			}
		})
	}
}
