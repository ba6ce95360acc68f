package frame

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"reflect"
)

// Result is what a command prints on stdout, once, in the requested form: JSON, records for
// scripts, ids, or a page for people.
type Result struct {
	Data        any         // --json
	Records     *Records    // --porcelain, -z, --format; nil if not requested
	IDs         []string    // -q, and the page of commands without one
	Page        func(*Page) // for people
	Long        bool        // the page may be long
	Nothing     string      // what a person reads instead of an empty page
	NothingHint string
	Below       []string // the page: which part of a list it is, how old it is
	Cut         *Cut     // --json: which part of a list it is; nil for all of it
	Failure     *Failure // why the status is not 0, although there is a result
}

// Write prints a result.
func (t *Terminal) Write(ctx context.Context, r Result) error {
	switch {
	case t.JSON:
		return t.writeEnvelope(r)
	case r.Records != nil:
		w := bufio.NewWriter(t.Out)
		for _, l := range r.Records.lines {
			w.WriteString(l)
			w.WriteByte(r.Records.end())
		}
		return w.Flush()
	case t.Quiet || r.Page == nil:
		lines := make([]string, len(r.IDs))
		for k, id := range r.IDs {
			lines[k] = OneLine(id)
		}
		return t.WriteLines(lines)
	}
	pager := t.pagerCommand(ctx, r.Long)
	p := &Page{palette: t.palette(ctx, pager != ""), unicode: t.unicode()}
	if t.Human() {
		p.Width = t.Width
		if p.Width == 0 {
			p.Width = 80
		}
	}
	if r.Nothing != "" && t.Human() {
		t.Progress("%s", r.Nothing)
		if r.NothingHint != "" {
			t.ProgressHint(r.NothingHint)
		}
	}
	show := func(w io.Writer) error {
		p.W = bufio.NewWriter(w)
		r.Page(p)
		for _, l := range r.Below {
			p.wrapped("", l, func(line string) Painted { return p.Paint(Note, line) })
		}
		return p.W.Flush()
	}
	if pager != "" {
		return t.paged(pager, show)
	}
	return show(t.Out)
}

// ShowsPage reports whether a result is printed as a page on a terminal.
func (t *Terminal) ShowsPage(r Result) bool {
	return t.OutTTY && r.Page != nil && r.Records == nil && !t.JSON && !t.Quiet
}

// WriteLines prints lines that have been sanitized.
func (t *Terminal) WriteLines(all []string) error {
	w := bufio.NewWriter(t.Out)
	for _, l := range all {
		fmt.Fprintln(w, l)
	}
	return w.Flush()
}

// Page is a result for people. Write errors are reported when it is flushed.
type Page struct {
	W       *bufio.Writer
	palette palette
	Width   int // columns of the terminal; 0 in a pipe
	unicode bool
}

// Print sanitizes its arguments for one line of a terminal, wherever they came from.
// Painted text is already sanitized.
func (p *Page) Print(format string, args ...any) {
	for k, a := range args {
		if _, done := a.(Painted); done {
			continue
		}
		switch v := reflect.ValueOf(a); v.Kind() {
		case reflect.Int, reflect.Int64, reflect.Uint64: // %d
		case reflect.String:
			args[k] = OneLine(v.String())
		default:
			args[k] = OneLine(fmt.Sprint(a))
		}
	}
	fmt.Fprintf(p.W, format, args...)
}

// Paint sanitizes text for one line and gives it the color of a slot.
func (p *Page) Paint(s Slot, text string) Painted { return p.palette.text(s, text) }

// Fit cuts a text to the space that is left on a line after its beginning.
func (p *Page) Fit(beginning, text string) string {
	if p.Width == 0 {
		return text
	}
	return truncate(OneLine(text), max(leastText, p.Width-Width(beginning)), p.Glyph("…", ">"))
}

// Glyph returns a symbol if the locale can show it, otherwise its replacement.
func (p *Page) Glyph(symbol, plain string) string {
	if p.unicode {
		return symbol
	}
	return plain
}
