package hub

import (
	"context"
	"fmt"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/cli/setup"
)

var errNoWorktree = frame.Fatal("no-worktree", "this repository has no worktree, so there are no agent files to edit",
	"run it in a worktree, or see what to add: git crosslink setup claude --print")

func newSetupCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "setup", Category: frame.GroupAgents,
		Usage:     "set up the program of an AI agent to use the tracker",
		UsageText: "git crosslink setup [<options>]\ngit crosslink setup <agent> [--local | --shared] [--mcp] [--control] [--print | --check | --remove]",
		Description: `Edits the configuration of an agent's program so that the program runs 'git crosslink
prime' when a session starts. Without an agent, this command lists the agents and what
is set up for each. No other command edits these files.

  agents-md   a section in AGENTS.md: opencode, amp, zed, copilot and others
  claude      a hook in .claude/settings.local.json or .claude/settings.json
  codex       a hook in .codex/hooks.json; trust it in codex with /hooks
  gemini      a hook in .gemini/settings.json
  cursor      the rule .cursor/rules/crosslink.mdc

The default is --local: a file for this worktree only, added to .git/info/exclude.
--shared edits a file that you commit. agents-md, codex and gemini have only shared
files. All other bytes of a file stay the same. This command does not edit a file that
it cannot parse, that is read-only, or that is outside the worktree behind a symbolic
link.
Instead it prints what to add, and exits with 1.

--remove restores each file as it was. If the file has changed since, --remove deletes
only what setup added. In a pipe the fields are agent, state, scope, what, file; the
states are in place, missing, outdated, changed (by somebody) and unknown (setup
cannot parse the file).

Examples:
  git crosslink setup
  git crosslink setup claude
  git crosslink setup agents-md --shared
  git crosslink setup claude --remove`,
		Flags: append([]urfave.Flag{
			&urfave.BoolFlag{Name: "local", Usage: "edit a file that only this worktree has (default)"},
			&urfave.BoolFlag{Name: "shared", Usage: "edit a file that git tracks"},
			&urfave.BoolFlag{Name: "mcp", Usage: "also add 'git crosslink mcp' as an MCP server: claude, gemini, cursor"},
			&urfave.BoolFlag{Name: "control", Usage: "add a hook that stops the agent while it is paused or killed: claude, codex, gemini"},
			&urfave.BoolFlag{Name: "print", Usage: "print what to add, and write nothing"},
			&urfave.BoolFlag{Name: "check", Usage: "write nothing; exit 0 if the setup works (even if outdated or changed), otherwise 1"},
			&urfave.BoolFlag{Name: "remove", Usage: "remove what setup added"},
		}, frame.PorcelainFlags()...),
	}, func(u *urfave.Context) error {
		o, err := setupOptionsOf(u, e)
		if err != nil {
			return err
		}
		if o.print && o.agent != nil {
			return printSnippets(u.Context, o, e)
		}
		s, err := openSetup(u.Context, e)
		if err != nil {
			return err
		}
		switch {
		case o.agent == nil:
			return listSetup(u.Context, s, o)
		case o.check:
			return checkSetup(u.Context, s, o)
		}
		unlock, err := s.lock(u.Context)
		if err != nil {
			return err
		}
		defer unlock()
		switch {
		case o.remove:
			return removeSetup(u.Context, s, o)
		}
		return runSetup(u.Context, s, o)
	})
}

type setupOptions struct {
	agent                *setup.Agent // nil: all
	local, shared        bool
	mcp, control         bool
	print, check, remove bool
	forms                frame.Forms
}

func setupOptionsOf(u *urfave.Context, e *command.Env) (o setupOptions, err error) {
	words, err := frame.Arguments(u, 0, 1, "an agent")
	if err != nil {
		return o, err
	}
	o = setupOptions{local: u.Bool("local"), shared: u.Bool("shared"), mcp: u.Bool("mcp"), control: u.Bool("control"),
		print: u.Bool("print"), check: u.Bool("check"), remove: u.Bool("remove")}
	if o.forms, err = frame.FormsOf(u, e.Terminal); err != nil {
		return o, err
	}
	if o.local && o.shared {
		return o, frame.Misuse("'--local' and '--shared' exclude each other")
	}
	var verbs []string
	for _, name := range []string{"print", "check", "remove"} {
		if u.Bool(name) {
			verbs = append(verbs, "'--"+name+"'")
		}
	}
	if len(verbs) > 1 {
		return o, frame.Misuse(verbs[0] + " and " + verbs[1] + " exclude each other")
	}
	var names []string
	for _, a := range setup.Agents {
		names = append(names, a.Name)
	}
	if len(words) == 0 {
		if o.local || o.shared || o.mcp || o.control || len(verbs) > 0 {
			return o, frame.Misuse("an agent is missing: "+strings.Join(names, ", "), "list the agents: git crosslink setup")
		}
		return o, nil
	}
	found := false
	if o.agent, found = setup.Find(words[0]); !found {
		return o, frame.Misuse(fmt.Sprintf("unknown agent '%s'", words[0]), "valid agents: "+strings.Join(names, ", "))
	}
	if o.control && !o.agent.HasControl() {
		return o, frame.Misuse(fmt.Sprintf("'--control' does not support %s", o.agent.Name), "let the agent run this between steps: git crosslink agent flags --strict")
	}
	if o.mcp && !o.agent.HasServer() {
		return o, frame.Misuse(fmt.Sprintf("'--mcp' does not support %s", o.agent.Name), "see how to start the server: git crosslink help mcp")
	}
	if len(o.parts(false)) == 0 && !o.shared {
		if o.local || len(verbs) == 0 {
			return o, frame.Misuse(fmt.Sprintf("%s has no local file: '%s' is shared", o.agent.Name, o.parts(true)[0].File),
				"edit it: git crosslink setup "+o.agent.Name+" --shared")
		}
		o.shared = true
	}
	return o, nil
}

// setupPart is one part in JSON.
type setupPart struct {
	What    string `json:"what"`
	Scope   string `json:"scope"`
	File    string `json:"file"`
	State   string `json:"state"`
	Changed bool   `json:"changed"`
	Snippet string `json:"snippet,omitempty"`
}

type setupAgent struct {
	Agent string      `json:"agent"`
	Found *bool       `json:"found"` // on PATH; null: it is not a program
	Parts []setupPart `json:"parts"`
}

type setupAnswer struct {
	Changed bool         `json:"changed"`
	Agents  []setupAgent `json:"agents"`
}

// shape returns the current state of a part.
func (s *setupTree) shape(part setup.Part, shared bool) (setupPart, place, error) {
	p, err := s.look(part.File)
	sh := setupPart{What: part.What, Scope: scopeOf(shared), File: part.File}
	if err != nil {
		return sh, p, setupError(part.File, err)
	}
	if sh.State = string(p.state(part)); sh.State == string(setup.Unknown) {
		sh.Snippet = part.Snippet()
	}
	return sh, p, nil
}

func scopeOf(shared bool) string {
	if shared {
		return "shared"
	}
	return "local"
}

// agentShape returns an agent with its parts. A rule that is in the same file for both
// scopes is listed once.
func (s *setupTree) agentShape(ctx context.Context, a *setup.Agent) (sh setupAgent, err error) {
	sh = newSetupAgent(s.e, a)
	for _, shared := range []bool{false, true} {
		for _, part := range a.Parts(setup.Want{Shared: shared}) {
			if slices.ContainsFunc(sh.Parts, func(o setupPart) bool { return o.File == part.File && o.What == part.What }) {
				continue
			}
			p, _, err := s.shape(part, shared)
			if err != nil {
				return sh, err
			}
			if !shared && s.tracked(ctx, part.File) {
				p.Scope = scopeOf(true)
			}
			sh.Parts = append(sh.Parts, p)
		}
	}
	for _, shared := range []bool{false, true} {
		for _, part := range a.Parts(setup.Want{Shared: shared, Control: true, Server: true}) {
			if !optional(part) || slices.ContainsFunc(sh.Parts, func(o setupPart) bool { return o.File == part.File && o.What == part.What }) {
				continue
			}
			p, _, err := s.shape(part, shared || s.tracked(ctx, part.File))
			if err != nil {
				return sh, err
			}
			if setup.State(p.State).Works() {
				sh.Parts = append(sh.Parts, p)
			}
		}
	}
	return sh, nil
}

// optional reports whether a part is installed only on request.
func optional(part setup.Part) bool { return part.What == "server" || part.What == "control" }

func newSetupAgent(e *command.Env, a *setup.Agent) setupAgent {
	sh := setupAgent{Agent: a.Name, Parts: []setupPart{}}
	if a.Program != "" {
		found := e.OnPath(a.Program)
		sh.Found = &found
	}
	return sh
}

func listSetup(ctx context.Context, s *setupTree, o setupOptions) error {
	var all []setupAgent
	for k := range setup.Agents {
		sh, err := s.agentShape(ctx, &setup.Agents[k])
		if err != nil {
			return err
		}
		all = append(all, sh)
	}
	return s.print(ctx, o, all, nil)
}

// print prints the parts of agents.
func (s *setupTree) print(ctx context.Context, o setupOptions, all []setupAgent, f *frame.Failure) error {
	doc := setupAnswer{Agents: all}
	a := frame.Result{Failure: f}
	if o.forms.ForScripts() {
		a.Records = o.forms.Records()
	}
	for _, g := range all {
		for _, p := range g.Parts {
			doc.Changed = doc.Changed || p.Changed
			if a.Records != nil {
				a.Records.Add(g.Agent, p.State, p.Scope, p.What, p.File)
			}
			if setup.State(p.State).Works() {
				a.IDs = append(a.IDs, p.File)
			}
		}
	}
	s.e.Saved = doc.Changed
	a.Data = doc
	a.Page = func(pg *frame.Page) {
		for _, g := range all {
			for _, p := range g.Parts {
				where := ""
				if o.agent == nil && g.Found != nil && *g.Found {
					where = " (found on PATH)"
				}
				if pg.Width == 0 {
					pg.Print("%s\t%s\t%s\t%s\t%s\n", g.Agent, p.State, p.Scope, p.What, p.File)
				} else {
					pg.Print("%s: %s, %s %s %s%s\n", g.Agent, p.State, p.Scope, p.What, p.File, where)
				}
				if p.Snippet != "" && o.agent != nil {
					pg.Block("", p.Snippet)
				}
			}
		}
	}
	return s.e.Print(ctx, a)
}

func printSnippets(ctx context.Context, o setupOptions, e *command.Env) error {
	sh := newSetupAgent(e, o.agent)
	for _, part := range o.parts(o.shared) {
		sh.Parts = append(sh.Parts, setupPart{What: part.What, Scope: scopeOf(o.shared), File: part.File, State: string(setup.Missing), Snippet: part.Snippet()})
		e.Progress("add to %s:", part.File)
	}
	a := frame.Result{Data: setupAnswer{Agents: []setupAgent{sh}}}
	if o.forms.ForScripts() {
		a.Records = o.forms.Records()
	}
	for _, p := range sh.Parts {
		a.IDs = append(a.IDs, p.File)
		if a.Records != nil {
			a.Records.Add(o.agent.Name, p.State, p.Scope, p.What, p.File)
		}
	}
	a.Page = func(pg *frame.Page) {
		for _, p := range sh.Parts {
			pg.Block("", p.Snippet)
		}
	}
	return e.Print(ctx, a)
}

// note prints what the user of an agent has to do in addition.
func (s *setupTree) note(a *setup.Agent) {
	if a.Note != "" {
		s.e.Warn("setup-note", a.Note)
	}
}

func checkSetup(ctx context.Context, s *setupTree, o setupOptions) error {
	sh := newSetupAgent(s.e, o.agent)
	scopes := []bool{o.shared}
	if !o.local && !o.shared {
		scopes = []bool{false, true}
	}
	whole := false
	for _, shared := range scopes {
		var parts []setupPart
		all := true
		for _, part := range o.parts(shared) {
			p, _, err := s.shape(part, shared)
			if err != nil {
				return err
			}
			parts = append(parts, p)
			all = all && setup.State(p.State).Works()
		}
		if all && len(parts) > 0 {
			sh.Parts, whole = parts, true
			break
		}
		if len(sh.Parts) == 0 {
			sh.Parts = parts
		}
	}
	var f *frame.Failure
	if !whole {
		f = frame.AnswersNo("setup-missing", fmt.Sprintf("%s is not set up", o.agent.Name), "set it up: git crosslink setup "+o.words())
	} else {
		s.note(o.agent)
	}
	return s.print(ctx, o, []setupAgent{sh}, f)
}

// parts returns the requested parts for the files of a scope.
func (o setupOptions) parts(shared bool) []setup.Part {
	return o.agent.Parts(setup.Want{Shared: shared, Server: o.mcp, Control: o.control})
}

// words returns the agent and the options, as they are typed.
func (o setupOptions) words() string {
	w := o.agent.Name
	if o.shared {
		w += " --shared"
	}
	if o.mcp {
		w += " --mcp"
	}
	if o.control {
		w += " --control"
	}
	return w
}

// runSetup installs all parts, or none.
func runSetup(ctx context.Context, s *setupTree, o setupOptions) error {
	sh := newSetupAgent(s.e, o.agent)
	var refused *frame.Failure
	parts := o.parts(o.shared)
	for k, part := range parts {
		p, at, err := s.shape(part, o.shared)
		if err != nil {
			return err
		}
		why := at.odd
		if why == "" {
			why = "setup does not know its structure"
		}
		if other := s.elsewhere(o, k); other != nil && !setup.State(p.State).Works() {
			p = *other
		} else if !o.shared && !setup.State(p.State).Works() && s.tracked(ctx, part.File) {
			return frame.No("setup-tracked", fmt.Sprintf("'%s' is tracked by git, and '--local' edits no tracked file", part.File),
				"edit the shared file: git crosslink setup "+o.agent.Name+" --shared")
		}
		if p.State == string(setup.Unknown) {
			if refused == nil {
				refused = frame.No("setup-unknown", fmt.Sprintf("'%s' was not edited: %s", part.File, why), "see what to add by hand: git crosslink setup "+o.words()+" --print")
			}
		}
		sh.Parts = append(sh.Parts, p)
	}
	if refused != nil {
		return s.print(ctx, o, []setupAgent{sh}, refused)
	}
	s.e.IgnoreClosedPipe()
	for k := range parts {
		p := &sh.Parts[k]
		switch setup.State(p.State) {
		case setup.InPlace:
			s.e.Progress("%s is already in place: %s", p.What, p.File)
			continue
		case setup.Changed:
			s.e.Progress("%s was changed by somebody, and was not edited: %s", p.What, p.File)
			continue
		}
		at, err := s.look(p.File) // another part may be in the same file
		if err == nil {
			err = s.insert(ctx, o.agent.Name, parts[k], at, !o.shared)
		}
		if err != nil {
			return setupError(p.File, err)
		}
		s.e.Progress("added the %s to %s", p.What, p.File)
		p.State, p.Changed = string(setup.InPlace), true
	}
	s.note(o.agent)
	return s.print(ctx, o, []setupAgent{sh}, nil)
}

// elsewhere returns a part that is already installed in the file of the other scope: with
// both, an agent would read it twice.
func (s *setupTree) elsewhere(o setupOptions, k int) *setupPart {
	part, other := o.parts(o.shared)[k], o.parts(!o.shared)
	if k >= len(other) || other[k].File == part.File {
		return nil
	}
	p, _, err := s.shape(other[k], !o.shared)
	if err != nil || !setup.State(p.State).Works() {
		return nil
	}
	return &p
}

func removeSetup(ctx context.Context, s *setupTree, o setupOptions) error {
	sh := newSetupAgent(s.e, o.agent)
	var f *frame.Failure
	s.e.IgnoreClosedPipe()
	parts := o.agent.Parts(setup.Want{Shared: o.shared, Control: true, Server: true})
	slices.Reverse(parts) // the last one in is the first one out
	for _, part := range parts {
		p, at, err := s.shape(part, o.shared)
		if err != nil {
			return err
		}
		if p.State == string(setup.Missing) && s.record(part) == nil {
			continue
		}
		if optional(part) && s.record(part) == nil && p.State != string(setup.InPlace) {
			continue // written by somebody else
		}
		if at.odd != "" {
			f = frame.No("setup-unknown", fmt.Sprintf("'%s' was not edited: %s", part.File, at.odd))
			sh.Parts = append(sh.Parts, p)
			continue
		}
		changed, ok, err := s.remove(part, at)
		if err != nil {
			return setupError(part.File, err)
		}
		if !ok {
			f = frame.No("setup-changed", fmt.Sprintf("the %s in '%s' was written or changed by somebody, and was not removed", part.What, part.File),
				"see what to remove by hand: git crosslink setup "+o.agent.Name+" --print")
		} else if changed {
			s.e.Progress("removed the %s from %s", part.What, part.File)
			p.State, p.Changed = string(setup.Missing), true
		}
		sh.Parts = append(sh.Parts, p)
	}
	if len(sh.Parts) == 0 {
		s.e.Progress("there is nothing to remove for %s", o.agent.Name)
		if other := s.elsewhere(o, 0); other != nil {
			s.e.ProgressHint("remove it from " + other.File + ": git crosslink setup " + o.agent.Name + otherScope(o))
		}
	}
	return s.print(ctx, o, []setupAgent{sh}, f)
}

func otherScope(o setupOptions) string {
	if o.shared {
		return " --remove"
	}
	return " --shared --remove"
}
