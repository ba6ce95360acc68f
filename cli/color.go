package cli

import (
	"context"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
)

type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	alarm  style = "1;31"
	green  style = "32"
	yellow style = "33"
	blue   style = "34"
	purple style = "35"
)

// palette colours text, or leaves it alone.
type palette struct{ on bool }

func (p palette) text(s style, text string) string {
	if !p.on || s == plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[m"
}

// palette decides about colour: --color, then NO_COLOR and TERM, then whether a
// person reads it, then color.crosslink and color.ui.
func (e *env) palette(ctx context.Context) palette {
	switch {
	case e.color == "always":
		return palette{true}
	case e.color == "never", e.getenv("NO_COLOR") != "", e.getenv("TERM") == "dumb", !e.human():
		return palette{}
	}
	v, err := e.git(ctx, "config", "--get-colorbool", "color.crosslink", "true")
	return palette{err != nil || strings.TrimSpace(v) != "false"}
}

func priorityStyle(p event.Priority) style {
	switch p {
	case event.Critical:
		return alarm
	case event.High:
		return red
	case event.Low:
		return dim
	}
	return plain
}

func statusStyle(s event.Status) style {
	switch s {
	case event.Open:
		return green
	case event.Closed:
		return purple
	}
	return dim
}
