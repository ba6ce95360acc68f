package checkup

import (
	"context"
	"fmt"

	"github.com/git-crosslink/git-crosslink/clone"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reading"
)

// checkPresence checks heartbeats.
func (k *Checkup) checkPresence(_ context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error) {
	var found []fail.Diagnosis
	if s.Unread == nil {
		return nil, nil // nothing was fetched yet
	}
	if n := s.Unread(); n > 0 {
		found = append(found, fail.Diagnosis{Code: "presence-many", Severity: fail.Note, Text: fmt.Sprintf("the hub has %d heartbeats, and only the newest %d are read: %d are not shown", n+clone.PresenceLimits.Read, clone.PresenceLimits.Read, n)})
	}
	if _, holds := s.Held(k.Agent); !holds || !k.PresenceRefused() {
		return found, nil
	}
	return append(found, presenceNote()), nil
}

func presenceNote() fail.Diagnosis {
	return fail.Diagnosis{Code: "presence", Severity: fail.Note, Text: "the hub accepts no heartbeats (refs/crosslink/presence): others see only your events, so write one from time to time"}
}
