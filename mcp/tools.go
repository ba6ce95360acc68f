package mcp

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// tool is one tool: what it is called, what it takes and which command it is.
type tool struct {
	name   string
	set    string // read, write or admin
	what   string
	params []param
	run    func(args) []command // which commands it comes to, in this order
}

// param is one argument of a tool.
type param struct {
	name     string
	kind     string // of JSON: string, integer, boolean, "strings" for an array of them, or "choice" for one of the words of what
	what     string // "" if the name says it
	required bool
}

// command is one run of git-crosslink.
type command struct {
	words []string
	stdin string
}

// sets are the sets of tools, each with those before it.
var sets = []string{"read", "write", "admin"}

const (
	milestoneTool    = "milestone"
	milestoneActions = "list, show, new, edit, close, reopen, delete, add, remove"
)

const kinds = "note, decision, observation, blocker, result"

// tools are all tools, in the order in which they are listed.
var tools = []tool{
	{"context", "read", "How to work here, what you hold, what is ready. Call it first.", nil,
		func(args) []command { return one("", "prime") }},
	{"ready", "read", "List issues to work on now, best first.", []param{
		{"label", "strings", "", false}, {"parent", "string", "", false}, {"limit", "integer", "default 10", false},
	}, func(a args) []command {
		return one("", slices.Concat([]string{"ready"}, a.each("--label", "label"), a.opt("--parent", "parent"), a.limit(10))...)
	}},
	{"list", "read", "Find issues.", []param{
		{"text", "string", "words to search for", false}, {"status", "string", "open, closed, archived, all", false},
		{"label", "strings", "", false}, {"assignee", "string", "", false}, {"blocked", "boolean", "blocked issues", false}, {"limit", "integer", "default 20", false}, {"after", "string", "page.next", false},
	}, listCommand},
	{"show", "read", "Show issues: description, comments, links.", []param{{"ids", "strings", "", true}, {"comments", "integer", "default 5", false}},
		func(a args) []command { return one("", append([]string{"show", "--"}, a.list("ids")...)...) }},

	{"new", "write", "Create an issue.", []param{
		{"title", "string", "", true}, {"description", "string", "", false}, {"priority", "string", "low, medium, high, critical", false},
		{"labels", "strings", "", false}, {"parent", "string", "", false}, {"blocked_by", "strings", "", false},
		{"discovered_from", "string", "issue you worked on", false}, {"claim", "boolean", "", false},
	}, newCommand},
	{"claim", "write", "Claim an issue: this one, or the best ready one. Outcome held: it is yours.", []param{
		{"id", "string", "", false}, {"wait", "boolean", "queue if held", false},
	}, func(a args) []command {
		if a.str("id") == "" {
			return one("", "ready", "--claim")
		}
		return one("", slices.Concat([]string{"lock"}, a.flag("--queue", "wait"), []string{"--", a.str("id")})...)
	}},
	{"release", "write", "Release an issue.", []param{{"id", "string", "", true}},
		func(a args) []command { return one("", "unlock", "--", a.str("id")) }},
	{"comment", "write", "Comment on an issue.", []param{
		{"id", "string", "", true}, {"text", "string", "", true}, {"kind", "string", kinds, false},
	}, func(a args) []command {
		return one(a.str("text"), slices.Concat([]string{"comment", "-F", "-"}, a.opt("-k", "kind"), []string{"--", a.str("id")})...)
	}},
	{"edit", "write", "Change an issue. In labels, assign and blocked_by, -x removes x.", []param{
		{"id", "string", "", true}, {"title", "string", "", false}, {"description", "string", "", false}, {"priority", "string", "", false},
		{"labels", "strings", "", false}, {"assign", "strings", "", false}, {"blocked_by", "strings", "", false}, {"status", "choice", "open, archived", false},
	}, editCommands},
	{"close", "write", "Close issues.", []param{
		{"ids", "strings", "", true}, {"reason", "string", "what was done", false}, {"claim_next", "boolean", "claim the next one", false},
	}, func(a args) []command {
		return one("", slices.Concat([]string{"close"}, a.opt("--reason", "reason"), a.flag("--claim-next", "claim_next"), []string{"--"}, a.list("ids"))...)
	}},
	{"handoff", "write", "End your session: what is done, what is left, pitfalls.", []param{{"notes", "string", "", true}},
		func(a args) []command { return one(a.str("notes"), "session", "end", "-F", "-") }},
	{"ack", "write", "Answer a request to you.", []param{
		{"id", "string", "", true}, {"acted", "boolean", "false: you refuse", true}, {"result", "string", "", false},
	}, func(a args) []command {
		answer := "--refused"
		if a.is("acted") {
			answer = "--acted"
		}
		return one("", slices.Concat([]string{"request", "ack", answer}, a.opt("--result", "result"), []string{"--", a.str("id")})...)
	}},

	{"break_lock", "admin", "Break somebody else's lock.", []param{{"id", "string", "", true}, {"reason", "string", "", true}},
		func(a args) []command {
			return one("", "unlock", "--break", "--reason", a.str("reason"), "--", a.str("id"))
		}},
	{"request", "admin", "Ask agents to pause, resume, stop, or take an issue first.", []param{
		{"agent", "strings", "", true}, {"kind", "choice", "pause, resume, kill, reprioritise", true}, {"id", "string", "issue to take first", false}, {"reason", "string", "", false},
	}, requestCommand},
	{milestoneTool, "admin", "Work with milestones.", []param{
		{"action", "choice", milestoneActions, true}, {"name", "string", "", false}, {"ids", "strings", "issues to add or remove", false},
		{"title", "string", "new name", false}, {"description", "string", "", false}, {"due", "string", "date", false},
	}, milestoneCommand},
	{"delete", "admin", "Delete an issue permanently.", []param{{"id", "string", "", true}},
		func(a args) []command { return one("", "delete", "--", a.str("id")) }},
	{"sync", "admin", "Sync with the hub now.", nil,
		func(args) []command { return one("", "sync") }},
}

func one(stdin string, words ...string) []command { return []command{{words, stdin}} }

func listCommand(a args) []command {
	words := []string{"list"}
	switch {
	case a.str("text") != "":
		words = []string{"search"}
	case a.is("blocked"):
		words = []string{"blocked"}
	}
	words = slices.Concat(words, a.each("--label", "label"), a.opt("--assignee", "assignee"), a.opt("--after", "after"), a.limit(20))
	if words[0] != "blocked" {
		words = append(words, a.opt("--status", "status")...)
	}
	if words[0] == "search" {
		words = append(words, "--", a.str("text"))
	}
	return one("", words...)
}

func newCommand(a args) []command {
	words := slices.Concat([]string{"new"}, a.opt("--priority", "priority"), a.each("--label", "labels"), a.opt("--parent", "parent"),
		a.each("--blocked-by", "blocked_by"), a.opt("--discovered-from", "discovered_from"), a.flag("--lock", "claim"))
	if a.str("description") != "" {
		words = append(words, "-F", "-")
	}
	return one(a.str("description"), append(words, "--", a.str("title"))...)
}

// editCommands are one for the texts, and one for each kind of set that changes.
func editCommands(a args) (all []command) {
	id := a.str("id")
	edit := command{words: slices.Concat([]string{"edit"}, a.opt("--title", "title"), a.opt("--priority", "priority")), stdin: a.str("description")}
	if a.has("description") {
		edit.words = append(edit.words, "-F", "-")
	}
	if len(edit.words) > 1 {
		edit.words = append(edit.words, "--", id)
		all = append(all, edit)
	}
	for _, set := range [][3]string{{"labels", "label", "unlabel"}, {"assign", "assign", "unassign"}, {"blocked_by", "block", "unblock"}} {
		var add, remove []string
		for _, name := range a.list(set[0]) {
			if gone, ok := strings.CutPrefix(name, "-"); ok {
				remove = append(remove, gone)
			} else {
				add = append(add, name)
			}
		}
		if len(add) > 0 {
			all = append(all, command{words: append([]string{set[1], "--", id}, add...)})
		}
		if len(remove) > 0 {
			all = append(all, command{words: append([]string{set[2], "--", id}, remove...)})
		}
	}
	switch a.str("status") {
	case "open":
		all = append(all, command{words: []string{"reopen", "--", id}})
	case "archived":
		all = append(all, command{words: []string{"archive", "--", id}})
	}
	return all
}

func requestCommand(a args) []command {
	words := slices.Concat([]string{"request", "send"}, a.opt("--reason", "reason"), []string{"--", strings.Join(a.list("agent"), ","), a.str("kind")})
	if a.str("id") != "" {
		words = append(words, a.str("id"))
	}
	return one("", words...)
}

func milestoneCommand(a args) []command {
	action, stdin := a.str("action"), ""
	words := []string{"milestone", action}
	if action == "new" || action == "edit" {
		words = append(words, a.opt("--due", "due")...)
		if a.has("description") {
			words, stdin = append(words, "-F", "-"), a.str("description")
		}
	}
	if action == "edit" {
		words = append(words, a.opt("--title", "title")...)
	}
	words = append(words, "--")
	if a.str("name") != "" {
		words = append(words, a.str("name"))
	}
	return one(stdin, append(words, a.list("ids")...)...)
}

// schema describes what a tool takes, in as few words as models need.
func (t *tool) schema() json.RawMessage {
	var props []string
	var required []string
	for _, p := range t.params {
		s := map[string]any{"type": p.kind}
		switch p.kind {
		case "strings":
			s = map[string]any{"type": "array", "items": map[string]string{"type": "string"}}
		case "choice":
			s["type"] = "string"
		}
		if p.what != "" {
			s["description"] = p.what
		}
		b, _ := json.Marshal(s)
		props = append(props, fmt.Sprintf("%q:%s", p.name, b))
		if p.required {
			required = append(required, p.name)
		}
	}
	out := `{"type":"object","properties":{` + strings.Join(props, ",") + `}`
	if required != nil {
		b, _ := json.Marshal(required)
		out += `,"required":` + string(b)
	}
	return json.RawMessage(out + "}")
}

// args are the arguments of a call, checked against the tool's parameters.
type args map[string]any

// badArgument says what is wrong with an argument.
type badArgument struct{ text string }

func (e *badArgument) Error() string { return e.text }

// parse reads the arguments of a call.
func (t *tool) parse(raw json.RawMessage) (args, error) {
	a := args{}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &a); err != nil {
			return nil, &badArgument{"the arguments are not an object"}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a)) {
		i := slices.IndexFunc(t.params, func(p param) bool { return p.name == name })
		if i < 0 {
			return nil, &badArgument{fmt.Sprintf("'%s' has no argument '%s'; valid arguments: %s", t.name, name, t.names())}
		}
		if a[name] == nil {
			delete(a, name)
			continue
		}
		v, err := t.params[i].read(a[name])
		if err != nil {
			return nil, err
		}
		a[name] = v
	}
	if a.is("blocked") && (a.str("text") != "" || a.str("status") != "") {
		return nil, &badArgument{"'blocked' lists open issues; it cannot be combined with 'text' or 'status'"}
	}
	for _, p := range t.params {
		if p.required && (!a.has(p.name) || p.kind != "boolean" && a.str(p.name) == "" && len(a.list(p.name)) == 0) {
			return nil, &badArgument{fmt.Sprintf("'%s' needs '%s'", t.name, p.name)}
		}
	}
	return a, nil
}

func (t *tool) names() string {
	names := make([]string, len(t.params))
	for i, p := range t.params {
		names[i] = p.name
	}
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// read takes a value in the forms in which models write it: numbers for ids, one
// text for a list of one.
func (p param) read(v any) (any, error) {
	bad := &badArgument{fmt.Sprintf("'%s' must be of type %s", p.name, p.kind)}
	text := func(v any) (string, bool) {
		switch v := v.(type) {
		case string:
			return v, true
		case float64:
			if v == float64(int64(v)) {
				return fmt.Sprint(int64(v)), true
			}
		}
		return "", false
	}
	switch p.kind {
	case "boolean":
		b, ok := v.(bool)
		if !ok {
			return nil, bad
		}
		return b, nil
	case "integer":
		n, ok := v.(float64)
		if !ok || n != float64(int64(n)) || n < 1 || n > 1000 {
			return nil, &badArgument{fmt.Sprintf("'%s' must be a number from 1 to 1000", p.name)}
		}
		return int(n), nil
	case "strings":
		if s, ok := text(v); ok {
			return []string{s}, nil
		}
		list, ok := v.([]any)
		if !ok {
			return nil, bad
		}
		var all []string
		for _, one := range list {
			s, ok := text(one)
			if !ok {
				return nil, bad
			}
			all = append(all, s)
		}
		return all, nil
	}
	s, ok := text(v)
	switch {
	case !ok && p.kind == "choice", ok && p.kind == "choice" && s != "" && !slices.Contains(strings.Split(p.what, ", "), s):
		return nil, &badArgument{fmt.Sprintf("'%s' must be one of: %s", p.name, p.what)}
	case !ok:
		return nil, bad
	}
	return s, nil
}

// maxWord is how many bytes one word of a command may have; Linux takes no more.
const maxWord = 128<<10 - 1

// fits reports why a command cannot be started.
func (c command) fits() error {
	all := 0
	for _, w := range c.words {
		if all += len(w) + 1; strings.ContainsRune(w, 0) {
			return &badArgument{"an argument holds a NUL character"}
		}
		if len(w) > maxWord || all > 8*maxWord {
			return &badArgument{"the arguments are too long"}
		}
	}
	return nil
}

func (a args) has(name string) bool { _, ok := a[name]; return ok }

func (a args) str(name string) string { s, _ := a[name].(string); return s }

func (a args) is(name string) bool { b, _ := a[name].(bool); return b }

func (a args) list(name string) []string { l, _ := a[name].([]string); return l }

// opt returns an option with the argument's value, nil if there is no value.
func (a args) opt(option, name string) []string {
	if s := a.str(name); s != "" {
		return []string{option + "=" + s}
	}
	return nil
}

func (a args) each(option, name string) (words []string) {
	for _, s := range a.list(name) {
		words = append(words, option+"="+s)
	}
	return words
}

func (a args) flag(option, name string) []string {
	if a.is(name) {
		return []string{option}
	}
	return nil
}

func (a args) limit(def int) []string {
	return []string{fmt.Sprintf("--limit=%d", a.number("limit", def))}
}

func (a args) number(name string, def int) int {
	if n, ok := a[name].(int); ok {
		return n
	}
	return def
}
