package tracker

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
)

// follow is the snapshot of the refs that s was listed with, made from the one
// before without reading all logs: a write moves the own ref to lines that the
// snapshot holds already, a push that the hub took moves what was last seen there
// to what was sent, and of a log of others that has grown only what is new is
// read. nil if anything else moved: then all is read.
//
// It is the same that reading all would give: every test of this package sees to
// that (checkFollowed).
func (t *Tracker) follow(ctx context.Context, was, s *snapshot) *snapshot {
	if was == nil || t.hub == nil || was.level != Level || !was.bound || was.apart || s.apart || was.decided.err != nil {
		return nil
	}
	next := *was
	next.refs, next.seen, next.unread, next.view = s.refs, s.seen, s.unread, nil
	next.logs = maps.Clone(was.logs)
	stepped, fresh := false, map[string]int{}
	for _, name := range changed(was.refs, s.refs) {
		tip := s.refs[name]
		id, isHere := strings.CutPrefix(name, headRoot+agents)
		_, isHub := strings.CutPrefix(name, hubRoot+agents)
		if isHub {
			id = strings.TrimPrefix(name, hubRoot+agents)
		}
		l := next.logs[id]
		switch {
		case strings.HasPrefix(name, incomingRoot), strings.HasPrefix(name, refs.PresenceHere):
		case name == hubRoot+checkpointName && tip != "":
			stepped = true
		case isHub && (l == nil || l.here == ""):
			grown := t.longer(ctx, &next, id, tip)
			if grown == nil {
				return nil
			}
			if next.logs[id] = grown; l == nil {
				l = &log{}
			}
			fresh[id] = len(grown.lines) - len(l.lines)
		case !isHere && !isHub, l == nil, tip == "", tip != l.here || tip != l.view, l.ended != "", l.diverged, l.beyond, l.foreign, l.torn:
			return nil
		case isHub:
			sent := *l
			sent.hub, sent.hubSeq = tip, l.chain.Seq
			next.logs[id] = &sent
		case id != t.agent:
			return nil // lines of another process
		}
	}
	if stepped && !t.followStep(&next) {
		return nil
	}
	if !t.followVerdicts(was, &next, fresh) {
		return nil
	}
	checkFollowed(ctx, t, &next)
	return &next
}

// Only tests change this.
var checkFollowed = func(context.Context, *Tracker, *snapshot) {}

// changed are the names of refs that differ.
func changed(a, b map[string]refs.OID) []string {
	var names []string
	for name, tip := range a {
		if b[name] != tip {
			names = append(names, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// followStep judges the new steps of the ledger, as loadLedger does.
func (t *Tracker) followStep(s *snapshot) bool {
	d := &s.decided
	tip := s.refs[hubRoot+checkpointName]
	view, err := d.reader.Read(string(tip))
	if err != nil || len(view.Bad) > 0 {
		t.judging = nil // a reader tells of a bad step once
		return false
	}
	d.tip, d.view = tip, view
	s.number(view.Ledger)
	t.noteJudged(judged{s.hubID(), view.Tip, view.Step, view.Since, d.bad})
	return true
}

// longer is a log of others at a new tip, if that holds what the snapshot holds
// and good lines behind it.
func (t *Tracker) longer(ctx context.Context, s *snapshot, id string, tip refs.OID) *log {
	l := &log{agent: id, chain: event.Chain{Hub: s.hubID(), Agent: id}}
	if was := s.logs[id]; was != nil {
		if tip == "" || was.view != was.hub || was.ended != "" || was.diverged || was.foreign || was.torn || was.legacyOnly {
			return nil
		}
		if rel, err := refs.IsPrefix(ctx, t.local(), id, was.hub, tip); err != nil || rel != refs.Prefix {
			return nil
		}
		*l = *was
		l.lines = slices.Clip(was.lines)
	} else if event.ValidAgentID(id) != nil || tip == "" {
		return nil
	}
	bad := false
	got, err := refs.WalkLogs(ctx, t.local(), []refs.LogRequest{{Agent: id, Tip: tip, From: l.chain.Seq + 1}}, func(_ int, seq uint64, line []byte) bool {
		if seq > 0 && seq <= l.chain.Seq {
			return true
		}
		e, err := l.chain.Next(bytes.Clone(line))
		if bad = err != nil; bad {
			return false
		}
		l.lines = append(l.lines, e)
		return true
	})
	if err != nil || bad || got[0].Bad != "" {
		return nil
	}
	l.hub, l.view, l.hubSeq = tip, tip, l.chain.Seq
	return l
}

// followVerdicts judges the logs anew and reports whether the lines that count
// are the ones the state holds and, all of them, those that are fresh, which it
// then gets. fresh is how many there are at the end of each log.
func (t *Tracker) followVerdicts(was, s *snapshot, fresh map[string]int) bool {
	held := map[string]int{}
	for id, l := range s.logs {
		if was.logs[id] != nil {
			held[id] = len(was.logs[id].fed())
		}
		if held[id] += fresh[id]; fresh[id] > 0 && held[id] != len(l.lines) {
			return false // behind lines that do not count
		}
		c := *l
		s.logs[id] = &c
	}
	if own := s.logs[t.agent]; own != nil {
		held[t.agent] = len(own.lines) // stamp applied them all
	}
	t.giveVerdicts(s)
	s.lines = nil
	for _, id := range s.agents() {
		fed := s.logs[id].fed()
		if len(fed) != held[id] {
			return false
		}
		s.lines = append(s.lines, fed...)
	}
	for _, id := range s.agents() {
		lines := s.logs[id].lines
		for _, e := range lines[len(lines)-fresh[id]:] {
			s.state.Apply(e)
		}
	}
	return true
}
