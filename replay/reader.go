package replay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Reader reads States. It remembers which steps of the ledger it has checked, so a process
// needs only one. It is not safe for concurrent use.
type Reader struct {
	// Note returns an earlier process's verdict on a hub's ledger. A nil function, like
	// the zero value, means that there is none.
	Note func(hub string) LedgerState

	// MetaNotes returns an earlier process's verdicts on meta tips; nil means none.
	MetaNotes func() []MetaNote

	local refs.Local
	cache *StepFiles

	lines  atomic.Int64 // that were read
	hub    string
	metas  *MetaChain
	steps  *Steps
	ledger *ledger.Reader
	bad    []ledger.Bad // steps that the ledger's reader found bad: it names each once
	found  []ledger.Bad // those that NewBad has not returned
}

// NewReader returns a reader of a replica; cache may be nil.
func NewReader(l refs.Local, cache *StepFiles) *Reader { return &Reader{local: l, cache: cache} }

// Lines returns how many lines of logs were read so far, including repeated reads.
func (r *Reader) Lines() int64 { return r.lines.Load() }

// GoodLines calls each for the valid lines of tip after chain, in order, until it returns
// false.
func (r *Reader) GoodLines(ctx context.Context, chain event.Chain, tip refs.OID, each func(e *event.Envelope) bool) error {
	return goodLines(ctx, r.local, chain, tip, func(e *event.Envelope) bool {
		r.lines.Add(1)
		return each(e)
	})
}

// ErrLegacy means that the hub has an older format version, which can only be read as a
// whole.
var ErrLegacy = errors.New("the hub is of an older format version")

// Metas returns the Reader's MetaChain, which remembers what it has checked.
func (r *Reader) Metas(ctx context.Context) *MetaChain {
	if r.metas == nil {
		r.metas = NewMetaChain(ctx, r.local)
		if r.MetaNotes != nil {
			r.metas.Recall(r.MetaNotes())
		}
	}
	return r.metas
}

// Judge returns the Reader's reader of a hub's steps and its MetaChain. Both remember what
// they have checked.
func (r *Reader) Judge(ctx context.Context, s *State) (*ledger.Reader, *MetaChain) {
	if r.steps == nil || r.hub != s.Hub {
		r.hub, r.steps, r.bad = s.Hub, NewSteps(ctx, r.local, s.Hub), nil
		r.steps.Cache, r.steps.Metas = r.cache, r.Metas(ctx)
		r.ledger = ledger.NewReader(r.steps, s.Hub)
		if r.Note != nil && s.Hub != "" {
			if was := r.Note(s.Hub); was.Tip != "" {
				r.recall(r.ledger, &State{Hub: s.Hub, Ledger: was})
			}
		}
	}
	if s.Roll != nil && s.MetaCommit != "" {
		r.steps.Metas.AcceptRoll(s.MetaCommit, s.Roll)
	}
	return r.ledger, r.steps.Metas
}

// View returns the decisions of the ledger of a State. With the error ledger.ErrNewer it
// contains the decisions by known rules.
func (r *Reader) View(ctx context.Context, s *State) (ledger.View, error) {
	judge, _ := r.Judge(ctx, s)
	if s.Ledger.Ref == "" || s.Hub == "" {
		return ledger.View{Ledger: ledger.Empty(s.Hub)}, nil
	}
	if s.Ledger.Tip != "" {
		r.recall(judge, s)
	}
	v, err := judge.Read(string(s.Ledger.Ref))
	for _, b := range v.Bad {
		if !slices.Contains(r.bad, b) {
			r.bad, r.found = append(r.bad, b), append(r.found, b)
		}
	}
	if err != nil && !errors.Is(err, ledger.ErrNewer) {
		v = ledger.View{Ledger: ledger.Empty(s.Hub)}
	}
	return v, err
}

// NewBad returns the bad steps found since the last call.
func (r *Reader) NewBad() []ledger.Bad {
	found := r.found
	r.found = nil
	return found
}

// recall tells the ledger's reader what a State has judged. What is wrong with it
// only means that steps are judged again.
func (r *Reader) recall(judge *ledger.Reader, s *State) {
	l := &s.Ledger
	for _, b := range l.Bad {
		if !slices.Contains(r.bad, b) {
			r.bad = append(r.bad, b)
		}
	}
	f := r.local.Format()
	if judge.Knows(l.Tip) || !f.Valid(refs.OID(l.Tip)) {
		return
	}
	if l.Step == "" { // nothing valid so far
		judge.Resume(ledger.View{Tip: l.Tip, Ledger: ledger.Empty(s.Hub), Since: l.Since})
		return
	}
	if !f.Valid(refs.OID(l.Step)) {
		return
	}
	files, whole, err := r.steps.Files(l.Step)
	if err != nil || !whole {
		return
	}
	if was, err := ledger.Recall(files); err == nil {
		judge.Resume(ledger.View{Tip: l.Tip, Step: l.Step, Ledger: was, Since: l.Since})
	}
}

// readLedger judges the steps that are new.
func (a *advance) readLedger() error {
	l := &a.next.Ledger
	here := a.next.Refs[HereRoot+MetaName]
	if l.Ref = a.next.Refs[HubRoot+LedgerName]; l.Ref == "" && (!a.next.Bound || here == "" || here == a.next.Refs[HubRoot+MetaName]) {
		l.Ref = a.next.Refs[HereRoot+LedgerName] // not shared, or not sent yet
	}
	if a.next.Hub == "" {
		l.Ref = ""
	}
	old := &a.from.Ledger
	if a.from.Logs != nil && old.Err == nil && old.Ref == l.Ref {
		*l = *old
		return nil
	}
	a.moved = true
	judge, _ := a.Judge(a.ctx, a.next)
	if a.from.Logs != nil && old.Tip != "" {
		a.recall(judge, a.from)
	}
	v, err := a.View(a.ctx, a.next)
	a.view, l.Err = &v, err
	if err != nil && !errors.Is(err, ledger.ErrNewer) {
		return a.ctx.Err()
	}
	l.Issues, l.Aliases, l.Base = v.Ledger.CountIssues(), v.Ledger.IssueAliases, v.Ledger.BaseHash()
	if b := v.Ledger.Base(); b != nil {
		l.BaseTime = b.Newest()
	}
	if err != nil {
		return nil
	}
	l.Tip, l.Step, l.Since, l.Locks, l.Queue = v.Tip, v.Step, v.Since, v.Ledger.Locks, v.Ledger.Queue
	l.Covers = len(v.Ledger.Positions())
	if old.Tip != "" {
		on, err := judge.Extends(l.Tip, old.Tip)
		if err != nil {
			return err
		}
		a.branched = !on
	}
	return a.readBad()
}

// readBad finds the bad steps below the tip.
func (a *advance) readBad() error {
	l := &a.next.Ledger
	for _, b := range a.bad {
		on, err := a.ledger.Extends(l.Tip, b.ID)
		if err != nil {
			return err
		}
		if on {
			l.Bad = append(l.Bad, b)
		}
	}
	slices.SortStableFunc(l.Bad, func(x, y ledger.Bad) int { return int(x.Sequence) - int(y.Sequence) })
	l.Bad = l.Bad[max(0, len(l.Bad)-MaxBad):]
	return nil
}

// decided is what the ledger of the next State decided.
func (a *advance) decided() *ledger.Ledger {
	if a.view == nil {
		v, err := a.View(a.ctx, a.next)
		if err != nil {
			v = ledger.View{Ledger: ledger.Empty(a.next.Hub)}
		}
		a.view = &v
	}
	return a.view.Ledger
}

// position is how far the ledger covers a log.
func (a *advance) position(agent string) ledger.Position { return a.decided().Position(agent) }

// numbers puts into d the issues whose number changed, and the numbers of milestones.
func (a *advance) numbers(d *delta.Delta) {
	l, old := &a.next.Ledger, &a.from.Ledger
	d.Numbers = map[event.UUID]uint64{}
	if a.from.Logs != nil && old.Ref == l.Ref && old.Err == nil && l.Err == nil {
		return
	}
	n := 0
	if d.Renumbered = a.from.Logs == nil || l.Err != nil || old.Err != nil || a.branched || !maps.Equal(old.Aliases, l.Aliases); !d.Renumbered {
		n = old.Issues
	}
	for _, x := range a.decided().IssuesSince(n) {
		d.Numbers[x.UUID] = x.Number
	}
	d.Milestones = map[event.UUID]uint64{}
	for _, x := range a.decided().Milestones() {
		d.Milestones[x.UUID] = x.Number
	}
}

// readMeta reads which hub this is, and who may write to it.
func (a *advance) readMeta() error {
	s, name := a.next, HubRoot+MetaName
	s.Bound = s.Refs[name] != ""
	if !s.Bound {
		if name = HereRoot + MetaName; s.Refs[name] == "" {
			return nil
		}
	}
	files, err := refs.ReadFiles(a.ctx, a.local, s.Refs[name], MetaLimit)
	if err != nil {
		return fmt.Errorf("read '%s': %w", name, err)
	}
	claim := trust.Claimed(files["hub.json"])
	s.Level = claim.Level
	chain := a.Metas(a.ctx)
	if known := s.Refs[TrustedMeta]; known != "" && s.Bound {
		if err := chain.Accept(known); err != nil {
			return err
		}
	}
	st, err := chain.Tip(s.Refs[name])
	if err == nil && st.Hearsay {
		st, err = chain.At(s.Refs[name])
	}
	switch {
	case err != nil:
		return err
	case st.Roll != nil:
		s.Meta, s.Roll, s.MetaCommit, s.BadMeta = st.Roll.Meta, st.Roll, st.Commit, st.Bad
		s.Level = max(s.Roll.Newer(), FormatVersion)
	case s.Level > FormatVersion:
		s.Meta = &trust.Meta{Version: claim.Level, Hub: claim.Hub, Seq: claim.Seq} // what is needed to show its lines
	case s.Level == FormatVersion:
		return fmt.Errorf("read 'hub.json' of '%s': %w", name, st.Bad.Err)
	case s.Level == 2 || s.Level == 3:
		return ErrLegacy
	}
	if s.Meta != nil {
		s.Hub = s.Meta.Hub
	}
	return nil
}
