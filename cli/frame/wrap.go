package frame

import (
	"bufio"
	"bytes"
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// The rules for long texts on a terminal are:
//
//   - lines break between words, and between any two characters in scripts without spaces. A
//     word that is longer than a line, such as a URL, stays whole, so that it can be copied;
//   - a continued line is indented like its first line, or like the text of an item of a
//     list;
//   - code stays unchanged: lines that are indented by four columns or a tab, and fenced
//     blocks;
//   - in a pipe lines are not broken.

// Block writes text from elsewhere with several lines, each after the margin.
func (p *Page) Block(margin, text string) {
	fenced := false
	for _, l := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		l = Lines(l)
		fence := strings.HasPrefix(strings.TrimSpace(l), "```")
		lines := []string{l}
		if code := fenced || fence || strings.HasPrefix(l, "    ") || strings.Contains(l, "\t"); !code && p.Width > 0 {
			lines = wrap(l, p.Width-Width(margin))
		}
		fenced = fenced != fence
		for _, line := range lines {
			p.W.WriteString(strings.TrimRight(margin+line, " ") + "\n")
		}
	}
}

// Heading writes an id and a title, which wraps to the right of the id.
func (p *Page) Heading(id, title string) {
	margin := OneLine(id) + "  "
	lines := []string{OneLine(title)}
	if p.Width > 0 {
		lines = wrap(lines[0], p.Width-Width(margin))
	}
	for k, l := range lines {
		if k == 0 {
			p.Print("%s  %s\n", p.Paint(ID, id), p.Paint(Title, l))
		} else {
			p.Print("%s%s\n", strings.Repeat(" ", Width(margin)), p.Paint(Title, l))
		}
	}
}

// wrapped writes one line of our own after the margin, wrapped like a text.
func (p *Page) wrapped(margin, text string, paint func(line string) Painted) {
	lines := []string{OneLine(text)}
	if p.Width > 0 {
		lines = wrap(lines[0], p.Width-Width(margin))
	}
	for _, l := range lines {
		p.Print("%s%s\n", margin, paint(l))
	}
}

// Line writes one line of our own, wrapped like a text; continued lines are indented by two
// more columns.
func (p *Page) Line(margin, format string, args ...any) {
	var b bytes.Buffer
	part := *p
	part.W = bufio.NewWriter(&b)
	part.Print(format, args...)
	part.W.Flush()
	lines := []string{b.String()}
	if p.Width > 0 {
		lines = wrap(lines[0], p.Width-Width(margin)-2)
	}
	for k, l := range lines {
		if k == 1 {
			margin += "  "
		}
		p.Print("%s%s\n", margin, Painted(l))
	}
}

// wrap breaks a line into lines of at most w columns if possible.
func wrap(line string, w int) []string {
	const least = 16 // narrower text is unreadable
	w = max(w, least)
	if Width(line) <= w {
		return []string{line}
	}
	indent := hanging(line)
	if len(indent) > w/2 {
		indent = ""
	}
	var lines []string
	now, empty := "", true // empty: the line has only its indent
	for k, word := range strings.Split(strings.TrimLeft(line, " "), " ") {
		if k == 0 {
			now = line[:len(line)-len(strings.TrimLeft(line, " "))]
		}
		for {
			gap := " "
			if empty {
				gap = ""
			}
			room := w - Width(now+gap)
			if Width(word) <= room {
				now, empty = now+gap+word, false
				break
			}
			if part := fitting(word, room); part != "" {
				now, word = now+gap+part, word[len(part):]
			} else if empty || Width(word) > w-len(indent) && len(now) <= len(indent) { // alone, or with the mark of its item
				now, empty = now+gap+word, false
				break
			}
			lines, now, empty = append(lines, now), indent, true
		}
	}
	return append(lines, now)
}

// hanging returns the indent of a continued line.
func hanging(line string) string {
	text := strings.TrimLeft(line, " ")
	indent := len(line) - len(text)
	for _, item := range []string{"- ", "* ", "+ "} {
		if strings.HasPrefix(text, item) {
			indent += len(item)
		}
	}
	return strings.Repeat(" ", indent)
}

// fitting returns the beginning of a word of wide characters that fits w columns; other
// words are not broken.
func fitting(word string, w int) string {
	part := displaywidth.TruncateString(word, max(w, 0), "")
	if part == "" || part == word {
		return ""
	}
	if next := displaywidth.StringGraphemes(word[len(part):]); !next.Next() || Width(next.Value()) < 2 {
		return ""
	}
	return part
}
