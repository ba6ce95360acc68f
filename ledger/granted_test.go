package ledger_test

import (
	"testing"

	"github.com/git-crosslink/git-crosslink/ledger"
)

// All readers distinguish a claim that was granted and has ended from one that was void,
// whether they knew the chain before or not.
func TestGranted(t *testing.T) {
	s := newScene(t)
	u := s.create("agent-a")
	s.step()
	before := s.view()
	a := s.claim("agent-a", u, false)
	granted := s.step()
	void := s.claim("agent-b", u, false)
	waits := s.claim("agent-c", u, true)
	s.step()
	s.breaks("agent-b", u, granted.Sequence)
	s.step()
	s.release("agent-c", u)
	s.step()
	uncovered := s.claim("agent-d", u, false)
	for _, warm := range []bool{true, false} {
		r := ledger.NewReader(s.world, hubID)
		if warm {
			r.Resume(before)
		}
		for _, c := range []struct {
			agent string
			seq   uint64
			token uint64 // 0: never granted
		}{
			{"agent-a", a, granted.Sequence},
			{"agent-b", void, 0},
			{"agent-c", waits, granted.Sequence + 2}, // by the break
			{"agent-d", uncovered, 0},
			{"agent-a", a + 1, 0},
		} {
			l, ok, err := r.Granted(s.tip, u, c.agent, c.seq)
			if err != nil || ok != (c.token != 0) || l.Token != c.token {
				t.Errorf("warm %v: the claim %s/%d: %+v, %v, %v; want token %d", warm, c.agent, c.seq, l, ok, err, c.token)
			}
		}
	}
}
