package checkup

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/exchange"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/replay"
)

// checkRefusals checks for refusals of the hub.
func (k *Checkup) checkRefusals(ctx context.Context, s *reading.Snapshot) (found []fail.Diagnosis) {
	for _, l := range k.WithheldLogs(ctx, s) {
		if l.Agent == k.Agent && k.Admitted(s) != nil { // checkAgent names whom to ask
			found = append(found, fail.Diagnosis{Code: "queued/until-then", Severity: fail.Note, Text: fmt.Sprintf("%s saved locally until then", exchange.Events(l.Unsent()))})
			continue
		}
		n := k.RefusalOf(ctx, s, l)
		found = append(found, fail.Diagnosis{Code: n.Code, Severity: fail.Problem, Text: fmt.Sprintf("%s; %s saved locally", n.Text, exchange.Events(l.Unsent())), Fields: n.Fields})
	}
	if text := k.UndecidedText(s, s.AllUndecided()); text != "" {
		d := fail.Diagnosis{Code: "undecided", Severity: fail.Problem, Text: text}
		if other := hubs.InTheWay(s.AllRefs, replay.LedgerName); other != "" {
			d.Code, d.Fields = "undecided/in-the-way", hubs.InTheWayFields(other)
		}
		found = append(found, d)
	}
	for _, name := range slices.Sorted(maps.Keys(k.Contact.Refusals)) {
		if r := k.Contact.Refusals[name]; r.High == 0 && name != replay.LedgerName {
			found = append(found, fail.Diagnosis{Code: "not-put-back", Severity: fail.Note, Text: hubs.NotPutBack(name, r.Why)})
		}
	}
	return found
}
