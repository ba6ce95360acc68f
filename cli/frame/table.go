package frame

import (
	"fmt"
	"slices"
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// Cell is one field of a table; its text may come from anywhere.
type Cell struct {
	Text string
	slot Slot
}

// Table is aligned on a terminal and fits its width; in a pipe it is tab-separated,
// complete and without a header.
type Table struct {
	Header []string
	Flex   int   // the column with text, which is shortened and never dropped
	Shrink []int // columns with comma-separated names, which are shortened before any column is dropped: 'core,+1'
	Drop   []int // columns in the order in which they are dropped, then the others from the right
	rows   [][]Cell
	Notes  []string // on a terminal below each row; in a pipe the last field
}

// Add adds a row.
func (t *Table) Add(cells ...Cell) { t.rows = append(t.rows, cells) }

// Write prints the table on a page.
func (t *Table) Write(p *Page) {
	if p.Width == 0 {
		for k, r := range t.rows {
			for i, c := range r {
				if i > 0 {
					p.Print("\t")
				}
				p.Print("%s", p.Paint(c.slot, c.Text))
			}
			if k < len(t.Notes) {
				p.Print("\t%s", t.Notes[k])
			}
			p.Print("\n")
		}
		return
	}
	if len(t.rows) == 0 {
		return
	}
	for _, r := range t.rows {
		for i := range r {
			r[i].Text = OneLine(r[i].Text)
		}
	}
	widths := t.layout(p.Width)
	mark := p.Glyph("…", ">")
	line := func(cells []Cell) {
		var b strings.Builder
		gap := 0
		for i, c := range cells {
			if widths[i] == 0 {
				continue
			}
			text := truncate(c.Text, widths[i], mark)
			if slices.Contains(t.Shrink, i) {
				text = shrink(c.Text, widths[i], mark)
			}
			if text != "" {
				b.WriteString(strings.Repeat(" ", gap))
				b.WriteString(string(p.Paint(c.slot, text)))
				gap = 0
			}
			gap += widths[i] - Width(text) + 2
		}
		p.Print("%s\n", Painted(b.String()))
	}
	head := make([]Cell, len(t.Header))
	for i, h := range t.Header {
		head[i] = Cell{strings.ToUpper(h), Heading}
	}
	line(head)
	for k, r := range t.rows {
		line(r)
		if k < len(t.Notes) && t.Notes[k] != "" {
			p.wrapped("    ", t.Notes[k], func(line string) Painted { return p.Paint(Note, line) })
		}
	}
}

// The smallest widths at which a column is readable.
const (
	leastText  = 20
	leastNames = 8 // 'core,+1'
)

// layout returns the widths of the columns for a terminal, 0 for dropped ones: columns
// without text, and columns that do not fit. A text keeps two fifths of the terminal before
// names are shortened and columns are dropped.
func (t *Table) layout(width int) []int {
	natural := t.natural()
	widths := slices.Clone(natural)
	over := func() int {
		sum := -2
		for _, w := range widths {
			if w > 0 {
				sum += w + 2
			}
		}
		return sum - width
	}
	if over() <= 0 {
		return widths
	}
	widths[t.Flex] = min(natural[t.Flex], max(leastText, width*2/5))
	for _, i := range t.Shrink {
		if least := max(leastNames, Width(t.Header[i])); widths[i] > least && over() > 0 {
			widths[i] = max(least, widths[i]-over())
		}
	}
	order := slices.Clone(t.Drop)
	for i := len(widths) - 1; i > 0; i-- {
		if i != t.Flex && !slices.Contains(order, i) {
			order = append(order, i)
		}
	}
	for _, i := range order {
		if over() > 0 {
			widths[i] = 0
		}
	}
	if o := over(); o > 0 {
		widths[t.Flex] = max(1, widths[t.Flex]-o)
	}
	for _, i := range append([]int{t.Flex}, t.Shrink...) { // the remaining width
		if widths[i] > 0 {
			widths[i] = min(natural[i], widths[i]-min(0, over()))
		}
	}
	return widths
}

// natural returns the widths at which everything is visible, 0 for columns without text.
func (t *Table) natural() []int {
	widths := make([]int, len(t.Header))
	for i, h := range t.Header {
		for _, r := range t.rows {
			widths[i] = max(widths[i], Width(r[i].Text))
		}
		if widths[i] > 0 || i == t.Flex {
			widths[i] = max(widths[i], Width(h))
		}
	}
	return widths
}

// shrink shortens a list of names to a width: the names that fit, and how many do not.
func shrink(list string, w int, mark string) string {
	if Width(list) <= w {
		return list
	}
	names := strings.Split(list, ",")
	for n := len(names) - 1; n > 0; n-- {
		more := fmt.Sprintf(",+%d", len(names)-n)
		text := strings.Join(names[:n], ",")
		if n == 1 && Width(text+more) > w && w > Width(more)+2 {
			text = truncate(text, w-Width(more), mark)
		}
		if Width(text+more) <= w {
			return text + more
		}
	}
	return truncate(list, w, mark)
}

// truncate shortens s to at most w columns, including the mark. It never splits what a
// reader sees as one character, and leaves neither a space nor a joiner before the mark.
func truncate(s string, w int, mark string) string {
	if Width(s) <= w {
		return s
	}
	return strings.TrimRight(displaywidth.TruncateString(s, w-Width(mark), ""), " "+Joiners) + mark
}

// Brief shortens a title for a sentence, so that there is space for the rest of the line.
func Brief(title string) string {
	const most = 50
	return truncate(OneLine(title), most, "...")
}

// Width returns how many columns a terminal needs for s, which may be painted.
func Width(s string) int { return displaywidth.Options{ControlSequences: true}.String(s) }
