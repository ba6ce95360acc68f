package trust

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

// A log judged as far as it was known, and then by its new lines alone, is judged
// as the whole of it is, or not at all.
func TestStanding_GoesOnAsTheWhole(t *testing.T) {
	from, to := seeds(t, 300)
	kinds := map[string]int{}
	vouched, open, refused := 0, 0, 0
	for seed := from; seed < to; seed++ {
		h := &history{Rand: rand.New(rand.NewPCG(seed, 63)), t: t, roll: founded(t, []string{Warn, Off, Require}[seed%3], true), keys: map[string]string{}, kinds: kinds}
		for i := range 2 {
			p := newPen(t, fmt.Sprintf("agent-%d", i))
			h.keys[p.chain.Agent] = p.chain.Agent
			h.pens = append(h.pens, p.say("+"+p.chain.Agent))
		}
		for range 4 + h.IntN(16) {
			h.grow()
		}
		for _, p := range h.pens {
			whole := verdict(h.roll, p, LogOptions{})
			for cut := range len(p.lines) {
				early := p.fork()
				early.lines = early.lines[:cut]
				s, ok := verdict(h.roll, early, LogOptions{}).Standing(h.roll, nil)
				if !ok {
					open++
					continue
				}
				next, mark, ok := s.Vouch(p.lines[cut:])
				if !ok {
					refused++
					continue
				}
				vouched++
				for seq := uint64(1); seq <= whole.Lines; seq++ {
					if whole.Fed != whole.Lines || whole.Mark(seq) != mark {
						t.Fatalf("CROSSLINK_SEED=%d, %s from line %d on: all is '%s', but the whole says %s", seed, p.chain.Agent, cut+1, mark, marks(whole))
					}
				}
				if then, ok := whole.Standing(h.roll, nil); !ok || !reflect.DeepEqual(then, next) {
					t.Fatalf("CROSSLINK_SEED=%d, %s from line %d on: it stands as %+v, %t, not %+v", seed, p.chain.Agent, cut+1, then, ok, next)
				}
			}
		}
	}
	t.Logf("%d vouched, %d had a question open, %d were refused", vouched, open, refused)
	if to-from > 1 && (vouched < 100 || open < 100 || refused < 100) {
		t.Fatal("too few of a kind")
	}
}

// What a later line may change the meaning of has no standing.
func TestStanding_None(t *testing.T) {
	r := founded(t, Warn, true)
	p := newPen(t, "bob").say("+bob", "bob")
	v := verdict(r, p, LogOptions{})
	if _, ok := v.Standing(r, nil); !ok {
		t.Fatal("a log in order has none")
	}
	if _, ok := v.Standing(r, []*Proof{{}}); ok {
		t.Error("a log with a proof against it has one")
	}
	revoked := next(t, r, "alice", func(m *Meta, _ *Signers) *Signers {
		m.Revoked = map[string]Revocation{"bob": {AfterSeq: 9, Hash: testHash}}
		return nil
	})
	if _, ok := verdict(revoked, p, LogOptions{}).Standing(revoked, nil); ok {
		t.Error("a log that ends at a revocation has one")
	}
	s, _ := v.Standing(r, nil)
	for _, more := range [][]string{{""}, {"bob", ""}, {"eve"}, {"bob>new"}, {}} {
		q := p.fork()
		if _, mark, ok := s.Vouch(q.say(more...).lines[2:]); ok {
			t.Errorf("%q is vouched for: '%s'", more, mark)
		}
	}
	q := p.fork().say("bob")
	forged := *q.lines[2]
	forged.Raw = append([]byte{}, forged.Raw...)
	forged.Raw[len(forged.Raw)/2] ^= 1
	if _, _, ok := s.Vouch([]*event.Envelope{&forged}); ok {
		t.Error("a changed line is vouched for")
	}
}
