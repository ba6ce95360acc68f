package cli

import (
	"context"
	"strings"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
)

// slot is a part of a page that has a colour of its own:
// color.crosslink.<slot>.
type slot string

const (
	plain       slot = ""
	slotID      slot = "id"
	slotTitle   slot = "title" // of show
	slotHeading slot = "heading"
	slotLabel   slot = "label"
	slotAgent   slot = "agent"
	slotTime    slot = "time"
	slotNote    slot = "note" // why a row is listed
	slotOverdue slot = "overdue"
	slotProblem slot = "problem"
)

// colorsOf are the slots with the colours they have unless configured, in SGR.
// Status and priority have theirs by name.
var colorsOf = map[slot]string{
	slotID: "33", slotTitle: "1", slotHeading: "1", slotLabel: "34", slotAgent: "34", slotTime: "2", slotNote: "2",
	slotOverdue: "1;31", slotProblem: "31",
	slot(event.Open): "32", slot(event.Closed): "35", slot(event.Archived): "2",
	slot(event.Critical): "1;31", slot(event.High): "31", slot(event.Medium): "", slot(event.Low): "2",
}

// painted is text that is fit for a terminal, with its colour around it.
type painted string

// palette colours text, or leaves it alone.
type palette struct {
	on     bool
	chosen map[slot]string // escapes the user configured
}

// text makes foreign text fit for one line of a terminal and gives it the
// slot's colour.
func (p palette) text(s slot, text string) painted {
	text = frame.OneLine(text)
	if !p.on || s == plain || text == "" {
		return painted(text)
	}
	escape, ok := p.chosen[s]
	if !ok && colorsOf[s] != "" {
		escape = "\x1b[" + colorsOf[s] + "m"
	}
	if escape == "" {
		return painted(text)
	}
	return painted(escape + text + "\x1b[m")
}

// palette decides about colour: --color, then NO_COLOR and TERM, then
// color.crosslink, else color.ui, where 'auto' asks whether a person reads it.
// paging says that a pager of ours will show it; color.pager may forbid colour
// there.
func (e *env) palette(ctx context.Context, paging bool) palette {
	on := false
	switch {
	case e.color == "always":
		on = true
	case e.color == "never", e.getenv("NO_COLOR") != "", e.getenv("TERM") == "dumb":
	case e.opened == nil: // version: nothing to colour
	default:
		v, ok := e.setting(ctx, "color.crosslink")
		if !ok {
			v, ok = e.setting(ctx, "color.ui")
		}
		switch strings.ToLower(v) {
		case "always":
			on = true
		case "never", "false", "no", "off", "0":
		case "":
			on = !ok && e.human()
		default:
			on = e.human()
		}
		if paging || e.pagerInUse() {
			v, _ := e.setting(ctx, "color.pager")
			on = on && isTrue(v, true)
		}
	}
	p := palette{on: on}
	if on {
		p.chosen = e.chosenColors(ctx)
	}
	return p
}

// chosenColors asks git to read the colours of slots that are configured.
func (e *env) chosenColors(ctx context.Context) map[slot]string {
	var chosen map[slot]string
	for s := range colorsOf {
		key := "color.crosslink." + string(s)
		if _, ok := e.setting(ctx, key); !ok {
			continue
		}
		escape, err := e.git(ctx, "config", "--get-color", key)
		if err != nil {
			e.warn("color", "'"+key+"' is not a color", "git config "+key+" 'bold blue'")
			continue
		}
		if chosen == nil {
			chosen = map[slot]string{}
		}
		chosen[s] = escape
	}
	return chosen
}

// setting reads one value of the user's configuration, as git sees it here.
func (e *env) setting(ctx context.Context, key string) (string, bool) {
	if e.opened != nil {
		return e.opened.Config(key)
	}
	v, err := e.git(ctx, "config", "--get", key)
	return v, err == nil
}

// isTrue reads a boolean as git does; what is none is def.
func isTrue(v string, def bool) bool {
	switch strings.ToLower(v) {
	case "true", "yes", "on", "1":
		return true
	case "false", "no", "off", "0":
		return false
	}
	return def
}
