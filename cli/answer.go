package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
)

// answer is what a command says on stdout, once, in the form that was asked
// for: JSON, records for scripts, ids, or a page for people.
type answer struct {
	data    any            // --json
	records *records       // --porcelain, -z, --format; nil when not asked for
	ids     []string       // -q, and the page of commands that have none
	page    func(*page)    // for people
	pager   bool           // the page may be long
	no      *frame.Failure // a status other than 0 that comes with the answer
}

// records are lines for scripts. Fields get in as fit for them, by add, and
// issues by --format, which sees to its own.
type records struct {
	form  *forms
	lines []string
}

func (r *records) add(fields ...string) {
	fit := make([]string, len(fields))
	for k, f := range fields {
		fit[k] = r.form.text(f)
	}
	r.lines = append(r.lines, strings.Join(fit, "\t"))
}

// issue adds one; before are fields that stand in front.
func (r *records) issue(e *env, s *shaper, i *store.Issue, before ...string) {
	if r.form.format != nil {
		r.lines = append(r.lines, strings.Join(append(before, r.form.format.expand(e, s, r.form, i)), "\t"))
		return
	}
	for _, name := range porcelainFields {
		before = append(before, fieldsOf[name].get(e, s, i, ""))
	}
	r.add(before...)
}

// say prints the answer and returns its status as an error.
func (e *env) say(ctx context.Context, a answer) error {
	e.putHooks(ctx)
	if err := e.print(ctx, a); err != nil {
		return &frame.Unprinted{Err: err, Failure: a.no, IDs: a.ids}
	}
	if a.no != nil {
		return a.no
	}
	return nil
}

func (e *env) print(ctx context.Context, a answer) error {
	switch {
	case e.asJSON:
		return e.writeEnvelope(a)
	case a.records != nil:
		w := bufio.NewWriter(e.out)
		for _, l := range a.records.lines {
			w.WriteString(l)
			w.WriteByte(a.records.form.end())
		}
		return w.Flush()
	case e.quiet || a.page == nil:
		fit := make([]string, len(a.ids))
		for k, id := range a.ids {
			fit[k] = frame.OneLine(id)
		}
		return e.lines(fit)
	}
	pager := e.pagerCommand(ctx, a.pager)
	p := &page{env: e, paint: e.palette(ctx, pager != ""), unicode: e.unicode()}
	if e.human() {
		p.width = e.width
		if p.width == 0 {
			p.width = 80
		}
	}
	show := func(w io.Writer) error {
		p.w = bufio.NewWriter(w)
		a.page(p)
		return p.w.Flush()
	}
	if pager != "" {
		return e.paged(pager, show)
	}
	return show(e.out)
}

// lines prints lines that are fit for a terminal.
func (e *env) lines(all []string) error {
	w := bufio.NewWriter(e.out)
	for _, l := range all {
		fmt.Fprintln(w, l)
	}
	return w.Flush()
}

// page is where an answer for people is written. Write errors show up when it
// is flushed.
type page struct {
	env     *env
	w       *bufio.Writer
	paint   palette
	width   int // columns of the terminal; 0 in a pipe
	unicode bool
}

// print writes its arguments as fit for one line of a terminal, wherever they
// came from; only what has been painted is so already.
func (p *page) print(format string, args ...any) {
	for k, a := range args {
		if _, fit := a.(painted); fit {
			continue
		}
		switch v := reflect.ValueOf(a); v.Kind() {
		case reflect.Int, reflect.Int64, reflect.Uint64: // %d
		case reflect.String:
			args[k] = frame.OneLine(v.String())
		default:
			args[k] = frame.OneLine(fmt.Sprint(a))
		}
	}
	fmt.Fprintf(p.w, format, args...)
}

// block writes foreign text of several lines, each behind the margin.
func (p *page) block(margin, text string) {
	for _, l := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		fmt.Fprintf(p.w, "%s\n", strings.TrimRight(margin+frame.Lines(l), " "))
	}
}

// glyph is a symbol where the locale can show it, else its stand-in.
func (p *page) glyph(symbol, plain string) string {
	if p.unicode {
		return symbol
	}
	return plain
}

// unicode reports whether the locale is UTF-8.
func (e *env) unicode() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := e.getenv(name); v != "" {
			v = strings.ToLower(v)
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}

// plainSymbols stand for the symbols of our own words.
var plainSymbols = strings.NewReplacer("…", "...", "→", "->", "–", "-")

// symbols writes our own words so that the locale can show them.
func (e *env) symbols(s string) string {
	if e.unicode() {
		return s
	}
	return plainSymbols.Replace(s)
}

// symbolic does the same for what is written to w.
func (e *env) symbolic(w io.Writer) io.Writer {
	if e.unicode() {
		return w
	}
	return symbolWriter{w}
}

type symbolWriter struct{ w io.Writer }

// Write is called with whole words only.
func (s symbolWriter) Write(p []byte) (int, error) {
	if _, err := plainSymbols.WriteString(s.w, string(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// ago tells how long before now t was, or how long after.
func (e *env) ago(t event.Time) string {
	d := e.now().Sub(t.Std())
	if d < 0 {
		if -d < time.Minute { // clocks differ a little
			return "just now"
		}
		return "in " + span(-d)
	}
	if d < time.Minute {
		return "just now"
	}
	return span(d) + " ago"
}

// span is a length of time in its greatest unit.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d < 60*day:
		return fmt.Sprintf("%d d", d/day)
	case d < 730*day:
		return fmt.Sprintf("%d months", d/(30*day))
	}
	return fmt.Sprintf("%d years", d/(365*day))
}
