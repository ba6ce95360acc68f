package syncer

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// noon is when every trace begins.
var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// trace is one run as it was recorded: what was known, then what was done and
// what came of it. See testdata/README.md.
type trace struct {
	name  string
	lines []traceLine
}

type traceLine struct {
	word string
	args []string
	sub  []string // the indented lines after it
}

func (l traceLine) has(arg string) bool { return slices.Contains(l.args, arg) }

func (l traceLine) value(key string) string {
	for _, a := range l.args {
		if v, ok := strings.CutPrefix(a, key+"="); ok {
			return v
		}
	}
	return ""
}

func readTraces(t *testing.T, file string) (all []trace) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(strings.TrimSpace(string(b)), "\n\n") {
		lines := strings.Split(block, "\n")
		tr := trace{name: strings.TrimPrefix(lines[0], "# ")}
		for _, line := range lines[1:] {
			if sub, ok := strings.CutPrefix(line, "  "); ok {
				last := &tr.lines[len(tr.lines)-1]
				last.sub = append(last.sub, sub)
				continue
			}
			w := strings.Fields(line)
			tr.lines = append(tr.lines, traceLine{word: w[0], args: w[1:]})
		}
		all = append(all, tr)
	}
	return all
}

// player feeds a trace to the machine.
type player struct {
	*testing.T
	lines []traceLine // what is left of the trace
	view  View
	hub   map[string]Tip
	now   time.Time
}

func second(s string) time.Time {
	if s == "" || s == "-" {
		return time.Time{}
	}
	f, _ := strconv.ParseFloat(s, 64)
	return noon.Add(time.Duration(f * float64(time.Second)))
}

func seconds(s string) (all []time.Time) {
	for f := range strings.SplitSeq(s, ",") {
		if f != "" {
			all = append(all, second(f))
		}
	}
	return all
}

var urgencies = map[string]Urgency{"facts": Facts, "numbers": Numbers, "somebody": Somebody, "locks": Locks}

// began is the first event of a trace.
func (p *player) began() Began {
	l := p.lines[0]
	b := Began{At: p.at(), Task: Task{Decide: l.has("others"), Insist: l.has("insist"), Background: l.has("background"), Look: l.has("look"),
		Waits: l.has("waits"), Own: l.value("own"), BusyToo: true, Patience: second(l.value("patience")).Sub(noon),
		Urgency: urgencies[l.value("urgency")], CommandWait: 3 * time.Second}}
	if l.value("patience") == "" {
		b.Task.Patience = 0
	}
	b.Memory.NoAtomic = l.has("noatomic")
	if l.has("looked") {
		b.Task.Looked = noon
	}
	for p.lines = p.lines[1:]; ; p.lines = p.lines[1:] {
		switch l = p.lines[0]; l.word {
		case "known":
			// what the loop remembered does not say what it was about
			at := noon.Add(-72 * time.Hour)
			if l.has("fresh") || l.has("holds") {
				at = noon
			}
			if l.args[0] == "closed" {
				b.Memory.Closed = &Refusal{At: at, Times: 1}
				continue
			}
			r := Refusal{At: at, Times: 1, Tip: tipOf(l.value("tip"))}
			if l.has("log") {
				r.About = AboutLog
			} else if !l.has("unknown") {
				r.About = AboutEvent
			}
			fmt.Sscanf(l.args[1], "%d..%d", &r.Low, &r.High)
			b.Memory.refuse(l.args[0], &r)
			p.hub[l.args[0]] = r.Tip
		case "pace":
			n, _ := strconv.Atoi(l.value("limit"))
			holds, _ := strconv.Atoi(l.value("holds"))
			share, _ := strconv.ParseUint(l.value("share"), 10, 64)
			b.Task.Limits = Limits{Set: true, PerMinute: n, Hub: Shared{PerMinute: share}}
			b.Memory.Pace = Pace{Pushes: seconds(l.value("pushes")), Locks: seconds(l.value("locks")), Holds: holds, Until: second(l.value("until"))}
		default:
			p.look()
			b.View = p.view
			for _, l := range p.lines {
				for _, w := range l.args {
					name, upTo, _ := strings.Cut(w, ":")
					if n, _ := strconv.ParseUint(upTo, 10, 64); l.word == "push" && b.View.log(name) != nil && n > b.Memory.Refused[name].High {
						b.View.log(name).Changed = b.Memory.Refused[name].High > 0
					}
				}
				if l.word == "push" {
					break
				}
			}
			return b
		}
	}
}

func tipOf(s string) Tip {
	if s == "-" {
		return ""
	}
	return Tip(s)
}

func (p *player) at() At { return At{Now: p.now, Jitter: 0.5} }

// look takes the next view of the trace, if one comes before the next decision.
func (p *player) look() {
	if p.lines[0].word == "here" {
		l := p.lines[0]
		p.lines = p.lines[1:]
		p.view = View{Open: !l.has("shut"), Ledger: tipOf(l.value("step")), Urgency: urgencies[l.value("urgency")], Mine: l.has("mine")}
		for _, s := range l.sub {
			w := strings.Fields(s)
			x := Log{Name: w[1], Sends: slices.Contains(w, "sends"), Lost: slices.Contains(w, "lost"), Back: slices.Contains(w, "back"), Blocked: slices.Contains(w, "blocked")}
			fmt.Sscanf(w[2], "%d/%d", &x.Last, &x.OnHub)
			x.Hub = p.hub[x.Name]
			p.view.Logs = append(p.view.Logs, x)
		}
	}
	p.view.Step = false
	for _, l := range p.lines {
		switch l.word {
		case "nothing", "done":
			if l.has("round=1") {
				continue // logs only
			}
			p.view.Apart = l.has("pushes-apart") && !p.view.Apart
			return
		case "push", "held", "later":
			p.view.Step = l.word != "push" || l.has("checkpoint")
			return
		}
	}
}

// next takes the next line, whose first word must be word.
func (p *player) next(word string) (traceLine, bool) {
	for len(p.lines) > 0 {
		l := p.lines[0]
		if slices.Contains([]string{"nothing", "held", "later", "here"}, l.word) {
			p.lines = p.lines[1:]
			continue
		}
		if l.word != word {
			return l, false
		}
		p.lines = p.lines[1:]
		return l, true
	}
	return traceLine{}, false
}

// play runs the machine and reports the first difference, "" if there is none.
func (p *player) play() string {
	var s State
	var e Event = p.began()
	for range 200 {
		var a Action
		if s, a = Next(s, e); s.Memory.Pace.Until.IsZero() {
			s.Memory.Pace.Until = time.Time{}
		}
		var wrong string
		if e, wrong = p.answer(s, a); wrong != "" || e == nil {
			return wrong
		}
	}
	return "it does not end"
}

func (p *player) answer(s State, a Action) (Event, string) {
	switch a := a.(type) {
	case Swap:
		for _, name := range a.Accepted {
			if l := p.view.log(name); l != nil {
				for _, part := range s.out.Parts {
					if part.Name == name {
						l.OnHub = max(l.OnHub, part.UpTo)
						l.Sends, l.Lost = l.Sends && l.OnHub < l.Last, false
					}
				}
			}
		}
		viewed := p.lines[0].word == "here"
		p.look()
		again := p.lines[0].has("changing") || viewed && p.view.log(s.name()) != nil && s.phase == recording && s.round != logsOnly
		return Swapped{At: p.at(), View: p.view, Appended: again}, ""
	case Fetch:
		l, ok := p.next("fetch")
		if !ok {
			return nil, fmt.Sprintf("it fetches, recorded is %v", l)
		}
		e := Fetched{At: p.at()}
		for _, sub := range l.sub {
			switch w := strings.Fields(sub); w[0] {
			case "unreached":
				e.Failure = Unreached
			case "busy":
				e.Failure, e.RetryAfter = Busy, second(sub[len("busy retry="):]).Sub(noon)
			case "moved":
				e.Moved = w[1:]
				p.view.Lost, p.view.Elsewhere = slices.Contains(w, "lost"), slices.Contains(w, "elsewhere")
			case "rebased":
				e.Rebased = true
			}
		}
		lost, elsewhere := p.view.Lost, p.view.Elsewhere
		p.look()
		p.view.Lost, p.view.Elsewhere = lost, elsewhere
		e.Apart, p.view.Apart = p.view.Apart, false
		e.View = p.view
		return e, ""
	case Push:
		l, ok := p.next("push")
		if got := pushText(a); !ok || got != strings.Join(slices.DeleteFunc(slices.Clone(l.args), func(w string) bool { return w == Ledger && a.Step }), " ") {
			return nil, fmt.Sprintf("it pushes '%s', recorded is %v", got, l)
		}
		return p.pushed(s, l), ""
	case Wait:
		p.now = a.Until
		if a.Unlock {
			l, ok := p.next("wait")
			if got := fmt.Sprint(a.Until.Sub(noon).Seconds()); !ok || got != l.args[0] {
				return nil, fmt.Sprintf("it waits until %s s, recorded is %v", got, l)
			}
			p.look()
			return Woke{At: p.at(), Locked: true, Memory: s.Memory, View: p.view}, ""
		}
		if _, ok := p.next("pause"); ok {
			p.look()
			return Woke{At: p.at(), Locked: true, Memory: s.Memory, View: p.view}, ""
		}
		return nil, fmt.Sprintf("it waits until %v, recorded is %v", a.Until.Sub(noon), p.lines[0])
	case Done:
		l, ok := p.next("done")
		want := fmt.Sprintf("%s sent=%s", l.value(""), l.value("sent"))
		if len(l.args) > 0 {
			want = fmt.Sprintf("%s %s", l.args[0], l.args[1])
		}
		got := fmt.Sprintf("%s sent=%d", reasons[a.Outcome.Reason], a.Outcome.Sent)
		switch {
		case a.Outcome.Reason == PushFailed && a.Outcome.Failure == Silent:
			got = fmt.Sprintf("silent sent=%d", a.Outcome.Sent)
		case a.Outcome.Reason == PushFailed && a.Outcome.Failure == Cut:
			got = fmt.Sprintf("cut sent=%d", a.Outcome.Sent)
		case a.Outcome.Reason == ClosedHub && strings.HasPrefix(want, "takes-none"):
			got = strings.Replace(got, "closed", "takes-none", 1)
		}
		if until := l.value("until"); until != "" && (a.Outcome.Paced == nil || a.Outcome.Paced.Until.Sub(second(until)).Abs() > 100*time.Millisecond) {
			return nil, fmt.Sprintf("it may push at %+v, recorded is %v", a.Outcome.Paced, l)
		}
		if !ok || got != want {
			return nil, fmt.Sprintf("it ends with '%s', recorded is %v", got, l)
		}
		return nil, ""
	}
	return nil, fmt.Sprintf("%T", a)
}

// name is the first log of the push that is out.
func (s *State) name() string {
	if len(s.out.Parts) == 0 {
		return ""
	}
	return s.out.Parts[0].Name
}

var reasons = map[Reason]string{Sent: "sent", FetchFailed: "fetch-failed", PushFailed: "push-failed", MetaLost: "meta-lost", OtherHub: "other-hub", PushesApart: "pushes-apart",
	Changing: "changing", OtherLog: "other-log", ClosedHub: "closed", TakesNone: "takes-none", StepRefused: "step-refused", NotYet: "not-yet"}

func pushText(a Push) string {
	var w []string
	for _, p := range a.Parts {
		switch {
		case p.Back:
			w = append(w, p.Name+":back")
		case p.Empty:
			w = append(w, p.Name+":empty")
		default:
			w = append(w, fmt.Sprintf("%s:%d", p.Name, p.UpTo))
		}
	}
	if a.Atomic {
		w = append(w, "meta", "atomic")
	}
	return strings.Join(w, " ")
}

// pushed is what came of a recorded push.
func (p *player) pushed(s State, l traceLine) Pushed {
	e := Pushed{At: p.at(), Refs: map[string]Status{}, Took: 50 * time.Millisecond, Memory: s.Memory}
	for _, sub := range l.sub {
		w := strings.Fields(sub)
		switch w[0] {
		case "unreached":
			e.Failure = Unreached
		case "forbidden":
			e.Failure = Forbidden
		case "silent":
			e.Failure = Silent
		case "cut":
			e.Failure = Cut
		case "busy":
			e.Failure = Busy
			if retry, ok := strings.CutPrefix(sub, "busy retry="); ok {
				e.RetryAfter = second(retry).Sub(noon)
			}
		case Meta:
		default:
			e.Refs[w[0]] = map[string]Status{"ok": Accepted, "rejected": Rejected, "with": With, "refused": Refused}[w[1]]
			e.Rule = e.Rule || w[1] == "refused"
			e.Gate = e.Gate || len(w) > 2 && w[2] == "gate"
		}
	}
	if p.lines[0].word == "done" && p.lines[0].has("pushes-apart") {
		e.Apart = true
	}
	return e
}

// TestReplay: the machine decides as the loop did that it replaced, except where
// a rule was changed.
func TestReplay(t *testing.T) {
	files, err := filepath.Glob("testdata/*.trace")
	if err != nil || len(files) < 8 {
		t.Fatalf("%v, %v", files, err)
	}
	n := 0
	for _, file := range files {
		for _, tr := range readTraces(t, file) {
			n++
			p := &player{T: t, lines: tr.lines, now: noon, hub: map[string]Tip{}}
			if wrong := p.play(); wrong != "" {
				t.Errorf("%s: %s: %s", filepath.Base(file), tr.name, wrong)
			}
		}
	}
	t.Logf("%d runs", n)
}

// TestChanged plays traces of the old loop in which the machine now decides differently, on
// purpose (testdata/README.md).
func TestChanged(t *testing.T) {
	files, err := filepath.Glob("testdata/changed/*.trace")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		for _, tr := range readTraces(t, file) {
			p := &player{T: t, lines: tr.lines, now: noon, hub: map[string]Tip{}}
			wrong := p.play()
			if wrong == "" {
				t.Errorf("%s: %s: it is decided as it was", filepath.Base(file), tr.name)
			}
			t.Logf("%s: %s: %s", filepath.Base(file), tr.name, wrong)
		}
	}
}
