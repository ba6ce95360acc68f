package reading

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/trust"
)

// isLegacy reports whether the hub is of level 3 or 2, and records its level.
func isLegacy(ctx context.Context, l refs.Local, s *Snapshot) (bool, error) {
	name := replay.HubRoot + replay.MetaName
	if s.Bound = s.AllRefs[name] != ""; !s.Bound {
		if replay.IsLevel2(ctx, l, s.AllRefs[replay.HubRoot+replay.Level2Name]) {
			s.Level = 2
			return true, nil
		}
		if name = replay.HereRoot + replay.MetaName; s.AllRefs[name] == "" {
			return false, nil
		}
	}
	files, err := refs.ReadFiles(ctx, l, s.AllRefs[name], replay.MetaLimit)
	if err != nil {
		return false, fmt.Errorf("read '%s': %w", name, err)
	}
	s.Level = trust.Claimed(files["hub.json"]).Level
	return s.Level == 2 || s.Level == 3, nil
}

// loadLegacy reads a hub of level 3 or 2. Its checkpoint is the base, and every line of
// every log is applied over it. This restores events that the original's watermark dropped.
// Numbers are the checkpoint's.
func (r *Reader) loadLegacy(ctx context.Context, s *Snapshot, keep bool) error {
	base, err := replay.LegacyBase(ctx, r.local(), s.Level, s.AllRefs)
	if err != nil {
		return fmt.Errorf("read the state of the level-%d hub: %w", s.Level, err)
	}
	d := &delta.Delta{To: replay.Stamp(s.AllRefs), Base: base, Numbers: map[event.UUID]uint64{}}
	if base != nil {
		maps.Copy(d.Numbers, base.Numbers)
		d.Milestones = map[event.UUID]uint64{}
		for _, m := range base.Milestones {
			d.Milestones[m.UUID] = m.Number
		}
		s.UnreadFiles = base.Unread
	}
	lines, err := r.readLegacy(ctx, s)
	if err != nil {
		return err
	}
	if err := r.loadWaiting(ctx, s, lines); err != nil {
		return err
	}
	var logs []delta.Log
	for _, id := range s.AgentIDs() {
		if n := len(lines[id]); n > 0 {
			s.Log(id).Shown = lines[id][n-1].Shown()
		}
		logs = append(logs, delta.Log{Agent: id, Counted: uint64(len(lines[id])), Lines: store.EachLine(lines[id]...), Cursor: []byte{}})
	}
	d.Logs = store.EachLog(logs...)
	m := &store.Memory{}
	if err := m.Apply(func(store.Saved) (*delta.Delta, error) { return d, nil }); err != nil {
		return err
	}
	if s.View = m.WithPresence(s.Seen); keep {
		r.keepLegacy(ctx, s, d)
	}
	return nil
}

// readLegacy reads the logs of such a hub.
func (r *Reader) readLegacy(ctx context.Context, s *Snapshot) (map[string][]*event.Envelope, error) {
	var want []refs.LogRequest
	for name, oid := range s.AllRefs {
		id, ok := strings.CutPrefix(name, replay.HubRoot+replay.Agents)
		if !ok || event.ValidAgentID3(id) != nil {
			continue
		}
		s.logs[id] = &Log{Agent: id, Legacy: true, Cursor: &replay.Cursor{Hub: oid, View: oid}}
		want = append(want, refs.LogRequest{Agent: id, Tip: oid})
	}
	bad, lines := make([]int, len(want)), map[string][]*event.Envelope{}
	got, err := refs.WalkLogs(ctx, r.local(), want, func(i int, seq uint64, line []byte) bool {
		if seq != 0 {
			return true
		}
		e, err := event.Decode3(bytes.Clone(line))
		if err != nil || e.Agent != want[i].Agent {
			bad[i]++ // level-3 lines have no chain, so the next line is still valid
			return true
		}
		lines[e.Agent] = append(lines[e.Agent], e)
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("read the logs: %w", err)
	}
	for i, x := range want {
		l := s.logs[x.Agent]
		l.Seq = uint64(len(lines[x.Agent]))
		l.Counted, l.HubSeq, l.Missing = l.Seq, l.Seq, got[i].Missing
		if l.Ended = got[i].Bad; bad[i] > 0 {
			l.Ended = fmt.Sprintf("%d lines are not events of this agent", bad[i])
		}
	}
	return lines, nil
}

// keepLegacy makes a store of the state, if it depends only on the refs. A failure here
// affects nothing else.
func (r *Reader) keepLegacy(ctx context.Context, s *Snapshot, d *delta.Delta) {
	for _, l := range s.Logs() {
		if l.Missing || l.Here != "" {
			return
		}
	}
	var err error
	if d.Header, err = json.Marshal(kept{Glance: s.Glance()}); err != nil || r.joined || s.Apart {
		return
	}
	f, w, err := r.store(ctx).Apply(ctx, nil, func(was store.Saved) (*delta.Delta, error) {
		if was.Inputs() != nil {
			return nil, store.ErrNeedsRebuild
		}
		return d, nil
	}, nil, nil)
	if r.o.Stored != nil {
		r.o.Stored(w, err)
	}
	if err == nil {
		f.Close()
	}
}

// loadWaiting shows the lines that were written here before such a hub was met; they wait
// until the hub has this program's level.
func (r *Reader) loadWaiting(ctx context.Context, s *Snapshot, lines map[string][]*event.Envelope) error {
	for name, oid := range s.AllRefs {
		id, ok := strings.CutPrefix(name, replay.HereRoot+replay.Agents)
		if !ok || event.ValidAgentID(id) != nil || s.logs[id] != nil {
			continue
		}
		var err error
		if lines[id], err = r.Good(ctx, id, oid); err != nil {
			return fmt.Errorf("read the log of '%s': %w", id, err)
		}
		n := uint64(len(lines[id]))
		s.logs[id] = &Log{Agent: id, Cursor: &replay.Cursor{Here: oid, View: oid, Seq: n, Counted: n}}
	}
	return nil
}
