// Package setup says how the programs that run AI agents learn of the tracker:
// which files they read, what has to be in them, and how that is put into a file,
// and taken out, so that every other byte stays as it is.
//
// The package is pure.
package setup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// Agent is a program, or a family of programs, that can be set up to use the tracker.
type Agent struct {
	Name    string
	Title   string
	Program string // what it is called on PATH; "" for a family
	Note    string // what its user has to know; "" for nothing
	local   string // the file of its hooks that only a worktree has, "" if there is none
	shared  string // the one that is tracked
	parts   func(file string) []Part
	control func(file string) []Part // nil if its steps cannot be stopped
	server  func() []Part            // nil if it is not known where it reads of MCP servers
}

// Want says which parts are wanted.
type Want struct {
	Shared  bool // in files that are tracked, not in files that only this worktree has
	Server  bool
	Control bool
}

// Parts are what is installed for an agent. It is empty if the agent reads no
// such file.
func (a *Agent) Parts(w Want) []Part {
	file := a.local
	if w.Shared {
		file = a.shared
	}
	if file == "" {
		return nil
	}
	parts := a.parts(file)
	if w.Control && a.control != nil {
		parts = append(parts, a.control(file)...)
	}
	if w.Server && a.HasServer() {
		parts = append(parts, a.server()...)
	}
	return parts
}

// HasServer reports whether it is known where an agent reads of MCP servers.
func (a *Agent) HasServer() bool { return a.server != nil }

// HasControl reports whether an agent's steps can be stopped.
func (a *Agent) HasControl() bool { return a.control != nil }

// Part is one thing in one file.
type Part struct {
	What string // "hook", "section", "rule", "control" or "server"
	File string // below the top of the worktree

	path  []string // of a JSON document
	value string   // what is an element, or a member, at the path
	sign  string   // a text in the part, by which one that somebody wrote is known
	head  string   // of a file that has nothing but a section
}

// The commands that hooks run, and by which they are known.
const (
	primeSign   = "git crosslink prime"
	controlSign = "git crosslink agent flags"
)

// hook is an element of hooks.<event>: a command that does nothing where there is
// no git crosslink.
func hook(what, file, event, sign, run, matcher string, timeout int) Part {
	type command struct {
		Name    string `json:"name,omitempty"`
		Type    string `json:"type"`
		Command string `json:"command"`
		Timeout int    `json:"timeout"`
	}
	c := command{Type: "command", Command: "command -v git-crosslink >/dev/null || exit 0; " + run, Timeout: timeout}
	if timeout >= 1000 { // gemini, which counts milliseconds
		c.Name = "crosslink-" + what
	}
	return Part{What: what, File: file, path: []string{"hooks", event}, sign: sign, value: compact(struct {
		Matcher string    `json:"matcher,omitempty"`
		Hooks   []command `json:"hooks"`
	}{matcher, []command{c}})}
}

// server is a member of mcpServers.
func server(file string) func() []Part {
	return func() []Part {
		return []Part{{What: "server", File: file, path: []string{"mcpServers", "crosslink"}, value: compact(struct {
			Command string   `json:"command"`
			Args    []string `json:"args"`
		}{"git", []string{"crosslink", "mcp"}})}}
	}
}

func compact(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // plain data
	return strings.TrimSuffix(b.String(), "\n")
}

// prime is the hook of a session's start.
func prime(agent, matcher string, timeout int) func(string) []Part {
	return func(file string) []Part {
		return []Part{hook("hook", file, "SessionStart", primeSign, primeSign+" --hook "+agent, matcher, timeout)}
	}
}

// control is the hook before each step.
func control(event string, timeout int) func(string) []Part {
	return func(file string) []Part {
		return []Part{hook("control", file, event, controlSign, controlSign+" --strict --hook", "", timeout)}
	}
}

const ruleHead = `---
description: This repository tracks its issues with git crosslink
alwaysApply: true
---
`

// Agents are the agents there are, in the order in which they are listed.
var Agents = []Agent{
	{Name: "agents-md", Title: "AGENTS.md, for opencode, amp, zed, copilot and others", shared: "AGENTS.md",
		parts: func(file string) []Part { return []Part{{What: "section", File: file}} }},
	{Name: "claude", Title: "Claude Code", Program: "claude", local: ".claude/settings.local.json", shared: ".claude/settings.json",
		parts: prime("claude", "startup|resume|clear|compact", 10), control: control("PreToolUse", 10), server: server(".mcp.json")},
	{Name: "codex", Title: "Codex", Program: "codex", shared: ".codex/hooks.json",
		Note:  "codex runs a hook only after you have trusted it: open /hooks in codex",
		parts: prime("codex", "startup|resume|clear", 10), control: control("PreToolUse", 10)},
	{Name: "gemini", Title: "Gemini CLI", Program: "gemini", shared: ".gemini/settings.json",
		parts: prime("gemini", "", 10_000), control: control("BeforeTool", 10_000), server: server(".gemini/settings.json")},
	{Name: "cursor", Title: "Cursor", Program: "cursor", local: ".cursor/rules/crosslink.mdc", shared: ".cursor/rules/crosslink.mdc",
		parts:  func(file string) []Part { return []Part{{What: "rule", File: file, head: ruleHead}} },
		server: server(".cursor/mcp.json")},
}

// Find returns an agent by its name.
func Find(name string) (*Agent, bool) {
	for k := range Agents {
		if Agents[k].Name == name {
			return &Agents[k], true
		}
	}
	return nil, false
}

// State is the state of a part of a file.
type State string

// The states.
const (
	Missing  State = "missing"
	InPlace  State = "in place"
	Outdated State = "outdated" // of another version, changed by nobody
	Changed  State = "changed"  // somebody has written or changed it
	Unknown  State = "unknown"  // the file is not understood
)

// Works reports whether the part does its work.
func (s State) Works() bool { return s == InPlace || s == Outdated || s == Changed }

// Snippet is what somebody adds by hand.
func (p Part) Snippet() string {
	if p.path == nil {
		return p.head + section("\n")
	}
	return string(p.whole())
}

// whole is a file that has nothing but the part.
func (p Part) whole() []byte {
	if p.path == nil {
		return []byte(p.head + section("\n"))
	}
	e, _ := p.insertJSON([]byte("{}\n"))
	return e.Doc
}

// Look returns the state of a part of a file's text.
func (p Part) Look(doc []byte) State {
	if !utf8.Valid(doc) {
		return Unknown
	}
	if p.path == nil {
		s, ok := findSection(doc)
		switch {
		case !ok, p.head != "" && s == nil:
			return Unknown
		case s == nil:
			return Missing
		}
		return s.state(doc)
	}
	n, err := p.find(doc)
	switch {
	case err != nil:
		return Unknown
	case n == nil:
		return Missing
	case p.same(doc, n):
		return InPlace
	}
	return Changed
}

// Edit is a text that is put into a file.
type Edit struct {
	Doc  []byte // the file afterward
	Lead string // what separates the text from what was there before
	Text string
}

// Insert puts the part into a file, nil if there is none. It fails if the
// structure of the file is not known.
func (p Part) Insert(doc []byte) (Edit, error) {
	switch {
	case doc == nil:
		whole := p.whole()
		return Edit{Doc: whole, Text: string(whole)}, nil
	case p.path != nil:
		return p.insertJSON(doc)
	case p.head != "":
		return Edit{}, errUnknown // a file of somebody else's
	}
	end := eol(doc)
	e := Edit{Text: section(end)}
	if len(bytes.TrimPrefix(doc, bom)) > 0 {
		e.Lead = end
		if !bytes.HasSuffix(doc, []byte("\n")) {
			e.Lead += end
		}
	}
	e.Doc = append(append(bytes.Clone(doc), e.Lead...), e.Text...)
	return e, nil
}

// Update brings an outdated part up to date.
func (p Part) Update(doc []byte) Edit {
	s, _ := findSection(doc)
	text := section(eol(doc))
	return Edit{Text: text, Doc: bytes.Join([][]byte{doc[:s.from], []byte(text), doc[s.to:]}, nil)}
}

// Undo takes a text out again that Insert has put in, although the file may have
// changed since. It fails if the text is not there once.
func Undo(doc []byte, lead, text string) ([]byte, bool) {
	if lead != "" && bytes.HasSuffix(doc, []byte(lead+text)) {
		return doc[:len(doc)-len(lead)-len(text)], true
	}
	if text == "" || bytes.Count(doc, []byte(text)) != 1 {
		return nil, false
	}
	return bytes.Replace(doc, []byte(text), nil, 1), true
}

// Remove takes the part out of a file of which it is not known how it got there,
// or that was written again since. It fails if somebody has changed the part.
func (p Part) Remove(doc []byte) ([]byte, bool) {
	if p.path != nil {
		rest := p.removeJSON(doc)
		return rest, rest != nil
	}
	s, ok := findSection(doc)
	if !ok || s == nil || !s.state(doc).clean() {
		return nil, false
	}
	return bytes.Join([][]byte{doc[:s.from], doc[s.to:]}, nil), true
}

// clean reports that nobody changed a part.
func (s State) clean() bool { return s == InPlace || s == Outdated }

// Empty reports that nothing is left of a file that the part was taken out of.
func (p Part) Empty(doc []byte) bool {
	text := string(bytes.TrimSpace(bytes.TrimPrefix(doc, bom)))
	return text == "" || p.path != nil && text == "{}" || p.head != "" && text == strings.TrimSpace(p.head)
}

// find returns the part's value in a document: an element of the array at the
// path, or the member at the path; nil if there is none.
func (p Part) find(doc []byte) (*node, error) {
	n, rest, err := p.walk(doc)
	if err != nil || len(rest) > 0 {
		return nil, err
	}
	if p.sign == "" {
		return n, nil
	}
	var found *node
	for _, v := range n.values {
		if v.holds(doc, p.sign) && (found == nil || !p.same(doc, found)) {
			found = v
		}
	}
	return found, nil
}

// walk follows the path as far as it exists, and returns the rest.
func (p Part) walk(doc []byte) (n *node, rest []string, err error) {
	if n, err = parse(doc); err != nil {
		return nil, nil, err
	}
	for k, key := range p.path {
		if n.kind != '{' {
			return nil, nil, errUnknown
		}
		next, one := n.member(key)
		if !one {
			return nil, nil, errUnknown
		}
		if next == nil {
			return n, p.path[k:], nil
		}
		n = next
	}
	if p.sign != "" && n.kind != '[' {
		return nil, nil, errUnknown
	}
	return n, nil, nil
}

func (p Part) same(doc []byte, n *node) bool {
	own, _ := parse([]byte(p.value))
	return reflect.DeepEqual(n.plain(doc), own.plain([]byte(p.value)))
}

func (p Part) insertJSON(doc []byte) (Edit, error) {
	n, rest, err := p.walk(doc)
	if err != nil {
		return Edit{}, err
	}
	value, key := p.value, ""
	if len(rest) > 0 {
		if p.sign != "" {
			value = "[" + value + "]"
		}
		for k := len(rest) - 1; k > 0; k-- {
			value = compact(map[string]json.RawMessage{rest[k]: json.RawMessage(value)})
		}
		key = rest[0]
	} else if p.sign == "" {
		return Edit{}, errUnknown
	}
	e := Edit{Text: n.insertion(doc, key, value)}
	at := n.start + 1
	if len(n.values) > 0 && !strings.Contains(e.Text, "\n") {
		at = n.childAt(doc)
	}
	e.Doc = bytes.Join([][]byte{doc[:at], []byte(e.Text), doc[at:]}, nil)
	return e, nil
}

// removeJSON takes out the part's value with its comma. It returns nil if that is
// not there as this package writes it.
func (p Part) removeJSON(doc []byte) []byte {
	own, err := p.find(doc)
	if err != nil || own == nil || !p.same(doc, own) {
		return nil
	}
	in, _, _ := Part{path: p.path[:len(p.path)-1]}.walk(doc)
	if p.sign != "" {
		in, _ = in.member(p.path[len(p.path)-1])
	}
	for k, v := range in.values {
		if v.start != own.start {
			continue
		}
		from, to := v.start, v.end
		if in.kind == '{' {
			from = keyAt(doc, in, k)
		}
		switch {
		case in.commas[k] >= 0:
			to = in.commas[k] + 1
		case k > 0: // the comma before it would be left over
			doc = bytes.Clone(doc)
			doc[in.commas[k-1]] = ' '
		}
		if margin, alone := marginBefore(doc, from); alone {
			from -= len(margin)
			if rest := bytes.TrimLeft(doc[to:], " \t\r"); len(rest) > 0 && rest[0] == '\n' {
				to = len(doc) - len(rest) + 1
			}
		}
		return bytes.Join([][]byte{doc[:from], doc[to:]}, nil)
	}
	return nil
}

// keyAt is where the key of a member begins.
func keyAt(doc []byte, n *node, k int) int {
	p := &parser{doc: doc, at: n.start + 1}
	if k > 0 {
		p.at = n.commas[k-1] + 1
	}
	p.space()
	return p.at
}

// The section of a Markdown file. The hash in its first line tells whether
// somebody changed what is below.
const (
	sectionBegin = "<!-- crosslink:begin "
	sectionEnd   = "<!-- crosslink:end -->"
	version      = "v1"

	sectionText = "## Issues\n" +
		"Track work here with `git crosslink`. `git crosslink prime` prints how to work and where you stand; run it again after your context was compacted.\n" +
		"- `git crosslink ready --claim` claims the next issue, `show ID` shows it, `close ID -r 'what was done' --claim-next` closes it.\n" +
		"- If you find other work: `git crosslink new 'title' --discovered-from ID`.\n" +
		"- Exit status 2: somebody else holds the issue. The tracker syncs by itself; your rules for commits and branches stay as they are.\n"
)

// section returns the section with line endings of the form end.
func section(end string) string {
	text := sectionBegin + version + " sha256:" + hashOf(sectionText) + " -->\n" + sectionText + sectionEnd + "\n"
	return strings.ReplaceAll(text, "\n", end)
}

func hashOf(lines string) string {
	sum := sha256.Sum256([]byte(strings.ReplaceAll(lines, "\r\n", "\n")))
	return hex.EncodeToString(sum[:])
}

// span is where a section is, markers included.
type span struct{ from, to int }

// findSection finds the section, nil if there is none. It fails if the markers do
// not make one.
func findSection(doc []byte) (*span, bool) {
	begins, ends := bytes.Count(doc, []byte(sectionBegin)), bytes.Count(doc, []byte(sectionEnd))
	if begins == 0 && ends == 0 {
		return nil, true
	}
	s := &span{from: bytes.Index(doc, []byte(sectionBegin)), to: bytes.Index(doc, []byte(sectionEnd))}
	if begins != 1 || ends != 1 || s.to < s.from {
		return nil, false
	}
	s.to += len(sectionEnd)
	for _, end := range []string{"\r\n", "\n"} {
		if bytes.HasPrefix(doc[s.to:], []byte(end)) {
			s.to += len(end)
			break
		}
	}
	return s, true
}

// state says whether a section is the current one.
func (s *span) state(doc []byte) State {
	text := strings.ReplaceAll(string(doc[s.from:s.to]), "\r\n", "\n")
	first, rest, _ := strings.Cut(text, "\n")
	lines, _, _ := strings.Cut(rest, sectionEnd)
	var made, sum string
	if _, err := fmt.Sscanf(first, sectionBegin+"%s sha256:%s -->", &made, &sum); err != nil || sum != hashOf(lines) {
		return Changed
	}
	if made != version || lines != sectionText {
		return Outdated
	}
	return InPlace
}
