package frame

import (
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// Cell is one field of a table; its text may come from anywhere.
type Cell struct {
	Text string
	slot Slot
}

// Table is aligned on a terminal, with one column cut to the width; in a pipe
// it is tab-separated, whole, without header.
type Table struct {
	Header []string
	Flex   int // the column that is cut
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
	widths := make([]int, len(t.Header))
	for i, h := range t.Header {
		widths[i] = Width(h)
	}
	for _, r := range t.rows {
		for i := range r {
			r[i].Text = OneLine(r[i].Text)
			widths[i] = max(widths[i], Width(r[i].Text))
		}
	}
	used := 0
	for i, w := range widths {
		empty := true
		for _, r := range t.rows {
			empty = empty && r[i].Text == ""
		}
		if empty && i != t.Flex {
			widths[i] = 0
			continue
		}
		if i != t.Flex {
			used += w + 2
		}
	}
	const least = 20
	widths[t.Flex] = min(widths[t.Flex], max(least, p.Width-used))
	line := func(cells []Cell) {
		var b strings.Builder
		gap := 0
		for i, c := range cells {
			if widths[i] == 0 {
				continue
			}
			text := truncate(c.Text, widths[i], p.Glyph("…", ">"))
			b.WriteString(strings.Repeat(" ", gap))
			b.WriteString(string(p.Paint(c.slot, text)))
			gap = widths[i] - Width(text) + 2
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
		if k < len(t.Notes) {
			p.Print("    %s\n", p.Paint(Note, t.Notes[k]))
		}
	}
}

// truncate shortens s to at most w columns, mark included. It never parts what a
// reader sees as one character, and leaves neither a blank nor a joiner before
// the mark.
func truncate(s string, w int, mark string) string {
	if Width(s) <= w {
		return s
	}
	return strings.TrimRight(displaywidth.TruncateString(s, w-Width(mark), ""), " "+Joiners) + mark
}

// Width counts the columns a terminal gives s.
func Width(s string) int { return displaywidth.String(s) }
