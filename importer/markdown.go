package importer

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
)

// Markdown reads the task lists of a file: each "- [ ]" is an issue, each "- [x]" a closed
// one. A task that is indented below another one is its child; lines below a task are its
// description; the heading above is its milestone.
//
// A task has no id, so its key is the file's path and a hash of its words: a task with
// changed words is another task.
func Markdown(s Source, o Options, out *Sink) error {
	m := &markdown{o: o, out: out, seen: map[string]int{}, milestones: map[string]bool{}}
	b := bufio.NewReaderSize(whole(s), 64<<10)
	for line := 1; ; line++ {
		raw, n, err := readLine(b)
		if n == 0 {
			break
		}
		if err == errRow {
			m.out.Report.bad(line, "the line "+err.Error())
			continue
		}
		if err := m.line(line, strings.TrimRight(strings.TrimPrefix(string(raw), "\ufeff"), "\r\n \t")); err != nil {
			return err
		}
		if err != nil {
			break
		}
	}
	if err := m.flush(); err != nil {
		return err
	}
	if m.out.Report.Read == 0 {
		return notOf("markdown", "the file has no task list: no line begins with \"- [ ]\" or \"- [x]\"")
	}
	return nil
}

type markdown struct {
	o          Options
	out        *Sink
	heading    string
	fence      string          // the mark that ends a block of code, "" outside of one
	above      []task          // possible parents of the next task, each below the previous one
	last       *Issue          // the newest task
	text       strings.Builder // its description, which may continue
	seen       map[string]int
	milestones map[string]bool
}

type task struct {
	indent int
	key    string
}

func (m *markdown) line(line int, s string) error {
	words := strings.TrimLeft(s, " \t")
	indent := len(strings.ReplaceAll(s[:len(s)-len(words)], "\t", "    "))
	if mark := fenceOf(words); m.fence != "" || mark != "" {
		ends := m.fence != "" && strings.HasPrefix(words, m.fence) && strings.Trim(words, m.fence[:1]) == ""
		if m.fence == "" {
			m.fence = mark
		}
		if m.describe(indent, s); ends {
			m.fence = ""
		}
		return nil
	}
	if level := len(words) - len(strings.TrimLeft(words, "#")); indent < 4 && level > 0 && level <= 6 && strings.HasPrefix(words[level:], " ") {
		m.heading, m.above = fitName(strings.Trim(words, "# "), new(int)), nil
		return m.flush()
	}
	title, done, ok := checkbox(words)
	if !ok {
		m.describe(indent, s)
		return nil
	}
	if err := m.flush(); err != nil {
		return err
	}
	for n := len(m.above); n > 0 && m.above[n-1].indent >= indent; n-- {
		m.above = m.above[:n-1]
	}
	i := &Issue{Line: line, Title: title, Author: "unknown", Priority: event.Medium, Milestone: m.heading}
	i.Key = wordsKey(m.o.Path+"#", title, m.seen)
	if done {
		i.Status = event.Closed
	}
	if n := len(m.above); n > 0 {
		i.Parent = m.above[n-1].key
	}
	m.above, m.last = append(m.above, task{indent, i.Key}), i
	m.out.Report.Read++
	return nil
}

// fenceOf returns the mark that begins or ends a block of code, "" if there is none.
func fenceOf(words string) string {
	for _, c := range "`~" {
		if n := len(words) - len(strings.TrimLeft(words, string(c))); n >= 3 {
			return words[:n]
		}
	}
	return ""
}

// checkbox reads a task, whose mark is a bullet or a number.
func checkbox(words string) (title string, done, ok bool) {
	rest := strings.TrimLeft(words, "0123456789")
	marks := ".)"
	if len(rest) == len(words) {
		marks = "-*+"
	}
	if len(rest) < 6 || !strings.ContainsRune(marks, rune(rest[0])) || rest[1:3] != " [" || rest[4:6] != "] " {
		return "", false, false
	}
	title = strings.TrimSpace(rest[6:])
	return title, rest[3] != ' ', title != "" && bytes.IndexByte([]byte(" xX"), rest[3]) >= 0
}

// describe adds a line below a task to its description.
func (m *markdown) describe(indent int, s string) {
	if m.last == nil {
		return
	}
	at := m.above[len(m.above)-1].indent
	if (indent > at || s == "" || m.fence != "") && m.text.Len() < MaxRow {
		m.text.WriteString(strings.TrimPrefix(s, strings.Repeat(" ", min(indent, at+2))) + "\n")
	}
}

// flush passes on the newest task.
func (m *markdown) flush() error {
	i := m.last
	if m.last = nil; i == nil {
		return nil
	}
	i.Description = strings.TrimSpace(m.text.String())
	m.text.Reset()
	if i.Milestone != "" && !m.milestones[i.Milestone] {
		m.milestones[i.Milestone] = true
		if err := m.out.Milestone(&Milestone{Key: i.Milestone, Name: i.Milestone}); err != nil {
			return err
		}
	}
	return m.out.Issue(i)
}

// wordsKey makes a key from the words of an item without an id; items with equal words are
// counted.
func wordsKey(prefix, words string, same map[string]int) string {
	sum := sha256.Sum256([]byte(words))
	key := prefix + hex.EncodeToString(sum[:8])
	same[key]++
	if n := same[key]; n > 1 {
		key += "-" + strconv.Itoa(n)
	}
	return key
}
