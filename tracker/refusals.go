package tracker

import (
	"context"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
)

// withheld reports whether the hub is known to refuse the unsent lines of a log.
func (t *Tracker) withheld(ctx context.Context, s *reading.Snapshot, l *reading.Log) bool {
	if l.Here == "" || l.Unsent() == 0 || l.Diverged || l.Trails {
		return false
	}
	if hubs.InTheWay(s.AllRefs, agentLogs+l.Agent) != "" {
		return true
	}
	r, known := t.contact.Refusals[agentLogs+l.Agent]
	if !known || r.High <= l.HubSeq {
		return false
	}
	hash, err := t.lineHash(ctx, l, r.High)
	return err == nil && hash == r.Hash
}

// line is a line of a log as it was written here, nil where there is none.
func (t *Tracker) line(ctx context.Context, l *reading.Log, seq uint64) ([]byte, error) {
	got, err := refs.ReadLog(ctx, t.local(), l.Agent, l.Here, seq)
	if err != nil {
		return nil, err
	}
	return got.At(seq), nil
}

func (t *Tracker) lineHash(ctx context.Context, l *reading.Log, seq uint64) (string, error) {
	line, err := t.line(ctx, l, seq)
	if err != nil || line == nil {
		return "", err
	}
	return event.Hash(line), nil
}

// lostSomething reports whether the hub has lost a log that it may take back.
func (t *Tracker) lostSomething(s *reading.Snapshot, lost hubs.Losses) bool {
	for name := range lost {
		if !t.contact.NotTakenBack(name, s.AllRefs[hubRoot+name], t.now()) {
			return true
		}
	}
	return false
}
