package frame

import (
	"context"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
)

// Slot is a part of a page with its own color: color.crosslink.<slot>.
type Slot string

const (
	Plain   Slot = ""
	ID      Slot = "id"
	Title   Slot = "title" // of 'show'
	Heading Slot = "heading"
	Label   Slot = "label"
	Agent   Slot = "agent"
	Time    Slot = "time"
	Note    Slot = "note" // why a row is listed
	Overdue Slot = "overdue"
	Problem Slot = "problem"
)

// Cell returns a field of a table in the slot's color.
func (s Slot) Cell(text string) Cell { return Cell{text, s} }

// ColorsOf are the slots with their default colors, in SGR. The colors of status and
// priority depend on the value.
var ColorsOf = map[Slot]string{
	ID: "33", Title: "1", Heading: "1", Label: "34", Agent: "34", Time: "2", Note: "2",
	Overdue: "1;31", Problem: "31",
	Slot(event.Open): "32", Slot(event.Closed): "35", Slot(event.Archived): "2",
	Slot(event.Critical): "1;31", Slot(event.High): "31", Slot(event.Medium): "", Slot(event.Low): "2",
}

// Painted is sanitized text with its color.
type Painted string

// palette colors text, or leaves it alone.
type palette struct {
	on     bool
	chosen map[Slot]string // escape sequences that the user configured
}

// text sanitizes text for one line of a terminal and gives it the slot's color.
func (p palette) text(s Slot, text string) Painted {
	text = OneLine(text)
	if !p.on || s == Plain || text == "" {
		return Painted(text)
	}
	escape, ok := p.chosen[s]
	if !ok && ColorsOf[s] != "" {
		escape = "\x1b[" + ColorsOf[s] + "m"
	}
	if escape == "" {
		return Painted(text)
	}
	return Painted(escape + text + "\x1b[m")
}

// palette decides about color: --color, then NO_COLOR and TERM, then color.crosslink,
// otherwise color.ui; 'auto' means color if a person reads it. paging means that our own
// pager will show it; color.pager may disable color there.
func (t *Terminal) palette(ctx context.Context, paging bool) palette {
	on := false
	switch {
	case t.Color == "always":
		on = true
	case t.Color == "never", t.Getenv("NO_COLOR") != "", t.Getenv("TERM") == "dumb":
	case t.Config == nil: // the command version: nothing to color
	default:
		v, ok := t.Setting(ctx, "color.crosslink")
		if !ok {
			v, ok = t.Setting(ctx, "color.ui")
		}
		switch strings.ToLower(v) {
		case "always":
			on = true
		case "never", "false", "no", "off", "0":
		case "":
			on = !ok && t.Human()
		default:
			on = t.Human()
		}
		if paging || t.pagerInUse() {
			v, _ := t.Setting(ctx, "color.pager")
			on = on && IsTrue(v, true)
		}
	}
	p := palette{on: on}
	if on {
		p.chosen = t.chosenColors(ctx)
	}
	return p
}

// chosenColors asks git to parse the configured colors.
func (t *Terminal) chosenColors(ctx context.Context) map[Slot]string {
	var chosen map[Slot]string
	for s := range ColorsOf {
		key := "color.crosslink." + string(s)
		if _, ok := t.Setting(ctx, key); !ok {
			continue
		}
		escape, err := t.Git(ctx, "config", "--get-color", key)
		if err != nil {
			t.Warn("color", "'"+key+"' is not a color", "git config "+key+" 'bold blue'")
			continue
		}
		if chosen == nil {
			chosen = map[Slot]string{}
		}
		chosen[s] = escape
	}
	return chosen
}

// Setting returns one value of the user's configuration, as git reads it here.
func (s *System) Setting(ctx context.Context, key string) (string, bool) {
	if s.Config != nil {
		return s.Config(key)
	}
	v, err := s.Git(ctx, "config", "--get", key)
	return v, err == nil
}

// IsTrue parses a boolean as git does; def is the result for any other value.
func IsTrue(v string, def bool) bool {
	switch strings.ToLower(v) {
	case "true", "yes", "on", "1":
		return true
	case "false", "no", "off", "0":
		return false
	}
	return def
}

// IsFalse reports whether a value is one of git's words for false.
func IsFalse(v string) bool {
	switch strings.ToLower(v) {
	case "false", "no", "off", "0", "":
		return true
	}
	return false
}
