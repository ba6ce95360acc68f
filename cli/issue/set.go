package issue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/shell"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

// setVerb is a command that adds to one of an issue's sets or removes from it:
// labels, assignees, blockers, relations. There is one implementation, and a row
// for each command.
type setVerb struct {
	name, usage, synopsis string
	about                 string
	element               string                                 // what the arguments after the id are
	check                 func(words []string) ([]string, error) // of words to be added; may be nil
	kind                  *urfave.StringFlag                     // --kind, of commands that take one other issue
	plan                  func(x *setOptions, p tracker.Projection, i *store.Issue) (verb.Plan, error)
	minus                 func(x *setOptions, p tracker.Projection, i *store.Issue) (verb.Plan, error) // of a command that takes signs
}

// setOptions are the options of one run.
type setOptions struct {
	ids   []string
	words []string
	minus []string           // with the sign '-'
	exact []string           // of words: those after '--', which may be numbers of issues
	kind  event.RelationKind // "" is every kind
	me    string             // the agent, once it is known
	emit  tracker.EmitOptions
}

// setVerbs are the rows, in the order of help.
var setVerbs = []setVerb{
	{
		name: "label", usage: "add labels", synopsis: "<id> <label>…", element: "a label", check: labelsOf,
		about: `Adds labels to an issue. With signs, adds labels to several issues and removes
others. Adding a label twice is not an error. Blanks around a label are dropped. A
number of an issue is not taken for a label, except after '--'.

Examples:
  git crosslink label 12 bug ui
  git crosslink label 12 13 +bug -ui
  git crosslink label 12 -- 2026`,
		plan:  labeling.plan((*verb.Names).Add),
		minus: labeling.plan((*verb.Names).Remove),
	},
	{
		name: "unlabel", usage: "remove labels", synopsis: "<id> <label>…", element: "a label",
		about: `Removes labels from an issue. Removing a label that the issue does not have is not an
error.

Examples:
  git crosslink unlabel 12 ui`,
		plan: labeling.plan((*verb.Names).Remove),
	},
	{
		name: "assign", usage: "assign people or agents", synopsis: "<id> <who>…", element: "an assignee", check: assigning.names,
		about: `Adds assignees to an issue; @me is yourself. With signs, adds assignees to several
issues and removes others. A number of an issue is not taken for an assignee, except
after '--'.

Examples:
  git crosslink assign 12 @me
  git crosslink assign 12 alice bob
  git crosslink assign 12 13 +@me -bob`,
		plan:  assigning.plan((*verb.Names).Add),
		minus: assigning.plan((*verb.Names).Remove),
	},
	{
		name: "unassign", usage: "remove assignees", synopsis: "<id> <who>…", element: "an assignee",
		about: `Removes assignees from an issue; @me is yourself.

Examples:
  git crosslink unassign 12 @me`,
		plan: assigning.plan((*verb.Names).Remove),
	},
	{
		name: "block", usage: "mark an issue as blocked by others", synopsis: "<id> <blocker>…", element: "the id of a blocker",
		about: `Marks the first issue as blocked by each of the others: it is not ready until they
are closed. A change that would create a cycle is refused.

Examples:
  git crosslink block 12 7      # 7 blocks 12`,
		plan: func(x *setOptions, p tracker.Projection, i *store.Issue) (verb.Plan, error) {
			blockers, err := verb.ResolveAll(p, x.words)
			if err != nil {
				return verb.Plan{}, err
			}
			return verb.Block(p, i, blockers)
		},
	},
	{
		name: "unblock", usage: "remove blockers of an issue", synopsis: "<id> <blocker>…", element: "the id of a blocker",
		about: `Removes blockers: the first issue no longer waits for the others.

Examples:
  git crosslink unblock 12 7`,
		plan: func(x *setOptions, p tracker.Projection, i *store.Issue) (verb.Plan, error) {
			blockers, err := verb.ResolveAll(p, x.words)
			return verb.Unblock(i, blockers), err
		},
	},
	{
		name: "relate", usage: "relate two issues", synopsis: "<a> <b>",
		about: `Relates two issues. All kinds except 'related' have a direction: '<a> duplicates <b>'.
A relation does not affect what is ready; 'block' does.

Examples:
  git crosslink relate 12 7
  git crosslink relate 12 7 --kind duplicates`,
		kind: &urfave.StringFlag{Name: "kind", Aliases: []string{"k"}, Usage: "`KIND`: related (default), discovered-from, duplicates or supersedes", Value: "related"},
		plan: func(x *setOptions, p tracker.Projection, i *store.Issue) (verb.Plan, error) {
			other, err := verb.Resolve(p, x.words[0])
			if err != nil {
				return verb.Plan{}, err
			}
			return verb.Relate(i, other, x.kind)
		},
	},
	{
		name: "unrelate", usage: "remove relations between two issues", synopsis: "<a> <b>",
		about: `Removes all relations between two issues, in both directions, or with --kind only
the relation of that kind.

Examples:
  git crosslink unrelate 12 7`,
		kind: &urfave.StringFlag{Name: "kind", Aliases: []string{"k"}, Usage: "only this `KIND`: related, discovered-from, duplicates or supersedes"},
		plan: func(x *setOptions, p tracker.Projection, i *store.Issue) (verb.Plan, error) {
			other, err := verb.Resolve(p, x.words[0])
			if err != nil {
				return verb.Plan{}, err
			}
			return verb.Unrelate(i, other, x.kind), nil
		},
	},
}

var RelationKinds = []string{string(event.Related), string(event.DiscoveredFrom), string(event.Duplicates), string(event.Supersedes)}

// newSetCommands are the commands of the table.
func newSetCommands(e *command.Env) []*urfave.Command {
	var all []*urfave.Command
	for _, v := range setVerbs {
		flags, usage := command.WriteFlags(), "git crosslink "+v.name+" [<options>] "+v.synopsis
		if v.minus != nil {
			_, placeholder, _ := strings.Cut(strings.TrimSuffix(v.synopsis, "…"), " ")
			usage += fmt.Sprintf("\ngit crosslink %s [<options>] <id>… (+%s | -%s)…", v.name, placeholder, placeholder)
		}
		if v.kind != nil {
			kind := *v.kind
			flags = append([]urfave.Flag{&kind}, flags...)
		}
		all = append(all, e.Command(&urfave.Command{
			Name: v.name, Category: frame.GroupIssues, Usage: v.usage, Description: v.about, Flags: flags,
			UsageText: usage,
		}, func(u *urfave.Context) error {
			opts, err := v.options(u, e)
			if err != nil {
				return err
			}
			return v.run(u, opts, e)
		}))
	}
	return all
}

func (v *setVerb) options(u *urfave.Context, e *command.Env) (o setOptions, err error) {
	most, what := -1, "the id of an issue and "+v.element
	if v.kind != nil {
		most, what = 2, "two ids of issues"
	}
	args, err := frame.Arguments(u, 2, most, what)
	if err != nil {
		return o, err
	}
	quoted := args[max(1, len(args)-e.Quoted()):]
	words := args[1 : len(args)-len(quoted)]
	o.ids = args[:1]
	if at := slices.IndexFunc(words, signed); v.minus != nil && at >= 0 {
		o.ids = args[:at+1]
		if words, o.minus, err = bySign(words[at:]); err != nil {
			return o, err
		}
	}
	o.exact = quoted
	for _, w := range slices.Concat(words, quoted) {
		if w == "" && v.kind == nil {
			return o, frame.Misuse(v.element + " cannot be empty")
		}
		if len(store.Called(o.words, w)) == 0 {
			o.words = append(o.words, w)
		}
	}
	if v.kind != nil {
		kind, err := frame.OneOf(u, "kind", RelationKinds)
		if err != nil {
			return o, err
		}
		o.kind = event.RelationKind(kind)
	}
	if o.emit, err = e.EmitOptions(u); err != nil || v.check == nil || len(o.words) == 0 {
		return o, err
	}
	o.words, err = v.check(o.words)
	return o, err
}

func (v *setVerb) run(u *urfave.Context, opts setOptions, e *command.Env) error {
	if len(opts.ids) > 1 || len(opts.minus) > 0 {
		return v.runMany(u.Context, opts, e)
	}
	s := single{opts.ids[0], opts.emit, func(repo *command.Repository, p tracker.Projection, i *store.Issue) (verb.Plan, error) {
		x := opts
		x.me = repo.Agent()
		plan, err := v.plan(&x, p, i)
		return plan, v.explain(err, i)
	}}
	return s.run(u.Context, e)
}

// runMany changes several issues, in one write, and takes values with signs.
func (v *setVerb) runMany(ctx context.Context, opts setOptions, e *command.Env) error {
	var rows []*store.Issue
	var effects []verb.Effect
	r, err := e.Emit(ctx, opts.emit, func(repo *command.Repository, p tracker.Projection) (bodies []event.Body, err error) {
		if rows, err = verb.ResolveAll(p, opts.ids); err != nil {
			return nil, err
		}
		effects = nil
		for _, i := range rows {
			plus, minus := opts, opts
			plus.me, minus.me, minus.words = repo.Agent(), repo.Agent(), opts.minus
			for _, part := range []struct {
				x    *setOptions
				plan func(*setOptions, tracker.Projection, *store.Issue) (verb.Plan, error)
			}{{&plus, v.plan}, {&minus, v.minus}} {
				if len(part.x.words) == 0 {
					continue
				}
				plan, err := part.plan(part.x, p, i)
				if err != nil {
					return nil, v.explain(err, i)
				}
				bodies, effects = append(bodies, plan.Bodies...), append(effects, plan.Effects...)
			}
		}
		return bodies, nil
	})
	if err != nil {
		return err
	}
	printEffects(e, effects)
	return printIssuesWrite(ctx, e, r, opts.emit, verb.Shown(r.View, ids(rows)))
}

// signed reports a value with a sign.
func signed(word string) bool {
	return len(word) > 1 && (word[0] == '+' || word[0] == '-') && word[1] != ' '
}

// bySign parts values with signs.
func bySign(words []string) (plus, minus []string, err error) {
	for _, w := range words {
		switch {
		case !signed(w):
			return nil, nil, frame.Misuse(fmt.Sprintf("'%s' has no sign, unlike '%s'", frame.OneLine(w), frame.OneLine(words[0])), fmt.Sprintf("ids come first; a value is +%s or -%s", frame.OneLine(w), frame.OneLine(w)))
		case w[0] == '+':
			plus = append(plus, w[1:])
		default:
			minus = append(minus, w[1:])
		}
	}
	return plus, minus, nil
}

// explain adds to a refused name how to name issues and names one after the
// other.
func (v *setVerb) explain(err error, i *store.Issue) error {
	var refused *verb.NameError
	if !errors.As(err, &refused) {
		return err
	}
	f := nameFailure(refused, v.element)
	if len(refused.Names) == 0 {
		_, placeholder, _ := strings.Cut(strings.TrimSuffix(v.synopsis, "…"), " ")
		f.Hints = []string{fmt.Sprintf("name one issue, then names: git crosslink %s %s %s", v.name, i.Name(), placeholder)}
		return f
	}
	var names, commands []string
	for _, n := range refused.Names {
		names = append(names, shell.Word(n))
	}
	for _, id := range unique(append([]string{i.Name()}, refused.Shown...)) {
		commands = append(commands, fmt.Sprintf("git crosslink %s %s %s", v.name, id, strings.Join(names, " ")))
	}
	f.Hints = []string{"one command for each issue: " + strings.Join(commands, " && ")}
	return f
}

// nameFailure refuses a name that is an issue.
func nameFailure(e *verb.NameError, what string) *frame.Failure {
	f := frame.Misuse(fmt.Sprintf("%s, not %s", e.Error(), what))
	f.Kind = "bad-value"
	return f
}

// naming is a set of names in the words of the command line.
type naming struct {
	set  *verb.Names
	what string // "a label"
}

var (
	labeling  = naming{&verb.Labels, "a label"}
	assigning = naming{&verb.Assignees, "an assignee"}
)

// plan changes the set, in which @me is the agent.
func (n naming) plan(change func(*verb.Names, *store.Issue, []string) verb.Plan) func(*setOptions, tracker.Projection, *store.Issue) (verb.Plan, error) {
	return func(x *setOptions, p tracker.Projection, i *store.Issue) (verb.Plan, error) {
		named := slices.DeleteFunc(slices.Clone(x.words), func(w string) bool { return len(store.Called(x.exact, w)) > 0 })
		if err := n.set.CheckNames(p, i, named); err != nil {
			return verb.Plan{}, err
		}
		return change(n.set, i, command.WhoAll(x.me, x.words)), nil
	}
}

// names are words in the form in which they are written, each once.
func (n naming) names(words []string) ([]string, error) {
	var names []string
	for _, w := range words {
		if w = store.Name(w); w == "" {
			return nil, frame.Misuse(n.what + " cannot be empty")
		}
		names = append(names, w)
	}
	return unique(names), nil
}

// labelsOf are labels to be added; 'a,b' are two.
func labelsOf(labels []string) ([]string, error) {
	if len(labels) == 0 {
		return nil, nil
	}
	return labeling.names(strings.Split(strings.Join(labels, ","), ","))
}
