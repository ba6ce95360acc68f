package trust

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

// TestCheckpoint_ResumesAsTheWhole: a log that is judged in pieces, each resumed
// from the checkpoint of the one before, under metas that change, is judged as
// one that is read as a whole.
func TestCheckpoint_ResumesAsTheWhole(t *testing.T) {
	from, to := seeds(t, 500)
	kinds := map[string]int{}
	for seed := from; seed < to; seed++ {
		h := &history{Rand: rand.New(rand.NewPCG(seed, 64)), t: t, roll: founded(t, []string{Warn, Off, Require}[seed%3], true), keys: map[string]string{}, kinds: kinds}
		for i := range 2 {
			p := newPen(t, fmt.Sprintf("agent-%d", i))
			h.keys[p.chain.Agent] = p.chain.Agent
			h.pens = append(h.pens, p.say("+"+p.chain.Agent))
		}
		rolls := []*State{h.roll}
		for range 4 + h.IntN(30) {
			h.grow()
			if h.IntN(100) == 0 {
				for range maxOpen + 10 {
					h.pens[0].write("stranger", &event.AgentRetired{})
				}
			}
			rolls = append(rolls, h.roll)
		}
		for _, p := range h.pens {
			if h.IntN(4) == 0 {
				p.say([]string{"", "stranger"}[h.IntN(2)], "", "")
			}
			proofs := h.proofs(p)
			covered := (len(p.lines) - h.IntN(min(4, len(p.lines)))) * h.IntN(2)
			whole := func(r *State, n int, ps []*Proof) *Log {
				l := r.Log(p.chain.Agent, LogOptions{Covered: uint64(min(covered, n)), Proofs: ps})
				for _, e := range p.lines[:n] {
					l.Feed(e)
				}
				return l
			}
			var c *Checkpoint
			for n := 0; n < len(p.lines); {
				r, ps := rolls[len(rolls)-1-h.IntN(min(4, len(rolls)))], proofs[:h.IntN(len(proofs)+1)]
				next := min(len(p.lines), n+h.IntN(1+h.IntN(8)))
				want := whole(r, next, ps)
				got, ok := want, false
				if c != nil {
					if got, ok = r.Resume(p.chain.Agent, *c, LogOptions{Covered: uint64(min(covered, next)), Proofs: ps}); ok {
						for _, e := range p.lines[n:next] {
							if got.Feed(e); h.IntN(4) == 0 {
								got.Verdict() // asking changes nothing
							}
						}
						h.did("resumed")
					} else {
						got = want
						h.did("other inputs")
					}
				}
				a, b := got.Verdict(), want.Verdict()
				if !reflect.DeepEqual(plain(a), plain(b)) || !slices.Equal(a.Marks(), b.Marks()) || marks(a) != marks(b) {
					t.Fatalf("CROSSLINK_SEED=%d, %s, lines %d to %d:\nresumed %+v\nwhole   %+v", seed, p.chain.Agent, n+1, next, a, b)
				}
				for seq := uint64(1); seq <= b.Lines; seq++ {
					if seq <= b.Fed+1 && ruleAt(b.Marks(), seq) != b.Mark(seq) {
						t.Fatalf("CROSSLINK_SEED=%d, %s: line %d is '%s', but the marks are %v", seed, p.chain.Agent, seq, b.Mark(seq), b.Marks())
					}
				}
				x, okX := got.Checkpoint()
				y, okY := want.Checkpoint()
				if okX != okY || !reflect.DeepEqual(x, y) {
					t.Fatalf("CROSSLINK_SEED=%d, %s, lines %d to %d:\ncheckpoint %t %+v\nof all     %t %+v", seed, p.chain.Agent, n+1, next, okX, x, okY, y)
				}
				if b.Forked {
					h.did("forked")
				}
				if c = nil; okX {
					bytes, err := json.Marshal(x)
					if err != nil {
						t.Fatal(err)
					}
					c = &Checkpoint{}
					if err := json.Unmarshal(bytes, c); err != nil || !reflect.DeepEqual(*c, x) {
						t.Fatalf("%v: %s", err, bytes)
					}
				} else {
					h.did("none")
				}
				n = next
			}
		}
	}
	t.Logf("%d histories: %v", to-from, kinds)
	for _, k := range []string{"resumed", "other inputs", "none", "forked", "revoked", "rotated", "policy"} {
		if to-from > 1 && kinds[k] < 50 {
			t.Errorf("'%s' happened %d times", k, kinds[k])
		}
	}
}

// plain is a verdict without the form in which it holds marks.
func plain(v *Verdict) Verdict {
	c := *v
	c.marks = nil
	return c
}

// proofs returns proofs that a log forks somewhere, by its own key or by a
// stranger's, of lines that are there or to come.
func (h *history) proofs(p *pen) (all []*Proof) {
	for range h.IntN(3) {
		by := []string{h.keys[p.chain.Agent], "stranger", p.chain.Agent}[h.IntN(3)]
		a := p.fork()
		if h.IntN(2) == 0 {
			a = newPen(h.t, p.chain.Agent)
			for n, at := 0, h.IntN(len(p.lines)); n < at; n++ {
				a.say("")
			}
		}
		b := a.fork()
		a.say(by)
		b.write(by, &event.AgentRetired{Reason: "otherwise"})
		n := len(a.lines) - 1
		if x, err := NewProof(a.lines[n].Raw, b.lines[n].Raw); err == nil {
			all = append(all, x)
		}
		c, d := a.fork(), b.fork()
		c.say(by)
		d.say(by)
		if x, err := NewProof(c.lines[n+1].Raw, d.lines[n+1].Raw); err == nil && h.IntN(3) == 0 {
			all = append(all, x)
		}
	}
	return all
}
