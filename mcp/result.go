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
	Names names `json:"names"`
}

// names are what agents call themselves, by id.
type names map[string]string

// of is an agent with its name.
func (n names) of(id string) string {
	if name := n[id]; name != "" && name != id {
		return name + " (" + id + ")"
	}
	return id
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

// page says where a list was cut.
type page struct {
	Total int     `json:"total"`
	Limit int     `json:"limit"`
	Next  *string `json:"next"` // what 'after' takes; null at the end
}

// milestone and request are what is read of these, and passed on.
type milestone struct {
	Short       string  `json:"short"`
	Number      uint64  `json:"number,omitempty"`
	Name        string  `json:"name"`
	Description string  `json:"description"`
	Status      string  `json:"status"`
	DueAt       *string `json:"due_at"`
	Issues      int     `json:"issue_count"`
	Closed      int     `json:"closed_count"`
}

type request struct {
	ID     string  `json:"id"`
	By     string  `json:"by"`
	Target string  `json:"target"`
	Kind   string  `json:"kind"`
	Reason *string `json:"reason"`
	Result *string `json:"result"`
	Names  names   `json:"names"`
}

// structured is the structured result of every tool.
type structured struct {
	Outcome    string      `json:"outcome"` // done, held, waiting, taken …; the kind of the failure if it is one
	Code       int         `json:"code"`    // docs/exit-codes.md
	Issues     []row       `json:"issues"`
	Milestones []milestone `json:"milestones,omitempty"`
	Requests   []request   `json:"requests,omitempty"`
	Next       *row        `json:"next,omitempty"`
	Page       *page       `json:"page,omitempty"`
	Message    string      `json:"message,omitempty"`
	Hints      []string    `json:"hints,omitempty"`
}

// answered is what a command's data holds, in one shape.
type answered struct {
	text       string // of prime
	outcome    string
	issues     []issue
	next       *issue
	milestones []milestone
	requests   []request
}

// readData finds issues, milestones and requests in what a command answered.
func readData(t *tool, data json.RawMessage) (a answered) {
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return a
	}
	if data[0] == '[' {
		if t.name == milestoneTool {
			_ = json.Unmarshal(data, &a.milestones)
			return a
		}
		_ = json.Unmarshal(data, &a.issues)
		return a
	}
	var d struct {
		Text      string     `json:"text"`
		Outcome   string     `json:"outcome"`
		Issue     *issue     `json:"issue"`
		Issues    []issue    `json:"issues"`
		Next      *issue     `json:"next"`
		Milestone *milestone `json:"milestone"`
		Requests  []request  `json:"requests"`
		Claims    []struct {
			Outcome string `json:"outcome"`
			Issue   issue  `json:"issue"`
		} `json:"claims"`
		milestone // of 'milestone show'
	}
	_ = json.Unmarshal(data, &d)
	a = answered{text: d.Text, outcome: d.Outcome, issues: d.Issues, next: d.Next, requests: d.Requests}
	switch {
	case d.Milestone != nil:
		a.milestones = append(a.milestones, *d.Milestone)
	case t.name == milestoneTool && d.Name != "":
		a.milestones = append(a.milestones, d.milestone)
	}
	if d.Issue != nil && d.Issue.UUID != "" {
		a.issues = append(a.issues, *d.Issue)
	}
	for _, c := range d.Claims {
		a.outcome = c.Outcome
		a.issues = append(a.issues, c.Issue)
	}
	return a
}

// composition is a result that is being composed.
type composition struct {
	structured
	head   string   // our own words
	lines  []string // what others may have written; goes into the fence
	failed bool
}

// compose makes the result of a call of the answers of its commands.
func compose(t *tool, a args, all []*envelope) (text string, s structured, failed bool) {
	c := composition{structured: structured{Outcome: "done", Issues: []row{}}}
	for _, e := range all {
		c.add(t, a, e)
	}
	c.trim()
	switch {
	case len(c.lines) > 0:
		c.head += prime.Fenced(c.lines, nonce(), maxText-len(c.head)-c.size())
	case c.head == "" && t.name == "context":
		c.head = "There is no tracker here. Start one with: git crosslink init\n"
	case c.head == "":
		c.head = "done\n"
	}
	return c.head, c.structured, c.failed
}

// add adds what one command answered.
func (c *composition) add(t *tool, a args, e *envelope) {
	d := readData(t, e.Data)
	if c.Code = max(c.Code, e.Code); d.outcome != "" {
		c.Outcome = d.outcome
	}
	if t.name == "context" {
		c.head += d.text
	}
	if e.Page != nil {
		c.Page = e.Page
	}
	for i := range d.issues {
		c.Issues = append(c.Issues, rowOf(&d.issues[i]))
		c.lines = append(c.lines, describe(&d.issues[i], t.name == "show", a.number("comments", maxComments))...)
	}
	for _, m := range d.milestones {
		c.Milestones = append(c.Milestones, m)
		c.lines = append(c.lines, m.lines()...)
	}
	for _, r := range d.requests {
		c.Requests = append(c.Requests, r)
		c.lines = append(c.lines, r.line())
	}
	if d.next != nil {
		n := rowOf(d.next)
		c.Next = &n
		c.lines = append(c.lines, "next: "+line(d.next))
	}
	if e.Error != nil {
		c.fail(e)
	}
}

// fail adds why a command did not do what was asked. A message may quote what
// somebody else wrote, so it goes into the fence.
func (c *composition) fail(e *envelope) {
	c.Outcome, c.Message, c.failed = e.Error.Kind, e.Error.Message, e.Code >= 4
	c.head += fmt.Sprintf("exit status %d\n", e.Code)
	c.lines = append(c.lines, e.Error.Message)
	for _, h := range e.Error.Hints {
		c.Hints = append(c.Hints, h)
		c.lines = append(c.lines, "hint: "+h)
	}
}

// size is what the structured result takes of a result's bytes.
func (c *composition) size() int {
	b, _ := json.Marshal(clean(c.structured))
	return len(b)
}

// clean is a structured result in which no text hides anything from a reader.
func clean(s structured) any {
	b, _ := json.Marshal(s)
	var v any
	_ = json.Unmarshal(b, &v)
	return cleaned(v)
}

func cleaned(v any) any {
	switch v := v.(type) {
	case string:
		return prime.Clean(v)
	case []any:
		for i := range v {
			v[i] = cleaned(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = cleaned(v[k])
		}
	}
	return v
}

// trim leaves out the last issues of a list that is too long for a result. The
// list continues after the last issue that is left.
func (c *composition) trim() {
	kept := len(c.Issues)
	for kept > 1 && c.size() > maxText*2/3 {
		kept = max(1, kept*3/4)
		c.Issues = c.Issues[:kept]
		if c.Page != nil {
			c.Page = &page{c.Page.Total, c.Page.Limit, &c.Issues[kept-1].ID}
		}
	}
}

// lines are a milestone with its description.
func (m milestone) lines() []string {
	s := fmt.Sprintf("milestone %s (%s) %s, %d of %d issues closed", m.Name, m.Short, m.Status, m.Closed, m.Issues)
	if m.DueAt != nil {
		s += ", due " + *m.DueAt
	}
	return append([]string{s}, texts(m.Description)...)
}

// line is a request in one line.
func (r request) line() string {
	s := fmt.Sprintf("request %s: %s asks %s to %s", r.ID, r.Names.of(r.By), r.Names.of(r.Target), r.Kind)
	if r.Reason != nil {
		s += ": " + cutText(*r.Reason, 200)
	}
	if r.Result != nil {
		s += "; answered: " + cutText(*r.Result, 200)
	}
	return s
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
		s += "  @" + i.Names.of(i.Lock.Holder)
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
func describe(i *issue, whole bool, comments int) []string {
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
	if more := len(i.Comments) - comments; more > 0 {
		lines = append(lines, fmt.Sprintf("  (%d older comments are not shown)", more))
		i.Comments = i.Comments[more:]
	}
	for _, c := range i.Comments {
		lines = append(lines, fmt.Sprintf("  %s by %s, %s:", c.Kind, i.Names.of(c.Author), c.CreatedAt))
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
	s = cutText(s, maxDescription)
	for l := range strings.Lines(s) {
		lines = append(lines, "    "+strings.TrimRight(l, "\n"))
	}
	if left > 0 {
		lines = append(lines, fmt.Sprintf("    (%d more bytes)", left))
	}
	return lines
}

// cutText is the beginning of a text, of at most n bytes.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
