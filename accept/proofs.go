package accept

import (
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Untold are the proofs held here of agents against which no line that counts
// holds one: those that a fetch brought, and those in logs, by agent. Who is to tell
// them, teller, does not report itself; "" is anybody.
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
