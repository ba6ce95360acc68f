package cli

import (
	"strings"

	"github.com/clipperhouse/displaywidth"

	"github.com/git-crosslink/git-crosslink/cli/frame"
)

// cell is one field of a table; its text may come from anywhere.
type cell struct {
	text string
	slot slot
}

// table is aligned on a terminal, with one column cut to the width; in a pipe
// it is tab-separated, whole, without header.
type table struct {
	header []string
	flex   int // the column that is cut
	rows   [][]cell
	notes  []string // on a terminal below each row; in a pipe the last field
}

func (t *table) add(cells ...cell) { t.rows = append(t.rows, cells) }

func (t *table) write(p *page) {
	if p.width == 0 {
		for k, r := range t.rows {
			for i, c := range r {
				if i > 0 {
					p.print("\t")
				}
				p.print("%s", p.paint.text(c.slot, c.text))
			}
			if k < len(t.notes) {
				p.print("\t%s", t.notes[k])
			}
			p.print("\n")
		}
		return
	}
	if len(t.rows) == 0 {
		return
	}
	widths := make([]int, len(t.header))
	for i, h := range t.header {
		widths[i] = width(h)
	}
	for _, r := range t.rows {
		for i := range r {
			r[i].text = frame.OneLine(r[i].text)
			widths[i] = max(widths[i], width(r[i].text))
		}
	}
	used := 0
	for i, w := range widths {
		empty := true
		for _, r := range t.rows {
			empty = empty && r[i].text == ""
		}
		if empty && i != t.flex {
			widths[i] = 0
			continue
		}
		if i != t.flex {
			used += w + 2
		}
	}
	const least = 20
	widths[t.flex] = min(widths[t.flex], max(least, p.width-used))
	line := func(cells []cell) {
		var b strings.Builder
		gap := 0
		for i, c := range cells {
			if widths[i] == 0 {
				continue
			}
			text := cut(c.text, widths[i], p.glyph("…", ">"))
			b.WriteString(strings.Repeat(" ", gap))
			b.WriteString(string(p.paint.text(c.slot, text)))
			gap = widths[i] - width(text) + 2
		}
		p.print("%s\n", painted(b.String()))
	}
	head := make([]cell, len(t.header))
	for i, h := range t.header {
		head[i] = cell{strings.ToUpper(h), slotHeading}
	}
	line(head)
	for k, r := range t.rows {
		line(r)
		if k < len(t.notes) {
			p.print("    %s\n", p.paint.text(slotNote, t.notes[k]))
		}
	}
}

// cut shortens s to at most w columns, mark included. It never parts what a
// reader sees as one character, and leaves neither a blank nor a joiner before
// the mark.
func cut(s string, w int, mark string) string {
	if width(s) <= w {
		return s
	}
	return strings.TrimRight(displaywidth.TruncateString(s, w-width(mark), ""), " "+frame.Joiners) + mark
}

// width counts the columns a terminal gives s.
func width(s string) int { return displaywidth.String(s) }
