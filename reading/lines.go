package reading

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// Lines reads the good lines of a log.
func (r *Reader) Lines(ctx context.Context, l *Log) (lines []*event.Envelope, err error) {
	if l.lines == nil && l.Seq > 0 {
		l.lines, err = r.LinesAfter(ctx, l, l.Begin())
	}
	return l.lines, err
}

// LinesAfter reads the good lines of a log after the end of a chain.
func (r *Reader) LinesAfter(ctx context.Context, l *Log, from event.Chain) (lines []*event.Envelope, err error) {
	if l.Legacy {
		return nil, nil
	}
	err = r.Replays().GoodLines(ctx, from, l.View, func(e *event.Envelope) bool {
		lines = append(lines, e)
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("read the log of '%s': %w", l.Agent, err)
	}
	return lines, nil
}

// Counted reads the lines of a log that count.
func (r *Reader) Counted(ctx context.Context, l *Log) ([]*event.Envelope, error) {
	lines, err := r.Lines(ctx, l)
	return lines[:min(l.Counted, uint64(len(lines)))], err
}

// Good reads the log at a tip, whatever hub it was written for; without a tip there are no
// lines.
func (r *Reader) Good(ctx context.Context, id string, tip refs.OID) (lines []*event.Envelope, err error) {
	if tip == "" {
		return nil, nil
	}
	hub, err := replay.FirstHub(ctx, r.local(), id, tip)
	if err != nil || hub == "" {
		return nil, err
	}
	err = r.Replays().GoodLines(ctx, event.Chain{Hub: hub, Agent: id}, tip, func(e *event.Envelope) bool {
		lines = append(lines, e)
		return true
	})
	return lines, err
}

// Ends reports whether the objects of a log end where a snapshot says. Writes append after
// this point, so a stale cache must never be able to fork the log.
func (r *Reader) Ends(ctx context.Context, l *Log) (bool, error) {
	if l.Seq == 0 && l.View == "" {
		return true, nil
	}
	log, err := refs.ReadLog(ctx, r.local(), l.Agent, l.View, max(l.Seq, 1))
	if l.Seq == 0 { // the log has only lines of the hub that this one was migrated from
		return err == nil && log.Bad == "" && log.Last() == 0, err
	}
	if err != nil || log.Bad != "" || len(log.Lines) == 0 {
		return false, err
	}
	raw := log.At(log.Last())
	last, err := event.Decode(bytes.Clone(raw))
	return err == nil && last.Hub == l.hub && last.Agent == l.Agent && last.Seq == l.Seq && last.Time == l.Time && event.Hash(raw) == l.Hash, nil
}

// AllEnd is Ends for all logs with lines that the hub lacks: objects may be missing since
// the store was made, and then the log has to be repaired.
func (r *Reader) AllEnd(ctx context.Context, s *Snapshot) bool {
	if !s.Replayed() {
		return true
	}
	for _, l := range s.Active() {
		if l.Here == "" || l.View != l.Here || l.Here == l.Hub || l.Foreign || l.Ended != "" {
			continue
		}
		if ends, err := r.Ends(ctx, l); err != nil || !ends {
			return false
		}
	}
	return true
}

// Line reads one line of a log, nil if it has no line with that sequence.
func (r *Reader) Line(ctx context.Context, l *Log, seq uint64) (*event.Envelope, error) {
	switch {
	case l == nil || seq == 0 || seq > l.Seq:
		return nil, nil
	case seq <= uint64(len(l.lines)):
		return l.lines[seq-1], nil
	}
	raw, err := replay.LineAt(ctx, r.local(), l.Agent, l.View, seq)
	if err != nil || raw == nil {
		return nil, err
	}
	return event.Decode(raw)
}

// Hash returns the hash of a line, "" if there is none; l may be nil.
func (r *Reader) Hash(ctx context.Context, l *Log, seq uint64) (string, error) {
	if l != nil && seq > 0 && seq == l.Seq {
		return l.Hash, nil
	}
	e, err := r.Line(ctx, l, seq)
	if err != nil || e == nil {
		return "", err
	}
	return event.Hash(e.Raw), nil
}

// Newest returns the greatest time up to limit of all lines that count.
func (r *Reader) Newest(ctx context.Context, s *Snapshot, limit event.Time) (newest event.Time, err error) {
	if s.Newest <= limit {
		return s.Newest, nil
	}
	if at := s.Ledger.BaseTime; at <= limit {
		newest = at
	}
	for _, l := range s.Logs() {
		at, err := r.NewestIn(ctx, l, l.Counted, limit)
		if err != nil {
			return 0, err
		}
		newest = max(newest, at)
	}
	return newest, nil
}

// NewestIn returns the greatest time up to limit in the first lines of a log.
func (r *Reader) NewestIn(ctx context.Context, l *Log, first uint64, limit event.Time) (event.Time, error) {
	switch {
	case first == 0:
		return 0, nil
	case first == l.Counted && l.Newest <= limit:
		return l.Newest, nil
	}
	if e, err := r.Line(ctx, l, first); err != nil || e != nil && e.Time <= limit {
		if err != nil {
			return 0, err
		}
		return e.Time, nil
	}
	lines, err := r.Lines(ctx, l)
	if err != nil {
		return 0, err
	}
	n, _ := slices.BinarySearchFunc(lines[:min(first, uint64(len(lines)))], limit+1, func(e *event.Envelope, at event.Time) int { return cmp.Compare(e.Time, at) })
	if n == 0 {
		return 0, nil
	}
	return lines[n-1].Time, nil
}
