package mcp

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/cli/prime"
)

// Bounds of a result, in bytes.
const (
	maxText        = 12_000
	maxDescription = 4_000
	maxComments    = 5
)

// issue is what is read of an issue, whatever command answered.
type issue struct {
	UUID        string   `json:"uuid"`
	Short       string   `json:"short"`
	Number      uint64   `json:"number"`
	Title       string   `json:"title"`
	Status      string   `json:"status"`
	Priority    string   `json:"priority"`
	Labels      []string `json:"labels"`
	Reason      *string  `json:"reason"`
	Lock        *lock    `json:"lock"`
	BlockedBy   []ref    `json:"blocked_by"`
	Parent      *ref     `json:"parent"`
	Description string   `json:"description"`
	Comments    []struct {
		Author    string `json:"author"`
		CreatedAt string `json:"created_at"`
		Kind      string `json:"kind"`
		Content   string `json:"content"`
	} `json:"comments"`
}

type lock struct {
	Holder    string `json:"holder"`
	Confirmed bool   `json:"confirmed"`
}

type ref struct {
	Number uint64 `json:"number"`
	Short  string `json:"short"`
}

func name(number uint64, short string) string {
	if number > 0 {
		return fmt.Sprint(number)
	}
	return short
}

// row is an issue in a structured result.
type row struct {
	ID       string   `json:"id"`
	UUID     string   `json:"uuid"`
	Title    string   `json:"title"`
	Status   string   `json:"status"`
	Priority string   `json:"priority"`
	Labels   []string `json:"labels"`
	Holder   string   `json:"holder,omitempty"`
}

// structured is the structured result of every tool.
type structured struct {
	Outcome string   `json:"outcome"` // done, held, waiting, taken …; the kind of the failure if it is one
	Code    int      `json:"code"`    // docs/exit-codes.md
	Issues  []row    `json:"issues"`
	Next    *row     `json:"next,omitempty"`
	Message string   `json:"message,omitempty"`
	Hints   []string `json:"hints,omitempty"`
}

// answered is what a command's data holds, in one shape.
type answered struct {
	text    string // of prime
	outcome string
	issues  []issue
	next    *issue
}

// readData finds issues in what a command answered.
func readData(data json.RawMessage) (a answered) {
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return a
	}
	if data[0] == '[' {
		_ = json.Unmarshal(data, &a.issues)
		return a
	}
	var d struct {
		Text    string  `json:"text"`
		Outcome string  `json:"outcome"`
		Issue   *issue  `json:"issue"`
		Issues  []issue `json:"issues"`
		Next    *issue  `json:"next"`
		Claims  []struct {
			Outcome string `json:"outcome"`
			Issue   issue  `json:"issue"`
		} `json:"claims"`
	}
	_ = json.Unmarshal(data, &d)
	a.text, a.outcome, a.issues, a.next = d.Text, d.Outcome, d.Issues, d.Next
	if d.Issue != nil && d.Issue.UUID != "" {
		a.issues = append(a.issues, *d.Issue)
	}
	for _, c := range d.Claims {
		a.outcome = c.Outcome
		a.issues = append(a.issues, c.Issue)
	}
	return a
}

// compose makes the result of a call of the answers of its commands.
func compose(t *tool, all []*envelope) (text string, s structured, failed bool) {
	s = structured{Outcome: "done", Issues: []row{}}
	var b strings.Builder
	var lines []string
	for _, e := range all {
		a := readData(e.Data)
		if s.Code = max(s.Code, e.Code); a.outcome != "" {
			s.Outcome = a.outcome
		}
		if t.name == "context" {
			b.WriteString(a.text)
		}
		for i := range a.issues {
			s.Issues = append(s.Issues, rowOf(&a.issues[i]))
			lines = append(lines, describe(&a.issues[i], t.name == "show")...)
		}
		if a.next != nil {
			n := rowOf(a.next)
			s.Next = &n
			lines = append(lines, "next: "+line(a.next))
		}
		if e.Error != nil {
			s.Outcome, s.Message, s.Hints = e.Error.Kind, e.Error.Message, e.Error.Hints
			failed = e.Code >= 4
			fmt.Fprintf(&b, "%s\n", prime.Escape(e.Error.Message))
			for _, h := range e.Error.Hints {
				fmt.Fprintf(&b, "hint: %s\n", prime.Escape(h))
			}
		}
	}
	switch {
	case len(lines) > 0:
		b.WriteString(prime.Fenced(lines, nonce(), maxText-b.Len()))
	case b.Len() == 0 && t.name == "context":
		b.WriteString("There is no tracker here. Start one with: git crosslink init\n")
	case b.Len() == 0:
		b.WriteString("done\n")
	}
	return b.String(), s, failed
}

func nonce() string {
	var b [6]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func rowOf(i *issue) row {
	r := row{ID: name(i.Number, i.Short), UUID: i.UUID, Title: i.Title, Status: i.Status, Priority: i.Priority, Labels: i.Labels}
	if i.Lock != nil {
		r.Holder = i.Lock.Holder
	}
	return r
}

// line is an issue in one line.
func line(i *issue) string {
	s := fmt.Sprintf("%s [%s] %s", name(i.Number, i.Short), i.Priority, i.Title)
	if i.Status != "open" {
		s += " (" + i.Status + ")"
	}
	if len(i.Labels) > 0 {
		s += "  {" + strings.Join(i.Labels, ", ") + "}"
	}
	if i.Lock != nil {
		s += "  @" + i.Lock.Holder
		if !i.Lock.Confirmed {
			s += " (not confirmed)"
		}
	}
	if len(i.BlockedBy) > 0 {
		names := make([]string, len(i.BlockedBy))
		for n, r := range i.BlockedBy {
			names[n] = name(r.Number, r.Short)
		}
		s += "  blocked by " + strings.Join(names, ", ")
	}
	return s
}

// describe is an issue in lines, with its texts if they are wanted: the newest
// comments last.
func describe(i *issue, whole bool) []string {
	lines := []string{line(i)}
	if !whole {
		return lines
	}
	if i.Parent != nil {
		lines = append(lines, "  child of "+name(i.Parent.Number, i.Parent.Short))
	}
	if i.Reason != nil {
		lines = append(lines, "  reason: "+*i.Reason)
	}
	lines = append(lines, texts(i.Description)...)
	if more := len(i.Comments) - maxComments; more > 0 {
		lines = append(lines, fmt.Sprintf("  (%d older comments are not shown)", more))
		i.Comments = i.Comments[more:]
	}
	for _, c := range i.Comments {
		lines = append(lines, fmt.Sprintf("  %s by %s, %s:", c.Kind, c.Author, c.CreatedAt))
		lines = append(lines, texts(c.Content)...)
	}
	return lines
}

// texts is a text in lines, cut where it is too long.
func texts(s string) (lines []string) {
	if s == "" {
		return nil
	}
	left := len(s) - maxDescription
	if left > 0 {
		s = strings.ToValidUTF8(s[:maxDescription], "")
	}
	for l := range strings.Lines(s) {
		lines = append(lines, "    "+strings.TrimRight(l, "\n"))
	}
	if left > 0 {
		lines = append(lines, fmt.Sprintf("    (%d more bytes)", left))
	}
	return lines
}
