package ledger

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/event/canon"
)

// Verdicts. The rules are:
//   - a step is judged from its base (its nearest valid ancestor), its tree and
//     its parents, and from nothing else;
//   - its parents are: the previous tip; the log tip of every agent whose
//     position moved since the base, sorted by agent id; the meta commit if
//     `meta` moved; in a merge step the lost tip. No more and no fewer;
//   - a root has no parents, so it covers nothing (Root);
//   - all bytes of the tree are compared except written_at, written_by,
//     signed_by and signature, which must only be well-formed;
//   - meta never goes back, positions never go back, and a position's hash is
//     that of the line in the parent it came from;
//   - a step that claims more rules than its meta admits is bad; admitted but
//     unknown rules end reading and writing (ErrNewer).

// The reasons why a step is bad. They are shown to people and kept in reports, so
// they never change their meaning.
const (
	Malformed     = "malformed"     // not the tree of a ledger
	OtherRules    = "rules"         // rules that the meta does not admit
	OtherHub      = "hub"           // another hub's
	BadSequence   = "sequence"      // not base's + first-parent commits since
	BadParents    = "parents"       // more or fewer than its inputs
	NoMeta        = "meta"          // only a root is decided under no meta
	MetaBack      = "meta-back"     // not base's meta or a descendant of it
	PositionBack  = "position-back" // a log covered less than before
	NotInParent   = "position-not-in-parent"
	NotCovered    = "coverage" // revoked, not admitted, or not signed
	BadNumbers    = "numbers"
	BadLocks      = "locks"
	BadQueue      = "queue"
	BadAliases    = "aliases"
	BadMerge      = "merged" // names no lost branch, or is not what merging it gives
	BadBase       = "base"   // another migration base, or one later than the root
	BadPositions  = "positions"
	BadSignature  = "signature"
	NotReproduced = "state" // anything else of state.json
)

// ErrNewer says that the chain holds a step that was decided by rules that the
// hub admits and this program does not know: it neither judges nor writes.
var ErrNewer = errors.New("the ledger was written by rules that are newer than this program")

// bad is a verdict on its way up.
type bad string

func (b bad) Error() string { return string(b) }

// step is one commit of the chain while it is judged.
type step struct {
	id      string
	parents []string
	files   map[string][]byte
	base    *Ledger // its nearest valid ancestor, or Empty
	since   uint64  // bad steps between

	is     *Ledger // what state.json says
	head   header
	policy Policy
	moved  map[string]Position
	facts  []Fact // of newly covered lines
	lost   *Lost
}

// judge returns the step's ledger. The error is a bad, or one of the source.
func (r *Reader) judge(s *step) (*Ledger, error) {
	if err := r.readStep(s); err != nil {
		return nil, err
	}
	if len(s.parents) == 0 {
		return s.judgeRoot()
	}
	if s.is.Sequence != s.base.Sequence+s.since+1 && s.is.Merged == "" {
		return nil, bad(BadSequence)
	}
	var err error
	if s.moved, err = s.base.positions.movedTo(s.files); err != nil {
		return nil, err
	}
	if err := r.readInputs(s); err != nil {
		return nil, err
	}
	want, _ := Decide(s.base, Input{
		Moved: s.moved, Facts: s.facts, Meta: s.is.Meta, By: s.is.WrittenBy, At: s.is.WrittenAt, Since: s.since, Lost: s.lost,
	})
	want.SignedBy, want.Signature = s.is.SignedBy, s.is.Signature
	if err := s.compare(want); err != nil {
		return nil, err
	}
	if !s.policy.Accepts(want) {
		return nil, bad(BadSignature)
	}
	return want, nil
}

// readStep reads state.json and what needs no inputs to be refused.
func (r *Reader) readStep(s *step) error {
	var ok bool
	var err error
	if s.files, ok, err = r.src.Files(s.id); err != nil {
		return err
	}
	if !ok {
		return bad(Malformed)
	}
	v, err := parseState(s.files[statePath])
	if err != nil {
		return bad(Malformed)
	}
	if err := r.knowsRules(s, v); err != nil {
		return err
	}
	if s.is, s.head, err = readState(v); err != nil {
		return bad(Malformed)
	}
	for _, p := range []*string{&s.is.Meta, &s.is.WrittenBy, &s.is.Merged, &s.is.SignedBy, &s.is.Signature} {
		*p = strings.Clone(*p) // else a few bytes keep the whole file in memory
	}
	if s.is.Hub != r.hub {
		return bad(OtherHub)
	}
	return nil
}

// knowsRules is asked before the state is read: other rules may have other members.
func (r *Reader) knowsRules(s *step, v canon.Value) error {
	x, _ := v.Get("rules")
	rules, _ := x.Uint()
	if rules <= Rules {
		return nil
	}
	x, _ = v.Get("meta")
	meta, _ := x.Str()
	if !isOID(meta) {
		return bad(OtherRules)
	}
	p, ok, err := r.src.Meta(meta, s.base.Meta)
	if err != nil {
		return err
	}
	if ok && rules <= p.Rules() {
		return ErrNewer
	}
	return bad(OtherRules)
}

func (s *step) judgeRoot() (*Ledger, error) {
	if s.is.Sequence != 1 {
		return nil, bad(BadSequence)
	}
	want, err := Root(s.is.Hub, s.files[basePath], s.is.WrittenBy, s.is.WrittenAt)
	if err != nil {
		return nil, bad(BadBase)
	}
	// Nothing says yet who may sign: what a root decides, everybody can read
	// in it, and a hub's members see it when they join.
	want.SignedBy, want.Signature = s.is.SignedBy, s.is.Signature
	return want, s.compare(want)
}

// movedTo returns the positions that differ in a step's tree.
func (p *positions) movedTo(files map[string][]byte) (map[string]Position, error) {
	moved := map[string]Position{}
	for k, path := range shardPaths {
		old := p.shards[k]
		data, ok := files[path]
		if old == nil && !ok || old != nil && bytes.Equal(data, old.text) {
			continue
		}
		if !ok {
			return nil, bad(PositionBack)
		}
		s, err := readShard(k, data)
		if err != nil {
			return nil, bad(Malformed)
		}
		for _, e := range s.entries {
			moved[strings.Clone(e.agent)] = Position{e.Seq, strings.Clone(e.Hash)}
		}
		if old == nil {
			continue
		}
		for _, e := range old.entries {
			switch n := moved[e.agent]; {
			case n == e.Position:
				delete(moved, e.agent)
			case n.Seq <= e.Seq:
				return nil, bad(PositionBack)
			}
		}
	}
	return moved, nil
}

// readInputs pairs the parents with what they must be and reads them.
func (r *Reader) readInputs(s *step) error {
	rest := s.parents[1:]
	want := len(s.moved)
	if s.is.Meta != s.base.Meta {
		want++
	}
	if s.is.Merged != "" {
		want++
	}
	if len(rest) != want {
		return bad(BadParents)
	}
	if s.is.Meta == "" {
		return bad(NoMeta)
	}
	if s.is.Meta != s.base.Meta && rest[len(s.moved)] != s.is.Meta {
		return bad(BadParents)
	}
	var ok bool
	var err error
	if s.policy, ok, err = r.src.Meta(s.is.Meta, s.base.Meta); err != nil {
		return err
	} else if !ok {
		return bad(MetaBack)
	}
	if s.is.Merged != "" {
		if rest[want-1] != s.is.Merged {
			return bad(BadParents)
		}
		if s.lost, err = r.lost(s.parents[0], s.is.Merged); err != nil {
			return err
		}
		if s.is.Sequence != max(s.base.Sequence+s.since, s.lost.Sequence)+1 {
			return bad(BadSequence)
		}
	}
	for i, agent := range slices.Sorted(maps.Keys(s.moved)) {
		if err := r.readLog(s, rest[i], agent); err != nil {
			return err
		}
	}
	return nil
}

// readLog reads the lines by which one agent's position moved.
func (r *Reader) readLog(s *step, tip, agent string) error {
	from, to := s.base.Position(agent), s.moved[agent]
	var lost Position
	if s.lost != nil {
		lost = s.lost.Ledger.Position(agent)
	}
	covers, err := s.policy.Covers(tip, agent, from)
	if err != nil {
		return err
	}
	var limit uint64
	holds, holdsLost := false, false
	err = r.eachLine(tip, agent, from, max(to.Seq, lost.Seq), func(at Position, e *event.Envelope) {
		covers.Feed(e)
		if at.Seq <= to.Seq {
			s.see(e)
		}
		if at == to {
			holds, limit = true, covers.UpTo()
		}
		holdsLost = holdsLost || at == lost
	})
	if err != nil {
		return err
	}
	if !holds {
		return bad(NotInParent)
	}
	if holdsLost {
		if to.Seq < min(lost.Seq, covers.UpTo()) {
			return bad(PositionBack)
		}
		s.lost.Over[agent] = lost.Seq
	}
	if limit < to.Seq {
		return bad(NotCovered)
	}
	return nil
}

// eachLine calls do for the lines of a log after a position, each with its own. They are not
// held: a step may cover very many, and most are comments.
func (r *Reader) eachLine(tip, agent string, from Position, upTo uint64, do func(at Position, e *event.Envelope)) error {
	for e, err := range r.src.Lines(tip, agent, from, upTo) {
		if err != nil {
			return err
		}
		next, ok := from.advance(e, agent)
		if !ok {
			return nil
		}
		from = next
		do(from, e)
	}
	return nil
}

// see keeps what a line that a step newly covers says to Decide.
func (s *step) see(e *event.Envelope) {
	if f := See(e); f.kind != invisible {
		s.facts = append(s.facts, f)
	}
}

// compare says whether the step's tree is that of the ledger it should be.
func (s *step) compare(want *Ledger) error {
	if !bytes.Equal(s.files[statePath], want.state()) {
		return bad(s.difference(want))
	}
	n, why := 1, ""
	want.each(nil, func(path string, data []byte) {
		n++
		if why != "" || bytes.Equal(s.files[path], data) {
			return
		}
		// state.json agrees, so a file is not what its own state.json says.
		why = Malformed
		if strings.HasPrefix(path, "numbers/") {
			why = BadNumbers
		}
	})
	if why == "" && n != len(s.files) {
		why = Malformed
	}
	if why != "" {
		return bad(why)
	}
	return nil
}

// difference names the first thing that state.json has wrong.
func (s *step) difference(want *Ledger) string {
	is, h := s.is, s.head
	base := ""
	if want.base != nil {
		base = want.base.hash
	}
	switch {
	case is.Merged != want.Merged:
		return BadMerge
	case is.Meta != want.Meta:
		return NoMeta
	case h.base != base:
		return BadBase
	case h.issueLast != want.issues.last || h.issueHash != want.issues.hash.String(),
		h.milestoneLast != want.milestones.last || h.milestoneHash != want.milestones.hash.String():
		return BadNumbers
	case !maps.Equal(is.Locks, want.Locks):
		return BadLocks
	case !maps.EqualFunc(is.Queue, want.Queue, func(a, b []Waiter) bool { return slices.Equal(a, b) }):
		return BadQueue
	case !maps.Equal(is.IssueAliases, want.IssueAliases) || !maps.Equal(is.MilestoneAliases, want.MilestoneAliases):
		return BadAliases
	case h.positions != want.positions.hash:
		return BadPositions
	}
	return NotReproduced
}
