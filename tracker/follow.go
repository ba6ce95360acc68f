package tracker

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
)

// follow is the snapshot of the refs that s was listed with, made from the one
// before without reading a log: a write moves the own ref to lines that the
// snapshot holds already, and a push that the hub took moves what was last seen
// there to what was sent. nil if anything else moved: then all is read.
//
// It is the same that reading all would give: every test of this package sees to
// that (checkFollowed).
func (t *Tracker) follow(ctx context.Context, was, s *snapshot) *snapshot {
	if was == nil || t.hub == nil || was.level != Level || !was.bound || was.apart || s.apart || was.decided.err != nil {
		return nil
	}
	next := *was
	next.refs, next.seen, next.view = s.refs, s.seen, nil
	next.logs = maps.Clone(was.logs)
	stepped := false
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
		case !isHere && !isHub, l == nil, tip == "", tip != l.here || tip != l.view, l.ended != "", l.diverged, l.foreign, l.torn:
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
	if !t.followVerdicts(was, &next) {
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
		return false
	}
	d.tip, d.view = tip, view
	s.numbers = map[event.UUID]uint64{}
	for _, n := range view.Ledger.Issues() {
		s.numbers[n.UUID] = n.Number
	}
	s.aliases = view.Ledger.IssueAliases
	t.noteJudged(judged{s.hubID(), view.Tip, view.Step, view.Since, d.bad})
	return true
}

// followVerdicts judges the logs anew and reports whether the lines that count
// are the ones the state holds.
func (t *Tracker) followVerdicts(was, s *snapshot) bool {
	held := map[string]int{}
	for id, l := range was.logs {
		held[id] = len(l.fed())
		c := *s.logs[id]
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
	return true
}
