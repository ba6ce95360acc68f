// Package transfer brings what importer reads into a tracker. It conducts: what
// is new is created, what changed is merged, and all is written by an agent of
// its own, in commits that a kill between them leaves whole.
package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/importer"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Tracker is what an import reads.
type Tracker interface {
	Read(context.Context, tracker.Freshness) (tracker.Projection, error)
	Decisions(context.Context) (tracker.Decisions, error)
}

// Writer is the session of the agent that writes an import.
type Writer interface {
	EmitEach(context.Context, iter.Seq[tracker.Build]) (agent string, events int, err error)
}

// Request says what is imported, and how.
type Request struct {
	Read   func(*importer.Sink) error // reads the source, from its start
	Names  importer.Names
	Now    event.Time
	Source bool // what the source says wins over what people changed here
	DryRun bool // write nothing, and report the same

	MaxBase int // how long the base of a new tracker may be, in bytes; 0 is ledger.MaxBase
	How     tracker.Freshness
	Since   event.Time // leave out issues that the source has not changed since; 0 is none
	Batch   int        // issues in one commit; 0 is DefaultBatch

	Progress func(issues int) // told after each commit; may be nil
}

// maxBatch is how many bytes of issues end a batch.
const maxBatch = 8 << 20

// DefaultBatch is how many issues one commit holds.
const DefaultBatch = 500

// Report accounts for every row of the source:
// Read = New + Changed + Unchanged + the sum of Skipped.
type Report struct {
	importer.Report
	New       int
	Changed   int
	Unchanged int
	Conflicts []importer.Conflict
	Events    int    // written, or to be written in a dry run
	Agent     string // who wrote; "" if nothing was
}

// Reasons to leave an issue out that only the tracker knows.
const (
	deletedHere = "deleted-here"
	older       = "older"
	repeated    = "repeated"
)

// Import brings a source into the tracker. open opens who writes; it is called if there is
// something to write. Import may be called again after a crash, and for a newer dump: objects
// that exist already are not written twice.
func Import(ctx context.Context, t Tracker, open func() (Writer, error), r Request) (*Report, error) {
	if r.Batch <= 0 {
		r.Batch = DefaultBatch
	}
	if r.DryRun {
		open = nil
	}
	m := &moving{Request: r, rep: &Report{}, seen: map[event.UUID]bool{}, above: forest{}}
	if err := m.recall(ctx, t); err != nil {
		return m.rep, err
	}
	err := m.write(ctx, late{t, r.How, open})
	m.waits.warn(&m.rep.Report)
	return m.rep, err
}

// errStopped ends the reading of a source whose issues cannot be written.
var errStopped = errors.New("nothing more is written")

// write reads the source and writes a commit for each batch of it.
func (m *moving) write(ctx context.Context, w Writer) (err error) {
	agent, events, werr := w.EmitEach(ctx, func(yield func(tracker.Build) bool) {
		m.commit = yield
		if err = m.Read(&importer.Sink{Report: &m.rep.Report, Issue: m.issue, Milestone: m.milestone}); err == nil {
			err = m.flush()
		}
	})
	if events > 0 {
		m.rep.Agent = agent
	}
	if err == nil || errors.Is(err, errStopped) {
		err = werr
	}
	return err
}

type moving struct {
	Request
	batch
	rep     *Report
	moved   int
	commit  func(tracker.Build) bool        // writes one; false: it could not
	seen    map[event.UUID]bool             // issues of the source so far, and what its commits hold besides
	based   map[event.UUID]*event.BaseIssue // what the tracker started from
	related map[event.UUID][]event.UUID     // there, to an issue by others
	founded bool                            // and it was imported
	start   *importer.Start                 // takes what is read, if the tracker is to start from it
	above   forest
	waits   graph
	names   map[event.UUID]string // of the milestones that are here
	named   map[string]event.UUID // those that the source knows by their names only
}

// batch is what the next commit is made of.
type batch struct {
	milestones []*importer.Milestone
	issues     []*importer.Issue
	size       int // of these issues, about
}

func (m *moving) milestone(one *importer.Milestone) error {
	m.milestones = append(m.milestones, one)
	return nil
}

func (m *moving) issue(i *importer.Issue) error {
	m.acyclic(i)
	if m.Since > 0 && i.Updated > 0 && i.Updated < m.Since {
		m.skip(older)
		return nil
	}
	if u := m.Names.Issue(i.Key); m.seen[u] {
		m.skip(repeated)
		m.rep.Warn(importer.Warning{Line: i.Line, Key: i.Key, Name: repeated, Text: "there is an issue before with this name"})
		return nil
	} else {
		m.seen[u] = true
	}
	if m.start != nil || m.based[m.Names.Issue(i.Key)] != nil {
		i.FitBase(m.Now, &m.rep.Report)
	} else {
		i.Fit(m.Now, &m.rep.Report)
	}
	if m.start != nil {
		m.moved++
		return m.start.Issue(i)
	}
	m.issues, m.size = append(m.issues, i), m.size+i.Size()
	if len(m.issues) < m.Batch && m.size < maxBatch {
		return nil
	}
	return m.flush()
}

func (m *moving) skip(reason string) {
	if m.rep.Skipped == nil {
		m.rep.Skipped = map[string]int{}
	}
	m.rep.Skipped[reason]++
}

// flush writes what was collected as one commit.
func (m *moving) flush() error {
	if len(m.issues) == 0 && len(m.milestones) == 0 {
		return nil
	}
	var done tally
	if !m.commit(func(p tracker.Projection) (bodies []event.Body, err error) {
		bodies, done, err = m.compose(p)
		return bodies, err
	}) {
		return errStopped
	}
	maps.Copy(m.seen, done.made)
	m.rep.New += done.created
	m.rep.Changed += done.changed
	m.rep.Unchanged += done.unchanged
	m.rep.Events += done.events
	m.rep.Conflicts = append(m.rep.Conflicts, done.conflicts...)
	for range done.deleted {
		m.skip(deletedHere)
	}
	for _, w := range done.warnings {
		m.rep.Warn(w)
	}
	m.moved += len(m.issues)
	m.batch = batch{}
	if m.Progress != nil {
		m.Progress(m.moved)
	}
	return nil
}

// tally is the outcome of one commit.
type tally struct {
	created, changed, unchanged, deleted, events int
	conflicts                                    []importer.Conflict
	warnings                                     []importer.Warning
	made                                         map[event.UUID]bool // comments, time entries and milestones
}

// refused says why an event of a source cannot be written: it breaks a rule of
// events, or names a comment that is already there, even if it is on another issue.
func (m *moving) refused(p tracker.Projection, made map[event.UUID]bool, b event.Body) error {
	if err := event.Check(b); err != nil {
		return err
	}
	var u event.UUID
	switch b := b.(type) {
	case *event.CommentAdded:
		u = b.Comment
	case *event.TimeEntryAdded:
		u = b.Entry
	}
	if u != (event.UUID{}) {
		if made[u] || m.seen[u] {
			return errors.New("the source names it twice")
		}
		made[u] = true
	}
	return p.Check("", b)
}

// compose returns the events of one commit, given the state of this tracker.
func (m *moving) compose(p tracker.Projection) (bodies []event.Body, done tally, err error) {
	done.made = map[event.UUID]bool{}
	say := func(i *importer.Issue, lines []importer.Line) {
		for _, l := range lines {
			if err := m.refused(p, done.made, l.Body); err != nil {
				done.warnings = append(done.warnings, importer.Warning{Line: i.Line, Key: i.Key, Name: "refused", Text: l.Body.Type() + " is left out: " + err.Error()})
				continue
			}
			bodies = append(bodies, event.At(l.Body, l.Wall))
		}
	}
	known, err := p.Milestones()
	if err != nil {
		return nil, done, err
	}
	m.names = map[event.UUID]string{}
	named := map[string]event.UUID{}
	for _, k := range known {
		m.names[k.UUID], named[k.Name] = k.Name, k.UUID
	}
	for _, one := range m.milestones {
		u := m.Names.Milestone(one.Key)
		_, here := m.names[u]
		switch same, ok := named[one.Name]; {
		case here || m.seen[u]:
		case ok && one.Key == one.Name: // the source knows it by its name only
			m.called(one.Key, same)
		default:
			done.made[u] = true
			say(&importer.Issue{Key: one.Key}, m.Names.Founding(one))
		}
	}
	importers := importersOf(p, m.Names)
	for _, i := range m.issues {
		u := m.Names.Issue(i.Key)
		_, err := p.Resolve(u.String())
		var missing *store.NotFoundError
		switch {
		case errors.As(err, &missing) && missing.Deleted != "":
			done.deleted++
			continue
		case errors.As(err, &missing):
			m.join(i, event.UUID{})
			say(i, m.Names.Create(i))
			done.created++
			continue
		case err != nil:
			return nil, done, fmt.Errorf("look for '%s': %w", i.Key, err)
		}
		lines, err := p.History(u)
		if err != nil {
			return nil, done, fmt.Errorf("read what is known of '%s': %w", i.Key, err)
		}
		change, conflicts := m.update(importers, i, u, lines)
		say(i, change)
		done.conflicts = append(done.conflicts, conflicts...)
		if done.unchanged++; len(change) > 0 {
			done.unchanged--
			done.changed++
		}
	}
	if len(bodies) > 0 { // said now: it is the agent's last heartbeat, and later how the scope's agents are known
		bodies = append(bodies, &event.AgentIntroduced{Kind: event.Machine, Description: m.Names.Description()})
	}
	done.events = len(bodies)
	return bodies, done, nil
}

// join gives an issue the milestone that is here under the name that the source says.
// Of several with one name it is the one that the issue has.
func (m *moving) join(i *importer.Issue, has event.UUID) {
	same, ok := m.named[i.Milestone]
	if !ok {
		return
	}
	if m.names[has] == i.Milestone {
		same = has
	}
	i.Milestone = importer.OwnKey(same)
}

// called records that a milestone of the source is one of this tracker's.
func (m *moving) called(key string, u event.UUID) {
	if m.named == nil {
		m.named = map[string]event.UUID{}
	}
	m.named[key] = u
}

// update merges the source's version of an issue into the tracker's.
func (m *moving) update(importers map[string]bool, i *importer.Issue, u event.UUID, lines []*event.Envelope) ([]importer.Line, []importer.Conflict) {
	ours, base, theirs := reducer.New(), reducer.New(), reducer.New()
	if b := m.based[u]; b != nil {
		both := *b
		both.Related = slices.Concat(b.Related, m.related[u])
		ours.ApplyBase(&event.Base{Issues: []event.BaseIssue{both}})
		if m.founded && (m.Names.System == importer.Own || !importer.IsOwn(i.Key)) {
			held := *b
			if m.Names.System == importer.Own {
				held.Related = slices.DeleteFunc(slices.Clone(both.Related), func(other event.UUID) bool { return !m.holds(u, event.Related, u, other) })
			}
			base.ApplyBase(&event.Base{Issues: []event.BaseIssue{held}})
		}
	}
	for _, e := range lines {
		ours.Apply(e)
		if importers[e.Agent] && !m.saidByOther(e.Body, u) {
			base.Apply(e)
		}
	}
	m.join(i, ours.OwnIssue(u).Milestone)
	if m.based[u] != nil {
		said := m.Names.Base(i, m.Now) // texts may be longer than a line can hold
		said.CreatedAt, said.Comments, said.Time = 1, nil, nil
		theirs.ApplyBase(&event.Base{Issues: []event.BaseIssue{said}})
	}
	i.Comments = slices.DeleteFunc(i.Comments, func(c importer.Comment) bool { return ownComment(ours, u, c.Key).Deleted })
	for n, c := range i.Comments { // an export names them by their uuids
		if own := ownComment(ours, u, c.Key); own.Added {
			i.Comments[n].Key = importer.OwnKey(own.Comment.UUID)
		}
	}
	added := map[event.UUID]importer.Line{}
	for n, l := range m.Names.Create(i) {
		if c, ok := l.Body.(*event.CommentAdded); ok {
			added[c.Comment] = l
		}
		e := &event.Envelope{V: 4, Hub: event.UUID{15: 1}.String(), Agent: "importer", Seq: uint64(n + 1), Time: event.Time(n + 1), Body: l.Body}
		if n > 0 {
			e.Prev = event.Hash(nil)
		}
		if _, err := event.Encode(e); err == nil { // a line that cannot be written says nothing
			theirs.Apply(e)
		}
	}
	bodies, conflicts := importer.Update(sideOf(base, u), sideOf(ours, u), sideOf(theirs, u), m.Source)
	bodies = slices.DeleteFunc(bodies, func(b event.Body) bool {
		switch b := b.(type) {
		case *event.RelationRemoved:
			return i.Guessed
		case *event.LinkRemoved: // an export names no origin, and a table no links
			return importer.IsOwn(i.Key) && (b.Kind == event.LinkOrigin || m.Names.System == "csv")
		}
		return false
	})
	change := make([]importer.Line, len(bodies))
	for n, b := range bodies {
		change[n] = importer.Line{Body: b, Wall: i.Updated}
		if c, ok := b.(*event.CommentAdded); ok { // as whoever creates the issue writes it
			change[n] = added[c.Comment]
		}
		if c, ok := b.(*event.StatusChanged); ok && c.NewStatus != event.Open { // theirs has no clock
			c.ClosedAt = i.ClosedAt
		}
	}
	return change, conflicts
}

// ownComment returns the comment of an issue whose uuid is a key, if there is one.
func ownComment(s *reducer.State, issue event.UUID, key string) reducer.OwnComment {
	if u, ok := event.ParseUUID(key); ok {
		if own := s.OwnComment(u); own.Issue == issue {
			return own
		}
	}
	return reducer.OwnComment{}
}

// recall reads what the tracker started from.
func (m *moving) recall(ctx context.Context, t Tracker) error {
	decided, err := t.Decisions(ctx)
	if err != nil || decided.Ledger == nil || decided.Ledger.Base() == nil {
		return err
	}
	b := decided.Ledger.Base()
	m.based, m.founded = make(map[event.UUID]*event.BaseIssue, len(b.Issues)), b.HubVersion == 0
	m.related = map[event.UUID][]event.UUID{}
	for n := range b.Issues {
		i := &b.Issues[n]
		m.based[i.UUID] = i
		for _, other := range i.Related {
			m.related[other] = append(m.related[other], i.UUID)
		}
	}
	return nil
}

// saidByOther reports a relation that an importer wrote for the other issue: a
// source that does not hold it for this one has not ended it.
func (m *moving) saidByOther(b event.Body, u event.UUID) bool {
	switch b := b.(type) {
	case *event.RelationAdded:
		return !m.holds(u, b.Kind, b.A, b.B)
	case *event.RelationRemoved:
		return !m.holds(u, b.Kind, b.A, b.B)
	}
	return false
}

// holds says whether the source holds a relation in the row of u: it is its first
// issue. In an export of ours the smaller uuid holds one that has no direction.
func (m *moving) holds(u event.UUID, kind event.RelationKind, x, y event.UUID) bool {
	if m.Names.System == importer.Own && kind == event.Related && bytes.Compare(x[:], y[:]) > 0 {
		x = y
	}
	return x == u
}

// sideOf is an issue as a set of lines has it.
func sideOf(s *reducer.State, u event.UUID) *importer.Side {
	side := &importer.Side{OwnIssue: s.OwnIssue(u), Comments: map[event.UUID]string{}}
	for _, id := range s.Objects().Comments {
		if c := s.OwnComment(id); c.Added && !c.Deleted && c.Issue == u {
			side.Comments[id] = c.Comment.Content
			side.Issue.Comments = append(side.Issue.Comments, c.Comment)
		}
	}
	return side
}

// importersOf are the agents that import from a scope, of all clones.
func importersOf(p tracker.Projection, n importer.Names) map[string]bool {
	all := map[string]bool{}
	for _, a := range p.Agents() {
		if a.Description == n.Description() {
			all[a.ID] = true
		}
	}
	return all
}
