package transfer

import (
	"cmp"
	"context"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/importer"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Founder makes a tracker.
type Founder interface {
	Tracker
	Init(context.Context, tracker.InitOptions) (*tracker.InitReport, error)
}

// Found makes a tracker that starts from a source: numbers, authors and times are
// those of the source. source is the id of the blob that is read; open opens who
// writes what a tracker cannot start from. It may be called again after a crash.
func Found(ctx context.Context, t Founder, source string, open func() (Writer, error), r Request) (*Report, error) {
	start := &importer.Start{Names: r.Names, Now: r.Now, Report: &importer.Report{}}
	reader := &moving{Request: r, rep: &Report{}, seen: map[event.UUID]bool{}, above: forest{}, start: start}
	if err := r.Read(&importer.Sink{Report: &reader.rep.Report, Issue: reader.issue, Milestone: start.Milestone}); err != nil {
		return reader.rep, err
	}
	reader.waits.warn(&reader.rep.Report)
	for _, w := range start.Report.Warnings {
		reader.rep.Warn(w)
	}
	reader.rep.New = reader.moved
	from := &ledger.Base{Source: source, Base: start.Base()}
	data, err := ledger.EncodeBase(from)
	if err == nil && len(data) > r.largest() {
		err = importer.TooLarge(r.Names.System)
	}
	if err != nil || r.DryRun {
		return reader.rep, err
	}
	made, err := t.Init(ctx, tracker.InitOptions{From: from, Source: r.Names.System + ":" + r.Names.Scope})
	if err != nil {
		return reader.rep, err
	}
	rep, err := Import(ctx, t, open, r)
	if made.Created { // what was written after it belongs to the making
		rep.New, rep.Changed, rep.Unchanged = rep.New+rep.Changed+rep.Unchanged, 0, 0
	}
	if err == nil {
		err = touch(ctx, late{t, r.How, open}, r, rep)
	}
	for _, w := range start.Report.Warnings {
		rep.Warn(w)
	}
	return rep, err
}

// largest is how long the base of a tracker may be, in bytes.
func (r *Request) largest() int { return cmp.Or(r.MaxBase, ledger.MaxBase) }

// touch gives back the times of the last change to issues that another issue's line
// has touched, and milestones the dates by which they are due.
func touch(ctx context.Context, w Writer, r Request, rep *Report) error {
	updated, due := map[event.UUID]event.Time{}, map[event.UUID]event.Time{}
	err := r.Read(&importer.Sink{
		Report: &importer.Report{},
		Issue: func(i *importer.Issue) error {
			i.FitBase(r.Now, &importer.Report{})
			if i.Updated > 0 {
				updated[r.Names.Issue(i.Key)] = i.Updated
			}
			return nil
		},
		Milestone: func(m *importer.Milestone) error {
			due[r.Names.Milestone(m.Key)] = m.Due
			return nil
		},
	})
	if err != nil {
		return err
	}
	build := func(p tracker.Projection) (bodies []event.Body, err error) {
		all, err := p.Milestones()
		if err != nil {
			return nil, err
		}
		for _, m := range all {
			if at := due[m.UUID]; at != m.DueAt && at > 0 {
				bodies = append(bodies, &event.MilestoneUpdated{UUID: m.UUID, DueAt: &at})
			}
		}
		rows, _, err := p.List(store.Filter{Status: "all"})
		if err != nil {
			return nil, err
		}
		ours := importersOf(p, r.Names)
		for _, i := range rows {
			at := updated[i.UUID]
			if at == 0 || at == i.UpdatedAt {
				continue
			}
			lines, err := p.History(i.UUID)
			if err != nil {
				return nil, err
			}
			if !slices.ContainsFunc(lines, func(e *event.Envelope) bool { return !ours[e.Agent] }) {
				bodies = append(bodies, event.At(&event.IssueUpdated{UUID: i.UUID, Priority: &i.Priority}, at))
			}
		}
		if len(bodies) > 0 {
			bodies = append(bodies, &event.AgentIntroduced{Kind: event.Machine, Description: r.Names.Description()})
		}
		return bodies, nil
	}
	agent, events, err := w.EmitEach(ctx, slices.Values([]tracker.Build{build}))
	if rep.Events += events; events > 0 {
		rep.Agent = agent
	}
	return err
}
