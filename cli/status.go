package cli

import (
	"context"
	"fmt"
	"strconv"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func newStatusCommand(e *env) *urfave.Command {
	return e.command(&urfave.Command{
		Name: "status", Category: groupHub,
		Usage:     "show the tracker's own condition",
		UsageText: "git crosslink status [<options>]",
		Description: `Tells which hub there is, when it was reached last, what is not there yet, which
open issues have another number since a hub lost theirs, and what is wrong. It
answers from what is here. --porcelain prints lines of key and value.

Examples:
  git crosslink status
  git crosslink status --json`,
		Flags: porcelainFlags(),
	}, func(u *urfave.Context) error {
		if _, err := arguments(u, 0, 0, ""); err != nil {
			return err
		}
		f, err := formsOf(u, e)
		if err != nil {
			return err
		}
		return runShowStatus(u.Context, f, e)
	})
}

func runShowStatus(ctx context.Context, f forms, e *env) error {
	h, err := e.hub(ctx)
	if err != nil {
		return err
	}
	s, err := h.Status(ctx)
	if err != nil {
		return err
	}
	a := answer{data: statusShapeOf(s), page: func(pg *page) { e.statusPage(pg, s) }}
	if f.forScripts() {
		a.records = statusRecords(&f, s)
	}
	if err := e.say(ctx, a); err != nil || f.forScripts() || len(s.Findings) == 0 {
		return err
	}
	e.talkHint("what to do: git crosslink doctor")
	return nil
}

func (e *env) statusPage(pg *page, s *tracker.Status) {
	switch {
	case s.Remote == "":
		pg.print("hub: none, the repository has no remote\n")
	case !s.Shared && s.LastContact == nil:
		pg.print("hub: not known, '%s' was not reached yet (git crosslink sync)\n", s.Remote)
	case !s.Shared:
		pg.print("hub: none on '%s' yet (git crosslink init)\n", s.Remote)
	case s.Remote == ".":
		pg.print("hub: this repository (%s)\n", s.URL)
	default:
		pg.print("hub: '%s' (%s)\n", s.Remote, s.URL)
		if s.PushURL != "" {
			pg.print("pushes go to: %s\n", s.PushURL)
		}
	}
	if s.Level != 0 && s.Level != tracker.Level {
		pg.print("level: %d, which this program only reads\n", s.Level)
	}
	if s.Remote != "" {
		if s.LastContact == nil {
			pg.print("last contact: never\n")
		} else {
			pg.print("last contact: %s\n", e.ago(event.TimeOf(*s.LastContact)))
		}
	}
	if s.Agent == "" {
		pg.print("agent: none before the first write\n")
	} else {
		pg.print("agent: %s\n", s.Agent)
	}
	pg.print("issues: %d open, %d closed, %d archived\n", s.Open, s.Closed, s.Archived)
	if s.Remote != "" {
		pg.print("not on the hub: %s\n", count(s.Unsent, "event"))
	}
	var events uint64
	for _, l := range s.Logs {
		events += l.Events
	}
	pg.print("logs: %d, %s, %d rejected\n", len(s.Logs), count(int(events), "event"), s.Rejected)
	if s.Sequence > 0 {
		pg.print("ledger: step %d, %s undecided\n", s.Sequence, count(s.Undecided, "event"))
	}
	statusRenumbered(pg, s.Renumbered)
	findings, total := listed(diagnosisShapes(s.Findings), s.Unlisted)
	for i, d := range findings {
		if i == shownProblems {
			pg.print("%s %d more (git crosslink doctor)\n", pg.paint.text(slotProblem, "problem:"), total-i)
			break
		}
		pg.print("%s %s\n", pg.paint.text(slotProblem, d.Severity+":"), d.Text)
	}
}

// statusRenumbered says which open issues had another number, which the hub
// lost: who has the old one in mind looks for it. The ledger keeps it for ever,
// a page does not.
func statusRenumbered(pg *page, list []tracker.Alias) {
	var open []tracker.Alias
	for _, a := range list {
		if a.Status == string(event.Open) {
			open = append(open, a)
		}
	}
	for i, a := range open {
		if i == shownRenumbered {
			pg.print("renumbered: %d more (git crosslink status --json)\n", len(open)-i)
			return
		}
		pg.print("renumbered: %s\n", a)
	}
}

// shownRenumbered is how many of them a page names.
const shownRenumbered = 5

// shownProblems keeps a page a page on a hub where much is wrong.
const shownProblems = 20

func statusRecords(f *forms, s *tracker.Status) *records {
	contact := ""
	if s.LastContact != nil {
		contact = event.TimeOf(*s.LastContact).String()
	}
	r := &records{form: f}
	r.add("remote", s.Remote)
	r.add("url", s.URL)
	r.add("hub", s.Hub)
	r.add("level", strconv.Itoa(s.Level))
	r.add("shared", strconv.FormatBool(s.Shared))
	r.add("agent", s.Agent)
	r.add("unsent", strconv.Itoa(s.Unsent))
	r.add("last_contact", contact)
	r.add("open", strconv.Itoa(s.Open))
	r.add("closed", strconv.Itoa(s.Closed))
	r.add("archived", strconv.Itoa(s.Archived))
	r.add("rejected", strconv.Itoa(s.Rejected))
	r.add("sequence", strconv.FormatUint(s.Sequence, 10))
	r.add("undecided", strconv.Itoa(s.Undecided))
	r.add("lost", strconv.Itoa(s.Lost))
	r.add("bad_steps", strconv.Itoa(s.BadSteps))
	r.add("state", s.Hash)
	for _, a := range s.Renumbered {
		r.add("renumbered", strconv.FormatUint(a.Was, 10), strconv.FormatUint(a.Number, 10), a.UUID)
	}
	for _, l := range s.Logs {
		r.add("log", l.Agent, fmt.Sprint(l.Events), strconv.Itoa(l.Unsent), l.Ended)
	}
	findings, _ := listed(diagnosisShapes(s.Findings), s.Unlisted)
	for _, d := range findings {
		r.add("problem", d.Text)
	}
	return r
}
