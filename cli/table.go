package cli

import (
	"strings"
	"unicode"
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
			r[i].text = oneLine(r[i].text)
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

// cut shortens s to at most w columns.
func cut(s string, w int, mark string) string {
	if width(s) <= w {
		return s
	}
	n := 0
	for i, r := range s {
		n += runeWidth(r)
		if n > w-1 {
			return strings.TrimRight(s[:i], " ") + mark
		}
	}
	return s
}

// width counts the columns a terminal gives s.
func width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

// runeWidth is 0 for marks that combine, 2 for the wide scripts and pictures,
// else 1.
func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && r <= 0x115F, // Hangul Jamo
		r >= 0x2E80 && r <= 0x303E,   // CJK radicals, punctuation
		r >= 0x3041 && r <= 0x33FF,   // kana, CJK symbols
		r >= 0x3400 && r <= 0x4DBF,   // CJK extension A
		r >= 0x4E00 && r <= 0x9FFF,   // CJK
		r >= 0xA000 && r <= 0xA4CF,   // Yi
		r >= 0xAC00 && r <= 0xD7A3,   // Hangul
		r >= 0xF900 && r <= 0xFAFF,   // CJK compatibility
		r >= 0xFE30 && r <= 0xFE6F,   // CJK compatibility forms
		r >= 0xFF00 && r <= 0xFF60,   // full width
		r >= 0xFFE0 && r <= 0xFFE6,   // full width signs
		r >= 0x1F300 && r <= 0x1F64F, // pictures
		r >= 0x1F680 && r <= 0x1F6FF, // transport
		r >= 0x1F900 && r <= 0x1F9FF, // more pictures
		r >= 0x20000 && r <= 0x3FFFD: // CJK extensions
		return 2
	}
	return 1
}
