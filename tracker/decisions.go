package tracker

import (
	"context"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reading"
)

// What is in refs/hub has been seen on the hub and judged; a step built here is
// only an object until then.

// onItsWay are the agent's lines that a write waits for which wrote none, from the
// first one on that a step has still to answer or the hub has still to get.
func (t *Tracker) onItsWay(ctx context.Context, s *reading.Snapshot, agent string, o EmitOptions) ([]*event.Envelope, error) {
	l := s.Logs[agent]
	if l == nil {
		return nil, nil
	}
	from := l.Seq
	if o.Wait {
		from = l.HubSeq
	}
	if p := s.Pending(agent); o.Lock && len(p) > 0 {
		from = min(from, p[0].Seq-1)
	}
	if from >= l.Seq {
		return nil, nil
	}
	after := l.Begin()
	if e, err := t.clone.Reads.Line(ctx, l, from); err != nil {
		return nil, err
	} else if e != nil {
		after.Seq, after.Hash, after.Time = e.Seq, event.Hash(e.Raw), e.Time
	}
	return t.clone.Reads.LinesAfter(ctx, l, after)
}
