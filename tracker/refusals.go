package tracker

import (
	"context"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/refs"
)

// withheld reports whether the hub is known to refuse the unsent lines of a log.
func (t *Tracker) withheld(ctx context.Context, s *snapshot, l *log) bool {
	if l.here == "" || l.unsent() == 0 || l.diverged || l.trails() {
		return false
	}
	if hubs.InTheWay(s.refs, agentLogs+l.agent) != "" {
		return true
	}
	r, known := t.contact.Refusals[agentLogs+l.agent]
	if !known || r.High <= l.hubSeq {
		return false
	}
	hash, err := t.lineHash(ctx, l, r.High)
	return err == nil && hash == r.Hash
}

// line is a line of a log as it was written here, nil where there is none.
func (t *Tracker) line(ctx context.Context, l *log, seq uint64) ([]byte, error) {
	got, err := refs.ReadLog(ctx, t.local(), l.agent, l.here, seq)
	if err != nil {
		return nil, err
	}
	return got.At(seq), nil
}

func (t *Tracker) lineHash(ctx context.Context, l *log, seq uint64) (string, error) {
	line, err := t.line(ctx, l, seq)
	if err != nil || line == nil {
		return "", err
	}
	return event.Hash(line), nil
}

// lostSomething reports whether the hub has lost a log that it may take back.
func (t *Tracker) lostSomething(s *snapshot, lost hubs.Losses) bool {
	for name := range lost {
		if !t.contact.NotTakenBack(name, s.refs[hubRoot+name], t.now()) {
			return true
		}
	}
	return false
}
