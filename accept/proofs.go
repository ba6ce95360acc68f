package accept

import (
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Untold returns the fork proofs in this clone, from a fetch or from logs, that no line
// that counts has reported yet, by agent. teller, who would report them, never reports
// itself; "" means anybody.
func Untold(s *reading.Snapshot, fetched map[string]*trust.Proof, teller string) []*trust.Proof {
	found := maps.Clone(fetched)
	if !s.Replayed() || len(found) == 0 && !s.Proven() {
		return nil
	}
	if found == nil {
		found = map[string]*trust.Proof{}
	}
	for id, ps := range s.Proofs() {
		if found[id] == nil {
			found[id] = ps[0]
		}
	}
	for _, l := range s.Active() {
		for _, x := range l.Proofs {
			if p, err := trust.NewProof([]byte(x.A), []byte(x.B)); err == nil && x.Seq <= l.Counted {
				delete(found, p.Agent)
			}
		}
	}
	var all []*trust.Proof
	for _, id := range slices.Sorted(maps.Keys(found)) {
		_, revoked := s.Roll.Meta.Revoked[id]
		if id != teller && !revoked && s.Hub == found[id].Hub {
			all = append(all, found[id])
		}
	}
	return all
}
