package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/dashboard/inbox"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/dashboard/poll"
	"github.com/git-crosslink/git-crosslink/event"
)

// screen is what watch shows of one repository.
type screen struct {
	Project string
	Facts   facts.Facts
	Recent  []place.Recent
	Now     event.Time
	Width   int // 0 is no bound
	Height  int // likewise
}

// watchVerb is beside the others, not below them.
const watchVerb = "watch"

func (e *env) watchCommand() *urfave.Command {
	return &urfave.Command{Name: watchVerb, Usage: "show this repository in the terminal, and update the screen", Flags: []urfave.Flag{
		&urfave.BoolFlag{Name: "once", Usage: "print the screen once"},
	}, Action: e.watch}
}

// watch shows one repository until it is interrupted: what needs somebody, who
// works on what, and what was done last.
func (e *env) watch(u *urfave.Context) error {
	if e.json {
		return frame.Misuse("'watch' shows a screen and has no '--json'", "alerts as JSON: git crosslink dashboard alerts --json", "issues as JSON: git crosslink ready --json")
	}
	if u.Args().Len() > 0 {
		return frame.Misuse("'watch' takes no arguments", "git crosslink -C <path> watch")
	}
	at, err := os.Getwd()
	if err != nil {
		return err
	}
	p, err := place.Open(u.Context, at, place.Options{Now: e.now, Fetch: []string{e.program, fetchVerb}})
	if err != nil {
		return err
	}
	defer p.Close()
	f, isFile := e.out.(*os.File)
	follow := isFile && term.IsTerminal(int(f.Fd())) && !u.Bool("once")
	if follow {
		fmt.Fprint(e.out, "\x1b[?1049h\x1b[?25l") // another screen, no cursor
		defer fmt.Fprint(e.out, "\x1b[?25h\x1b[?1049l")
	}
	var fetched time.Time
	was := facts.Facts{}
	for {
		host, fetch := p.Hub()
		if fetch && (host == "" && p.HubMoved() || host != "" && e.now().Sub(fetched) >= poll.RefreshEvery) {
			fetched = e.now()
			bounded, cancel := context.WithTimeout(u.Context, poll.Deadline)
			err := p.Refresh(bounded)
			cancel()
			if was.Health.Why = ""; err != nil {
				was.Health.Why = err.Error()
			} else {
				was.Health.FetchedAt = event.TimeOf(e.now())
			}
		}
		if _, err := p.Moved(u.Context); err != nil {
			return err
		}
		is, _, err := p.Facts(u.Context)
		if err != nil {
			return err
		}
		is.Continue(&was)
		is.Health.Remote, is.Health.FetchedAt, is.Health.Why = host != "", cmp.Or(was.Health.FetchedAt, event.TimeOf(e.now())), was.Health.Why
		was = is
		s := screen{Project: frame.OneLine(at), Facts: is, Now: event.TimeOf(e.now())}
		if s.Recent, err = p.Recent(u.Context, shownLines); err != nil {
			return err
		}
		if !follow {
			_, err := fmt.Fprint(e.out, s.text())
			return err
		}
		if s.Width, s.Height, err = term.GetSize(int(f.Fd())); err != nil {
			return err
		}
		fmt.Fprint(e.out, "\x1b[H\x1b[2J"+strings.ReplaceAll(strings.TrimSuffix(s.text(), "\n"), "\n", "\r\n"))
		select {
		case <-u.Context.Done():
			return nil
		case <-time.After(poll.Period):
		}
	}
}

// shownLines is how much of what was done last is shown.
const shownLines = 20

// text is the screen.
func (s *screen) text() string {
	set := alerts.Defaults()
	clock := facts.NewClock(s.Now)
	var open []alerts.Alert
	for _, d := range alerts.Derive(alerts.Project{ID: "here", Slug: s.Project}, &s.Facts, set, clock) {
		open = append(open, alerts.Alert{Identity: d.Identity, Ref: d.Ref, Severity: d.Severity, State: alerts.Firing, NowDetail: d.Text, Opened: s.Now})
	}
	f := &s.Facts
	lines := []string{fmt.Sprintf("%s: %d open, %d ready, %d locked", s.Project, f.Open, f.Ready, len(f.Locks)), "", "Needs you"}
	if f.Health.Why != "" {
		lines[0] += " (not fetched: " + f.Health.Why + ")"
	}
	items := inbox.Of(s.Project, open, f, set.Thresholds, clock)
	for _, i := range items {
		lines = append(lines, "  "+mark[i.Severity]+" "+i.Text)
	}
	if len(items) == 0 {
		lines = append(lines, "  nothing")
	}
	lines = append(lines, "", "Agents")
	agents := s.agents()
	lines = append(lines, agents...)
	if len(agents) == 0 {
		lines = append(lines, "  none in the last day")
	}
	lines = append(lines, "", "Done last")
	for _, r := range s.Recent {
		lines = append(lines, fmt.Sprintf("  %s  %s  %s %s: %s", span(s.Now-r.At), r.Agent, facts.Ref(r.Issue), r.Title, r.Text))
	}
	if s.Height > 0 {
		lines = lines[:min(len(lines), s.Height)]
	}
	var b strings.Builder
	for _, l := range lines {
		if l = frame.OneLine(l); s.Width > 0 {
			for frame.Width(l) > s.Width {
				r := []rune(l)
				l = string(r[:len(r)-1])
			}
		}
		b.WriteString(l + "\n")
	}
	return b.String()
}

var mark = map[alerts.Severity]string{alerts.Critical: "■", alerts.Warning: "▲", alerts.Info: "●", "": "●"}

// agents returns the agents that were seen within a day, holders of locks first.
func (s *screen) agents() (lines []string) {
	all := slices.Clone(s.Facts.Agents)
	held := map[string]string{}
	for _, l := range s.Facts.Locks {
		held[l.Holder] = facts.Ref(l.Name) + " " + l.Title
	}
	slices.SortStableFunc(all, func(a, b facts.Agent) int {
		return cmp.Or(-cmp.Compare(held[a.ID], held[b.ID]), cmp.Compare(b.LastSign, a.LastSign))
	})
	for _, a := range all {
		if age := s.Now - a.LastSign; !a.Retired && age < event.Time(24*time.Hour) {
			state := cmp.Or(strings.ReplaceAll(a.State, "_", " "), "seen")
			lines = append(lines, strings.TrimRight(fmt.Sprintf("  %s  %s %s ago  %s", a.Full(a.ID), state, span(age), held[a.ID]), " "))
		}
	}
	return lines
}

// span is a duration in one unit.
func span(d event.Time) string {
	switch d := time.Duration(d); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(0, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d d", int(d.Hours()/24))
	}
}
