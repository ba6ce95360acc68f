package hub

import (
	"context"
	"fmt"
	"strconv"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func newStatusCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "status", Category: frame.GroupHub,
		Usage:     "show the state of the tracker",
		UsageText: "git crosslink status [<options>]",
		Description: `Prints the hub, when it was last contacted, the number of unsent events, open issues
that got a new number because the hub lost the old one, and problems. This command
does not contact the hub. --porcelain prints one key and value on each line.

Examples:
  git crosslink status
  git crosslink status --json`,
		Flags: frame.PorcelainFlags(),
	}, func(u *urfave.Context) error {
		f, err := frame.FormsAlone(u, e.Terminal)
		if err != nil {
			return err
		}
		return runShowStatus(u.Context, f, e)
	})
}

func runShowStatus(ctx context.Context, f frame.Forms, e *command.Env) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	s, err := repo.Status(ctx)
	if err != nil {
		return err
	}
	doc := answer.StatusOf(s, diagnosisShapes(s.Findings))
	a := frame.Result{Data: doc, Page: func(pg *frame.Page) { statusPage(e, pg, s, doc) }}
	if f.ForScripts() {
		a.Records = statusRecords(f, s, doc)
	}
	if err := e.Print(ctx, a); err != nil || f.ForScripts() || len(s.Findings) == 0 {
		return err
	}
	e.ProgressHint("find the cause: git crosslink doctor")
	return nil
}

func statusPage(e *command.Env, pg *frame.Page, s *tracker.Status, doc answer.Status) {
	switch {
	case s.Remote == "":
		pg.Print("hub: none, the repository has no remote\n")
	case !s.Shared && s.LastContact == nil:
		pg.Print("hub: unknown, '%s' was not contacted yet (git crosslink sync)\n", s.Remote)
	case !s.Shared:
		pg.Print("hub: none on '%s' yet (git crosslink init)\n", s.Remote)
	case s.Remote == ".":
		pg.Print("hub: this repository (%s)\n", s.URL)
	default:
		pg.Print("hub: '%s' (%s)\n", s.Remote, s.URL)
		if s.PushURL != "" {
			pg.Print("pushes go to: %s\n", s.PushURL)
		}
	}
	if s.Level != 0 && s.Level != tracker.Level {
		pg.Print("level: %d, which this program only reads\n", s.Level)
	}
	if s.Remote != "" {
		if s.LastContact == nil {
			pg.Print("last contact: never\n")
		} else {
			pg.Print("last contact: %s\n", e.Ago(event.TimeOf(*s.LastContact)))
		}
	}
	if s.Agent == "" {
		pg.Print("agent: none before the first write\n")
	} else {
		pg.Print("agent: %s\n", s.Name)
	}
	pg.Print("issues: %d open, %d closed, %d archived\n", s.Open, s.Closed, s.Archived)
	if s.Remote != "" {
		pg.Print("not on the hub: %s\n", frame.Count(s.Unsent, "event"))
	}
	if p := s.PushShare; p != nil {
		pg.Print("pushes: at most %d in %s (hub limit: %d a minute, shared by %s, %d in this clone)\n",
			p.Pushes, frame.Span(time.Duration(p.Seconds)*time.Second), p.PerMinute, frame.Count(p.Agents, "active agent"), p.AgentsHere)
	}
	var events uint64
	for _, l := range s.Logs {
		events += l.Events
	}
	pg.Print("logs: %d, %s, %d rejected\n", len(s.Logs), frame.Count(int(events), "event"), s.Rejected)
	if s.Sequence > 0 {
		pg.Print("ledger: step %d, %s undecided\n", s.Sequence, frame.Count(s.Undecided, "event"))
	}
	if s.Unsigned > 0 {
		pg.Print("unsigned: %s after signed ones, not counted\n", frame.Count(s.Unsigned, "event"))
	}
	statusRenumbered(pg, s.Renumbered)
	for i, d := range doc.Findings {
		if i == shownProblems {
			pg.Print("%s %d more (git crosslink doctor)\n", pg.Paint(frame.Problem, "problem:"), doc.Total-i)
			break
		}
		pg.Print("%s %s\n", pg.Paint(frame.Problem, d.Severity+":"), d.Text)
	}
}

// statusRenumbered lists open issues that had another number, which the hub lost: people
// who remember the old number look for it. The ledger keeps it permanently, a page does
// not.
func statusRenumbered(pg *frame.Page, list []store.Alias) {
	var open []store.Alias
	for _, a := range list {
		if a.Status == string(event.Open) {
			open = append(open, a)
		}
	}
	for i, a := range open {
		if i == shownRenumbered {
			pg.Print("renumbered: %d more (git crosslink status --json)\n", len(open)-i)
			return
		}
		pg.Print("renumbered: %s\n", a)
	}
}

// shownRenumbered is how many of them a page names.
const shownRenumbered = 5

// shownProblems keeps the page short on a hub with many problems.
const shownProblems = 20

func statusRecords(f frame.Forms, s *tracker.Status, doc answer.Status) *frame.Records {
	contact := ""
	if s.LastContact != nil {
		contact = event.TimeOf(*s.LastContact).String()
	}
	r := f.Records()
	r.Add("remote", s.Remote)
	r.Add("url", s.URL)
	r.Add("hub", s.Hub)
	r.Add("level", strconv.Itoa(s.Level))
	r.Add("shared", strconv.FormatBool(s.Shared))
	r.Add("agent", s.Agent)
	r.Add("unsent", strconv.Itoa(s.Unsent))
	r.Add("last_contact", contact)
	r.Add("open", strconv.Itoa(s.Open))
	r.Add("closed", strconv.Itoa(s.Closed))
	r.Add("archived", strconv.Itoa(s.Archived))
	r.Add("rejected", strconv.Itoa(s.Rejected))
	r.Add("sequence", strconv.FormatUint(s.Sequence, 10))
	r.Add("undecided", strconv.Itoa(s.Undecided))
	r.Add("lost", strconv.Itoa(s.Lost))
	r.Add("bad_steps", strconv.Itoa(s.BadSteps))
	r.Add("unsigned", strconv.Itoa(s.Unsigned))
	r.Add("state", s.Hash)
	if p := s.PushShare; p != nil {
		r.Add("push_share", strconv.FormatUint(p.PerMinute, 10), strconv.Itoa(p.Pushes), strconv.Itoa(p.Seconds), strconv.Itoa(p.Agents), strconv.Itoa(p.AgentsHere))
	}
	for _, a := range s.Renumbered {
		r.Add("renumbered", strconv.FormatUint(a.Was, 10), strconv.FormatUint(a.Number, 10), a.UUID)
	}
	for _, l := range s.Logs {
		r.Add("log", l.Agent, fmt.Sprint(l.Events), strconv.Itoa(l.Unsent), l.Ended)
	}
	for _, text := range doc.Problems {
		r.Add("problem", text)
	}
	return r
}
