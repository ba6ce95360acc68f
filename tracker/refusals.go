package tracker

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// keep notes what a run has changed of what is remembered, before a is done.
func (d *drive) keep(ctx context.Context, m syncer.Memory, a syncer.Action) error {
	was := d.kept
	d.kept = m
	d.link.Pace.Keep(m.Pace)
	if was.NoAtomic == m.NoAtomic && was.Raced.Equal(m.Raced) && was.Closed == m.Closed && maps.Equal(was.Refused, m.Refused) {
		return nil
	}
	hashes := map[string]string{}
	for name, r := range m.Refused {
		l := d.snap.logs[strings.TrimPrefix(name, agentLogs)]
		if l == nil || r.High == 0 || r.High == was.Refused[name].High {
			continue
		}
		hash, err := d.lineHash(ctx, l, r.High)
		if err != nil {
			return err
		}
		hashes[name] = hash
	}
	for name, r := range m.Refused {
		if _, again := was.Refused[name]; !again && r.High == 0 && name != checkpointName && !d.unwatched {
			d.notice(fail.Notice{Code: "not-put-back", Text: fmt.Sprintf("the hub refuses to restore its log of '%s': %s; the log is kept here", strings.TrimPrefix(name, agentLogs), r.Why)})
		}
	}
	return d.contact.Keep(d.hub, m, a, hashes)
}

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

// beginning makes a tip that holds what the hub has of a log and the lines
// after that up to a sequence.
func (t *Tracker) beginning(ctx context.Context, l *log, upTo uint64) (refs.OID, error) {
	got, err := refs.ReadLog(ctx, t.local(), l.agent, l.here, l.hubSeq+1)
	if err != nil {
		return "", err
	}
	var lines [][]byte
	for seq := l.hubSeq + 1; seq <= upTo; seq++ {
		line := got.At(seq)
		if line == nil {
			return "", fmt.Errorf("the log of '%s' has no event %d: %w", l.agent, seq, refs.ErrBadLog)
		}
		lines = append(lines, line)
	}
	return refs.AppendLog(ctx, t.local(), l.agent, l.hub, lines, refs.CommitInfo{Address: t.committer(), Author: l.agent, When: t.now(),
		Message: fmt.Sprintf("crosslink: %s up to event %d\n\n[skip ci]\n", l.agent, upTo)})
}

// nothingOnTop makes a tip that adds no line to what the hub has of a log: to
// find out whether the hub refuses the log or a line.
func (t *Tracker) nothingOnTop(ctx context.Context, l *log) (refs.OID, error) {
	return refs.Recommit(ctx, t.local(), l.hub, []refs.OID{l.hub}, refs.CommitInfo{Address: t.committer(), Author: l.agent, When: t.now(),
		Message: fmt.Sprintf("crosslink: %s adds nothing to event %d\n\n[skip ci]\n", l.agent, l.hubSeq)})
}

// lostSomething reports whether the hub has lost a log that it may take back.
func (t *Tracker) lostSomething(s *snapshot, lost losses) bool {
	for name := range lost {
		if !t.contact.NotTakenBack(name, s.refs[hubRoot+name], t.now()) {
			return true
		}
	}
	return false
}
