package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// row is one budget.
type row struct {
	name    string  // the name by which it is selected
	what    string  // what is measured
	against string  // the floor; "" if the budget is not a ratio
	budget  float64 // the largest ratio, or the largest value if there is no floor; 0 means none
	plus    float64 // ms that are allowed in addition to a ratio
	unit    string  // of value and budget, "x" for a ratio
	atLeast bool    // the budget is the smallest value
	byCPU   bool    // the ratio of processor time counts
	long    bool    // takes minutes
	measure func(*bench) (measurement, error)
}

// title joins what and against.
func (r row) title() string {
	if r.against == "" {
		return r.what
	}
	return r.what + ", against " + r.against
}

// measurement is the result of a row: two series, or one value.
type measurement struct {
	one, floor series
	value      float64
	note       string // printed beside a value
}

// series are the costs of one command's runs, in milliseconds.
type series struct{ wall, cpu []float64 }

func (s *series) add(c cost) {
	s.wall = append(s.wall, c.wall.Seconds()*1e3)
	s.cpu = append(s.cpu, c.cpu.Seconds()*1e3)
}

// line is one measured row.
type line struct {
	row
	measurement
}

func (l line) ratio() bool { return l.unit == "x" }

// got returns the number that is compared with the budget.
func (l line) got() float64 {
	switch {
	case !l.ratio():
		return l.value
	case l.byCPU:
		return (median(l.one.cpu) - l.plus) / median(l.floor.cpu)
	}
	return (median(l.one.wall) - l.plus) / median(l.floor.wall)
}

// cells returns the columns of the table, from the second on.
func (l line) cells() []string {
	sign := "≤"
	if l.atLeast {
		sign = "≥"
	}
	budget := "-"
	if l.budget != 0 {
		budget = fmt.Sprintf("%s %g %s", sign, l.budget, l.unit)
	}
	if !l.ratio() {
		measured := fmt.Sprintf("%.4g %s", l.value, l.unit)
		if l.value >= 1000 {
			measured = fmt.Sprintf("%.0f %s", l.value, l.unit)
		}
		return []string{measured, "", "", "", "", budget, l.verdict()}
	}
	low, high := spread(l.one.wall, l.floor.wall)
	cpu := "-"
	if c := median(l.one.cpu) / median(l.floor.cpu); c > 0 {
		cpu = fmt.Sprintf("%.2f", c)
	}
	if l.plus != 0 {
		budget += fmt.Sprintf(" + %g ms", l.plus)
	}
	if l.byCPU {
		budget += " of CPU"
	}
	return []string{
		fmt.Sprintf("%.2f ms", median(l.one.wall)), fmt.Sprintf("%.2f ms", median(l.floor.wall)),
		fmt.Sprintf("%.2f", median(l.one.wall)/median(l.floor.wall)), fmt.Sprintf("%.2f–%.2f", low, high), cpu, budget, l.verdict(),
	}
}

func (l line) verdict() string {
	got := l.got()
	switch {
	case l.budget == 0:
		return "-"
	case l.atLeast && got >= l.budget, !l.atLeast && got <= l.budget:
		return "pass"
	}
	return "missed"
}

var columns = []string{"row", "measured", "floor", "ratio", "middle half", "CPU ratio", "budget", "verdict"}

var widths = []int{-18, 16, 11, 7, 12, 10, 18, -7}

func columnsText(cells []string) string {
	var w strings.Builder
	for i, c := range cells {
		fmt.Fprintf(&w, "%*s ", widths[i], c)
	}
	return strings.TrimRight(w.String(), " ")
}

func (l line) text() string {
	return columnsText(append([]string{l.name}, l.cells()...)) + "   " + l.title() + l.remark()
}

func (l line) remark() string {
	if l.note == "" {
		return ""
	}
	return " (" + l.note + ")"
}

// table is the output of a run.
type table struct {
	when    time.Time
	took    time.Duration
	machine string
	lines   []line
}

func (t *table) head() string { return columnsText(columns) + "   what" }

func (t *table) foot() string {
	missed := 0
	for _, l := range t.lines {
		if l.verdict() == "missed" {
			missed++
		}
	}
	return fmt.Sprintf("%d rows, %d budgets missed, %d s in all; %s", len(t.lines), missed, int(t.took.Seconds()), t.machine)
}

// markdown returns the table for the document.
func (t *table) markdown() string {
	var w strings.Builder
	fmt.Fprintf(&w, "Measured on %s: %s.\n\n", t.when.UTC().Format(time.DateOnly), t.machine)
	w.WriteString("| row | what | measured | floor | ratio | middle half | CPU ratio | budget | |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, l := range t.lines {
		c := l.cells()
		fmt.Fprintf(&w, "| `%s` | %s%s | %s |\n", l.name, l.title(), l.remark(), strings.Join(c, " | "))
	}
	return w.String()
}

// The marks around the table in the document.
const (
	beginMark = "<!-- make bench: begin -->\n"
	endMark   = "<!-- make bench: end -->"
)

// writeInto writes the table into a document. Rows that were not measured keep their line.
func (t *table) writeInto(path string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text, err := t.splice(old)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, text, 0o666)
}

func (t *table) splice(doc []byte) ([]byte, error) {
	before, rest, ok := bytes.Cut(doc, []byte(beginMark))
	was, after, closed := bytes.Cut(rest, []byte(endMark))
	if !ok || !closed {
		return nil, fmt.Errorf("it has no lines %q and %q", strings.TrimSpace(beginMark), endMark)
	}
	var out strings.Builder
	out.Write(before)
	out.WriteString(beginMark)
	out.WriteString(t.merged(string(was)))
	out.WriteString(endMark)
	out.Write(after)
	return []byte(out.String()), nil
}

// merged returns the table with the lines of an older one for rows that it lacks.
func (t *table) merged(was string) string {
	have := map[string]string{}
	for _, text := range []string{was, t.markdown()} {
		for l := range strings.Lines(text) {
			if name, ok := strings.CutPrefix(l, "| `"); ok {
				name, _, _ = strings.Cut(name, "`")
				have[name] = l
			}
		}
	}
	var w strings.Builder
	for l := range strings.Lines(t.markdown()) {
		if !strings.HasPrefix(l, "| `") {
			w.WriteString(l)
		}
	}
	for _, r := range rows {
		w.WriteString(have[r.name])
	}
	return w.String()
}

// median is NaN if there are no values. It does not change v.
func median(v []float64) float64 { return quantile(v, 0.5) }

// quantile interpolates between the two nearest values.
func quantile(v []float64, q float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if len(s) == 0 {
		return nan
	}
	at := q * float64(len(s)-1)
	i := int(at)
	if i+1 == len(s) {
		return s[i]
	}
	return s[i] + (at-float64(i))*(s[i+1]-s[i])
}

// spread returns the middle half of the ratios of consecutive runs.
func spread(one, floor []float64) (low, high float64) {
	var r []float64
	for i := range one {
		r = append(r, one[i]/floor[i])
	}
	return quantile(r, 0.25), quantile(r, 0.75)
}
