package timing

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

func newTimeCommand(e *command.Env) *urfave.Command {
	return &urfave.Command{
		Name: "time", Category: frame.GroupMilestones, HideHelp: true,
		Usage: "record time spent on issues, and report totals",
		UsageText: `git crosslink time add [<options>] <id> <duration>
git crosslink time list [<options>] [<id>]
git crosslink time report [<options>]
git crosslink time delete [<options>] <entry>…`,
		Description: `A time entry records time that an agent spent on an issue.

Examples:
  git crosslink time add 12 1h30m
  git crosslink time report --group milestone`,
		Subcommands: []*urfave.Command{newTimeAdd(e), newTimeList(e), newTimeReport(e), newTimeDelete(e)},
	}
}

func newTimeAdd(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "add", Usage: "record time spent on an issue",
		UsageText: "git crosslink time add [<options>] <id> <duration>",
		Description: `Records time that you spent on an issue, and prints the short uuid of the entry. A
duration has the form 1h30m, 90m or 45s. The time ends now, unless --at gives its
start. To correct an entry, delete it ('time delete') and add it again.

Examples:
  git crosslink time add 12 1h30m
  git crosslink time add 12 2h --at 2026-03-01`,
		Flags: append([]urfave.Flag{&urfave.StringFlag{Name: "at", Usage: "the time started at `DATE`"}}, command.WriteFlags()...),
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 2, 2, "the id of an issue and a duration")
		if err != nil {
			return err
		}
		seconds, err := frame.ParseDuration(args[1])
		if err != nil {
			return err
		}
		start := event.TimeOf(e.Now()) - event.Time(seconds)*1e9
		if u.IsSet("at") {
			if start, err = frame.ParseDate("--at", u.String("at"), frame.DayStart, e.Now()); err != nil {
				return err
			}
			if start == 0 {
				return frame.Misuse("'--at' needs a date")
			}
		}
		emit, err := e.EmitOptions(u)
		if err != nil {
			return err
		}
		repo, err := e.Repository(u.Context)
		if err != nil {
			return err
		}
		entry := repo.MintUUID()
		r, err := e.Emit(u.Context, emit, func(_ *command.Repository, p tracker.Projection) ([]event.Body, error) {
			i, err := verb.Resolve(p, args[0])
			if err != nil {
				return nil, err
			}
			return []event.Body{&event.TimeEntryAdded{Issue: i.UUID, Entry: entry, StartedAt: start, EndedAt: start + event.Time(seconds)*1e9, DurationSeconds: &seconds}}, nil
		})
		if err != nil {
			return err
		}
		a, err := timeResult(e, r, emit, []event.UUID{entry}, "recorded %s on %s")
		if err != nil {
			return err
		}
		return e.Print(u.Context, *a)
	})
}

// timeResult is the answer of a write to time entries; said is printed with the time and
// issue of each.
func timeResult(e *command.Env, r *tracker.Receipt, emit tracker.EmitOptions, us []event.UUID, said string) (*frame.Result, error) {
	all, err := r.View.Time(store.TimeFilter{Deleted: true})
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(t store.Entry) bool { return !slices.Contains(us, t.UUID) })
	rows, err := answer.New(r.View).TimeRows(all)
	if err != nil {
		return nil, err
	}
	a := &frame.Result{Data: answer.TimeWrite{Write: answer.WriteOf(r), Entries: rows}, Failure: command.Unconfirmed(r, emit)}
	for k, x := range rows {
		a.IDs = append(a.IDs, x.Short)
		if i, err := r.View.Row(all[k].Issue); err == nil {
			e.Progress(said, frame.Duration(x.Spent), command.Named(i))
		}
	}
	return a, nil
}

func newTimeDelete(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "delete", Usage: "delete time entries permanently",
		UsageText: "git crosslink time delete [<options>] <entry>…",
		Description: `Hides time entries everywhere and permanently, all or none, without asking. Name the
entries by their short uuids (see 'time list'). Deleting an entry twice is not an
error.

Examples:
  git crosslink time delete 3f9a1c2`,
		Flags: command.WriteFlags(),
	}, func(u *urfave.Context) error {
		ids, err := frame.Arguments(u, 1, -1, "the short uuid of a time entry")
		if err != nil {
			return err
		}
		emit, err := e.EmitOptions(u)
		if err != nil {
			return err
		}
		var us []event.UUID
		r, err := e.Emit(u.Context, emit, func(_ *command.Repository, p tracker.Projection) (bodies []event.Body, err error) {
			found, err := verb.ResolveEntries(p, ids)
			us = nil
			for _, t := range found {
				if us = append(us, t.UUID); !t.Deleted {
					bodies = append(bodies, &event.TimeEntryDeleted{Entry: t.UUID})
				}
			}
			return bodies, err
		})
		if err != nil {
			return err
		}
		said := "deleted %s on %s"
		if len(r.Lines) == 0 {
			said = "already deleted: %s on %s"
		}
		a, err := timeResult(e, r, emit, us, said)
		if err != nil {
			return err
		}
		return e.Print(u.Context, *a)
	})
}

func timeFilterFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "by", Usage: "only time of `WHO`: a name, id or principal; @me is you, @this this agent"},
		&urfave.StringFlag{Name: "since", Usage: "only time that started on or after `DATE`"},
		&urfave.StringFlag{Name: "until", Usage: "only time that started on or before `DATE`"},
	}
}

func timeFilterOf(u *urfave.Context, e *command.Env) (f store.TimeFilter, err error) {
	if by := u.String("by"); by != "" {
		f.By = []string{by} // readTime resolves the name
	}
	if f.Since, err = command.DateOf(u, e, "since", frame.DayStart); err != nil {
		return f, err
	}
	if f.Until, err = command.DateOf(u, e, "until", frame.DayEnd); err == nil && f.Until != 0 {
		f.Until++ // it is exclusive
	}
	return f, err
}

// readTime reads the entries that a filter matches.
func readTime(ctx context.Context, e *command.Env, id string, f store.TimeFilter, use func(p tracker.Projection, all []store.Entry) error) error {
	return e.Read(ctx, tracker.Here, func(repo *command.Repository, p tracker.Projection) error {
		if id != "" {
			i, err := verb.Resolve(p, id)
			if err != nil {
				return err
			}
			f.Issue = i.UUID
		}
		g := f
		if len(f.By) > 0 {
			var err error
			if g.By, err = command.Whose(ctx, repo, p, f.By[0]); err != nil {
				return err
			}
		}
		all, err := p.Time(g)
		if err != nil {
			return err
		}
		return use(p, all)
	})
}

func newTimeList(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "list", Aliases: []string{"ls"}, Usage: "list time entries",
		UsageText: "git crosslink time list [<options>] [<id>]",
		Description: `Lists the time entries of all issues, or of one issue. In a pipe the fields are short uuid,
issue, agent, start, seconds and title.

Examples:
  git crosslink time list 12
  git crosslink time list --by @me --since 2026-03-01`,
		Flags: append(timeFilterFlags(), frame.ListFlags()...),
	}, func(u *urfave.Context) error {
		if _, err := frame.Arguments(u, 0, 1, "at most one id of an issue"); err != nil {
			return err
		}
		l, err := frame.ListOf[answer.TimeRow](u, e.Terminal)
		if err != nil {
			return err
		}
		f, err := timeFilterOf(u, e)
		if err != nil {
			return err
		}
		var all []store.Entry
		var rows []answer.TimeRow
		var names *people.Names
		err = readTime(u.Context, e, u.Args().First(), f, func(p tracker.Projection, some []store.Entry) (err error) {
			s := answer.New(p)
			all, names = some, s.Names
			rows, err = s.TimeRows(some)
			return err
		})
		if err != nil {
			return err
		}
		a, err := frame.ResultOf(l, "time entry", rows, func(_ int, x *answer.TimeRow) frame.ListRow {
			return frame.ListRow{Key: x.UUID, ID: x.Short, Fields: []string{x.Short, x.UUID, x.Issue.Name(), x.By, x.StartedAt,
				answer.OrEmpty(x.EndedAt), strconv.FormatUint(x.Spent, 10)}}
		}, func(pg *frame.Page, from, to int) { timeTable(e, pg, names, all[from:to], rows[from:to]) })
		if err != nil {
			return err
		}
		return e.Print(u.Context, a)
	})
}

func timeTable(e *command.Env, pg *frame.Page, names *people.Names, all []store.Entry, rows []answer.TimeRow) {
	t := &frame.Table{Header: []string{"entry", "issue", "agent", "started", "time", "title"}, Flex: 5, Shrink: []int{2}, Drop: []int{0, 3, 2}}
	for k, x := range rows {
		by, started, spent, title := x.By, all[k].StartedAt.Std().Format(time.RFC3339), strconv.FormatUint(x.Spent, 10), ""
		if pg.Width > 0 {
			by, started, spent = names.Brief(by), e.Date(all[k].StartedAt), frame.Duration(x.Spent)
		}
		if x.Issue != nil {
			title = x.Issue.Title
		}
		t.Add(frame.ID.Cell(x.Short), frame.ID.Cell(x.Issue.Name()), frame.Agent.Cell(by), frame.Time.Cell(started), frame.Plain.Cell(spent), frame.Plain.Cell(title))
	}
	t.Write(pg)
}

var timeGroups = []string{"issue", "agent", "milestone", "day"}

func newTimeReport(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "report", Usage: "report the time spent",
		UsageText: "git crosslink time report [<options>]",
		Description: `Sums up the time entries by issue, agent, milestone or day. The group with the most
time comes first; days are in their order. If entries of one agent overlap, all of
them count, and a warning is printed. In a pipe the fields are the group, entries,
seconds and, for issues, the title.

Examples:
  git crosslink time report
  git crosslink time report --group day --by @me --since 2026-03-01`,
		Flags: slices.Concat([]urfave.Flag{&urfave.StringFlag{Name: "group", Usage: "sum up by issue, agent, milestone or day", Value: "issue"}}, timeFilterFlags(), frame.ListFlags()),
	}, func(u *urfave.Context) error {
		forms, err := frame.ListAlone[answer.TimeGroup](u, e.Terminal)
		if err != nil {
			return err
		}
		group, err := frame.OneOf(u, "group", timeGroups)
		if err != nil {
			return err
		}
		f, err := timeFilterOf(u, e)
		if err != nil {
			return err
		}
		return runTimeReport(u.Context, group, f, forms, e)
	})
}

func runTimeReport(ctx context.Context, group string, f store.TimeFilter, l frame.List, e *command.Env) error {
	groups := []answer.TimeGroup{}
	overlap := false
	err := readTime(ctx, e, "", f, func(p tracker.Projection, all []store.Entry) (err error) {
		overlap = verb.Overlap(all)
		groups, err = grouped(e, p, group, all)
		return err
	})
	if err != nil {
		return err
	}
	if overlap {
		e.Warn("overlap", "some entries of one agent overlap; all of them are counted")
	}
	a, err := frame.ResultOf(l, "group", groups, func(_ int, g *answer.TimeGroup) frame.ListRow {
		return frame.ListRow{Key: g.Group, ID: g.Group, Fields: []string{g.Group, strconv.Itoa(g.Entries), strconv.FormatUint(g.Seconds, 10),
			answer.OrEmpty(g.FirstLocked), answer.OrEmpty(g.ClosedAt)}}
	}, func(pg *frame.Page, from, to int) { groupTable(pg, group, groups[from:to]) })
	if err != nil {
		return err
	}
	return e.Print(ctx, a)
}

func groupTable(pg *frame.Page, group string, groups []answer.TimeGroup) {
	t := &frame.Table{Header: []string{group, "entries", "time", ""}, Flex: 3}
	for _, g := range groups {
		spent, title := strconv.FormatUint(g.Seconds, 10), ""
		if pg.Width > 0 {
			spent = frame.Duration(g.Seconds)
		}
		if g.Issue != nil {
			title = g.Issue.Title
		}
		t.Add(frame.ID.Cell(g.Group), frame.Plain.Cell(strconv.Itoa(g.Entries)), frame.Plain.Cell(spent), frame.Plain.Cell(title))
	}
	t.Write(pg)
}

// grouped sums up entries by group.
func grouped(e *command.Env, p tracker.Projection, by string, all []store.Entry) ([]answer.TimeGroup, error) {
	s := answer.New(p)
	groups, at := []answer.TimeGroup{}, map[string]int{}
	for k := range all {
		t := &all[k]
		i, err := p.Row(t.Issue)
		if err != nil {
			return nil, err
		}
		name := i.Name()
		switch by {
		case "agent":
			name = t.By
		case "milestone":
			name = s.MilestoneName(i.Milestone)
		case "day":
			name = t.StartedAt.Std().In(e.Now().Location()).Format("2006-01-02")
		}
		n, there := at[name]
		if !there {
			n = len(groups)
			at[name] = n
			g := answer.TimeGroup{Group: name}
			if by == "issue" {
				g.Issue, g.ClosedAt = s.Ref(t.Issue), answer.TimeOrNull(i.ClosedAt)
				lines, err := p.History(t.Issue)
				if err != nil {
					return nil, err
				}
				g.FirstLocked = firstLocked(lines)
				held := verb.HeldSeconds(lines, event.TimeOf(e.Now()))
				g.Held = &held
			}
			groups = append(groups, g)
		}
		groups[n].Entries++
		groups[n].Seconds += t.Seconds()
	}
	slices.SortStableFunc(groups, func(a, b answer.TimeGroup) int {
		if by == "day" {
			return cmp.Compare(a.Group, b.Group)
		}
		return cmp.Compare(b.Seconds, a.Seconds)
	})
	return groups, nil
}

// firstLocked returns when an issue was first claimed.
func firstLocked(lines []*event.Envelope) *string {
	for _, l := range lines {
		if _, claim := l.Body.(*event.LockClaimed); claim {
			return answer.TimeOrNull(l.Shown())
		}
	}
	return nil
}
