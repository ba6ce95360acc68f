package alerts

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/event"
)

// Silence holds notifications back. It changes no state.
type Silence struct {
	ID       int64
	Project  string   // id; "" is any
	Kind     Kind     // "" is any
	Subject  string   // a pattern of path.Match over the subject or its Ref; "" is any
	Severity Severity // "" is any
	Starts   event.Time
	Ends     event.Time
	Comment  string
	By       string
}

// MaxSilence is how long a silence may last.
const MaxSilence = 30 * 24 * time.Hour

// Check refuses a silence without a reason, one that ends in the past or never, and one with
// an unknown kind or severity.
func (s *Silence) Check(now event.Time) error {
	switch {
	case strings.TrimSpace(s.Comment) == "":
		return errors.New("a silence needs a comment")
	case s.Ends <= s.Starts || s.Ends <= now:
		return errors.New("a silence must end in the future")
	case s.Ends-s.Starts > event.Time(MaxSilence):
		return errors.New("a silence may not last longer than 30 days")
	case s.Kind != "" && !slices.ContainsFunc(Rules, func(r Rule) bool { return r.Kind == s.Kind }):
		return fmt.Errorf("there is no kind of alert '%s'", s.Kind)
	case s.Severity != "" && !slices.Contains(Severities, s.Severity):
		return fmt.Errorf("there is no severity '%s': use critical, warning or info", s.Severity)
	case s.Project == "" && s.Kind == "" && s.Subject == "" && s.Severity == "":
		return errors.New("a silence needs a project, kind, subject or severity: without any, it would silence all alerts")
	}
	if _, err := path.Match(s.Subject, ""); err != nil {
		return fmt.Errorf("the subject is not a valid pattern: '%s'", s.Subject)
	}
	return nil
}

// Matches reports whether the silence is about an alert of a project.
func (s *Silence) Matches(project string, a *Alert) bool {
	glob := func(subject string) bool {
		ok, err := path.Match(s.Subject, subject)
		return ok && err == nil
	}
	return (s.Project == "" || s.Project == project) && (s.Kind == "" || s.Kind == a.Kind) &&
		(s.Severity == "" || s.Severity == a.Severity) && (s.Subject == "" || glob(a.Subject) || glob(a.Ref))
}

// Notice is the notification that a transition causes.
type Notice string

// The notices.
const (
	NoNotice       Notice = ""
	NoticeFiring   Notice = "firing"
	NoticeResolved Notice = "resolved"
	NoticeFlapped  Notice = "flapped" // it fired and resolved many times, and is quiet now
)

// Transition is a change of one alert. From and To are equal if only its text, its
// acknowledgement or its notification changed.
type Transition struct {
	Alert  Alert // as it is afterward
	From   State
	To     State
	Notice Notice
}

// An identity that fires more than flapFirings times within flapWindow is
// flapping: notifications of it wait until it has not fired for flapQuiet.
const (
	flapFirings = 4
	flapWindow  = time.Hour
	flapQuiet   = 15 * time.Minute
)

// Remember is how long a resolved alert matters to Next after it fired.
const Remember = flapWindow + flapQuiet

// stepper is one call of Next.
type stepper struct {
	project  string
	prev     []Alert
	silences []Silence
	set      Settings
	clock    *facts.Clock
	out      []Transition
}

// Next returns the transitions of a project's alerts, given the conditions that are true
// now. prev are the open alerts, and those that fired less than Remember ago. The rules are:
//
//   - a condition is pending until it has held for the rule's For, then the alert
//     fires; one that goes away before that is dropped;
//   - an alert whose condition is gone recovers for the rule's Keep, then it is
//     resolved. If the condition comes back before that, it keeps firing;
//   - KeepUntilSeen: it is resolved when it is acknowledged and its condition gone;
//   - an acknowledgement ends with its Until and with the alert;
//   - a firing is notified of once, when it is not acknowledged, not silenced and not
//     flapping; a resolution is notified of if the firing was.
func Next(project string, prev []Alert, derived []Derived, silences []Silence, set Settings, c *facts.Clock) []Transition {
	s := &stepper{project: project, prev: prev, silences: silences, set: set, clock: c}
	open := map[Identity]*Alert{}
	for k := range prev {
		if a := &prev[k]; a.Open() {
			open[a.Identity] = a
		}
	}
	for k := range derived {
		d := &derived[k]
		if a := open[d.Identity]; a != nil {
			s.holds(*a, d)
			delete(open, d.Identity)
		} else {
			s.begins(d)
		}
	}
	for _, a := range open {
		s.gone(*a)
	}
	s.quiet()
	slices.SortFunc(s.out, func(a, b Transition) int {
		return cmp.Or(cmp.Compare(a.Alert.Kind, b.Alert.Kind), cmp.Compare(a.Alert.Subject, b.Alert.Subject), cmp.Compare(a.Alert.Opened, b.Alert.Opened))
	})
	return s.out
}

// begins makes the alert of a condition that was not true before.
func (s *stepper) begins(d *Derived) {
	a := Alert{Identity: d.Identity, Ref: d.Ref, Severity: d.Severity, Detail: d.Text, NowDetail: d.Text,
		State: Pending, Pending: s.clock.Now()}
	s.mature(&a)
	s.done(Normal, a, true)
}

// holds continues with an alert whose condition is true.
func (s *stepper) holds(a Alert, d *Derived) {
	from, changed := a.State, a.NowDetail != d.Text
	a.NowDetail = d.Text
	switch a.State {
	case Pending:
		a.Detail = d.Text
		s.mature(&a)
	case Recovering:
		a.State, a.Recovering = Firing, 0
	}
	s.done(from, a, changed)
}

// mature lets a pending alert fire if its time has come.
func (s *stepper) mature(a *Alert) {
	r, _ := s.set.RuleOf(a.Kind)
	if !s.clock.From(a.Pending + event.Time(r.For)) {
		return
	}
	a.State, a.Opened = Firing, s.clock.Now()
	firings := 1
	for k := range s.prev {
		if p := &s.prev[k]; p.Identity == a.Identity && p.Opened != 0 && a.Opened-p.Opened < event.Time(flapWindow) {
			firings++
		}
	}
	a.Flapping = firings > flapFirings
}

// gone continues with an alert whose condition is not true.
func (s *stepper) gone(a Alert) {
	from := a.State
	r, on := s.set.RuleOf(a.Kind)
	switch {
	case a.State == Pending:
		a.State = Normal
	case !on: // the rule was switched off
		s.resolve(&a)
	case r.Keep == KeepUntilSeen:
		if a.Ack.At != 0 {
			s.resolve(&a)
		}
	case a.State == Firing && r.Keep > 0:
		a.State, a.Recovering = Recovering, s.clock.Now()
		s.clock.From(a.Recovering + event.Time(r.Keep))
	case a.State == Firing || s.clock.From(a.Recovering+event.Time(r.Keep)):
		s.resolve(&a)
	}
	s.done(from, a, false)
}

func (s *stepper) resolve(a *Alert) {
	a.State, a.Resolved, a.Recovering, a.Ack = Resolved, s.clock.Now(), 0, Ack{}
}

// done chooses the notification of an alert, and records its transition if there is one.
func (s *stepper) done(from State, a Alert, changed bool) {
	t := Transition{From: from, To: a.State}
	if a.Ack.At != 0 && a.Ack.Until != 0 && s.clock.From(a.Ack.Until) {
		a.Ack, changed = Ack{}, true
	}
	if a.Flapping && (a.State == Firing || a.State == Resolved) && s.clock.From(a.Opened+event.Time(flapQuiet)) {
		a.Flapping, changed = false, true
	}
	switch {
	case a.State == Firing && !a.Notified && a.Ack.At == 0 && !a.Flapping && !s.silenced(&a):
		a.Notified, t.Notice = true, NoticeFiring
	case a.State == Resolved && from != Resolved && a.Notified:
		t.Notice = NoticeResolved
	}
	if t.From != t.To || t.Notice != NoNotice || changed {
		t.Alert = a
		s.out = append(s.out, t)
	}
}

// silenced reports whether notifications of an alert are held back now.
func (s *stepper) silenced(a *Alert) bool {
	silenced := false
	for k := range s.silences {
		if o := &s.silences[k]; o.Matches(s.project, a) && s.clock.From(o.Starts) && !s.clock.From(o.Ends) {
			silenced = true
		}
	}
	return silenced
}

// quiet notifies once of each identity that flapped, was resolved, and has not fired for
// flapQuiet.
func (s *stepper) quiet() {
	newest := map[Identity]*Alert{}
	for k := range s.prev {
		a := &s.prev[k]
		if n := newest[a.Identity]; n == nil || a.Opened > n.Opened {
			newest[a.Identity] = a
		}
	}
	fired := map[Identity]bool{}
	for k := range s.out {
		if t := &s.out[k]; t.From == Normal || t.Alert.Open() {
			fired[t.Alert.Identity] = true
		}
	}
	for id, a := range newest {
		if a.State != Resolved || !a.Flapping || fired[id] || !s.clock.From(a.Opened+event.Time(flapQuiet)) {
			continue
		}
		b := *a
		b.Flapping = false
		t := Transition{Alert: b, From: Resolved, To: Resolved}
		if !s.silenced(&b) {
			t.Notice = NoticeFlapped
		}
		s.out = append(s.out, t)
	}
}
