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
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

// setVerb is a command that adds elements to one of an issue's sets or removes them:
// labels, assignees, blockers, relations. There is one implementation, and a row for each
// command.
type setVerb struct {
	name, usage, synopsis string
	about                 string
	element               string                                 // name of the arguments after the id
	check                 func(words []string) ([]string, error) // checks words before they are added; may be nil
	kind                  *urfave.StringFlag                     // --kind, for commands that take one other issue
	add, remove           setPlan                                // plans for values with '+' and '-'; without signs the first one is used
}

// setPlan plans the change for the words of a run.
type setPlan func(x *setOptions, p tracker.Projection, i *store.Issue) (verb.Plan, error)

// signs returns the signs that values may have.
func (v *setVerb) signs() string {
	switch {
	case v.kind != nil:
		return ""
	case v.add == nil:
		return "-"
	}
	return "+-"
}

// setOptions are the options of one run.
type setOptions struct {
	ids    []string
	words  []string
	minus  []string           // with the sign '-'
	signed string             // the first word with a sign
	exact  []string           // words after '--', which may look like numbers of issues
	kind   event.RelationKind // "": every kind
	self   *people.Self       // the person who assigns, once known
	force  bool               // assign unknown people
	emit   tracker.EmitOptions
}

// setVerbs are the rows, in the order of help.
var setVerbs = []setVerb{
	{
		name: "label", usage: "add labels", synopsis: "<id> <label>…", element: "a label", check: labeling.list,
		about: `Adds labels to an issue. With signs, adds labels to several issues and removes
others. Commas separate labels. Adding a label twice is not an error. Spaces around a
label are ignored. An issue number is not accepted as a label, except after '--'.

Examples:
  git crosslink label 12 bug ui
  git crosslink label 12 13 +bug -ui
  git crosslink label 12 -- 2026`,
		add:    labeling.add,
		remove: labeling.remove,
	},
	{
		name: "unlabel", usage: "remove labels", synopsis: "<id> <label>…", element: "a label",
		about: `Removes labels from an issue, or with signs from several issues. Commas separate
labels. Removing a label that the issue does not have is not an error.

Examples:
  git crosslink unlabel 12 ui
  git crosslink unlabel 12 13 -ui`,
		remove: labeling.remove,
	},
	{
		name: "assign", usage: "assign people or agents", synopsis: "<id> <who>…", element: "an assignee", check: assigning.list,
		about: `Assigns an issue to people or agents. With signs, assigns several issues and removes
other assignees. Commas separate people. Name a person by name, agent id or the
principal that 'trust show' lists; @me is you, @this this worktree's agent. A name
that nobody has is refused unless you use --force. An issue number is not accepted as
an assignee, except after '--'.

Examples:
  git crosslink assign 12 @me
  git crosslink assign 12 alice bob
  git crosslink assign 12 13 +@me -bob`,
		add:    assigning.add,
		remove: assigning.remove,
	},
	{
		name: "unassign", usage: "remove assignees", synopsis: "<id> <who>…", element: "an assignee",
		about: `Removes assignees from an issue, or with signs from several issues. @me removes every
agent of yours, @this the agent of this worktree.

Examples:
  git crosslink unassign 12 @me
  git crosslink unassign 12 13 -bob`,
		remove: assigning.remove,
	},
	{
		name: "block", usage: "mark an issue as blocked by others", synopsis: "<id> <blocker>…", element: "the id of a blocker",
		about: `Marks the first issue as blocked by each of the others: it is not ready until they
are closed. With signs, adds blockers to several issues and removes others. A change
that would create a cycle is refused.

Examples:
  git crosslink block 12 7      # 7 blocks 12
  git crosslink block 12 13 +7 -8`,
		add: func(x *setOptions, p tracker.Projection, i *store.Issue) (verb.Plan, error) {
			blockers, err := verb.ResolveAll(p, x.words)
			if err != nil {
				return verb.Plan{}, err
			}
			return verb.Block(p, i, blockers)
		},
		remove: unblock,
	},
	{
		name: "unblock", usage: "remove blockers of an issue", synopsis: "<id> <blocker>…", element: "the id of a blocker",
		about: `Removes blockers: the first issue no longer waits for the others. With signs, removes
blockers of several issues.

Examples:
  git crosslink unblock 12 7
  git crosslink unblock 12 13 -7`,
		remove: unblock,
	},
	{
		name: "relate", usage: "relate two issues", synopsis: "<a> <b>",
		about: `Relates two issues. All kinds except 'related' have a direction: '<a> duplicates <b>'.
A relation does not affect what is ready; 'block' does.

Examples:
  git crosslink relate 12 7
  git crosslink relate 12 7 --kind duplicates`,
		kind: &urfave.StringFlag{Name: "kind", Aliases: []string{"k"}, Usage: "`KIND`: related (default), discovered-from, duplicates or supersedes", Value: "related"},
		add: func(x *setOptions, p tracker.Projection, i *store.Issue) (verb.Plan, error) {
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
		remove: func(x *setOptions, p tracker.Projection, i *store.Issue) (verb.Plan, error) {
			other, err := verb.Resolve(p, x.words[0])
			if err != nil {
				return verb.Plan{}, err
			}
			return verb.Unrelate(i, other, x.kind), nil
		},
	},
}

var RelationKinds = []string{string(event.Related), string(event.DiscoveredFrom), string(event.Duplicates), string(event.Supersedes)}

// newSetCommands returns the commands of the table.
func newSetCommands(e *command.Env) []*urfave.Command {
	var all []*urfave.Command
	for _, v := range setVerbs {
		flags, usage := command.WriteFlags(), "git crosslink "+v.name+" [<options>] "+v.synopsis
		_, placeholder, _ := strings.Cut(strings.TrimSuffix(v.synopsis, "…"), " ")
		switch v.signs() {
		case "+-":
			usage += fmt.Sprintf("\ngit crosslink %s [<options>] <id>… (+%s | -%s)…", v.name, placeholder, placeholder)
		case "-":
			usage += fmt.Sprintf("\ngit crosslink %s [<options>] <id>… -%s…", v.name, placeholder)
		}
		if v.ofPeople() && v.add != nil {
			flags = append([]urfave.Flag{forceFlag()}, flags...)
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
	if at := slices.IndexFunc(words, signed); v.signs() != "" && at >= 0 {
		o.ids = args[:at+1]
		o.signed = words[at]
		if words, o.minus, err = v.bySign(words[at:]); err != nil {
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
	o.force = u.Bool("force")
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
	plan := v.add
	if plan == nil {
		plan = v.remove
	}
	s := single{opts.ids[0], opts.emit, func(repo *command.Repository, p tracker.Projection, i *store.Issue) (verb.Plan, error) {
		x := opts
		var err error
		if x.self, err = v.who(u.Context, repo, p); err != nil {
			return verb.Plan{}, err
		}
		plan, err := plan(&x, p, i)
		return plan, v.explain(err, i)
	}}
	return s.run(u.Context, e)
}

// who finds out who runs the command, for commands that name people.
func (v *setVerb) who(ctx context.Context, repo *command.Repository, p tracker.Projection) (*people.Self, error) {
	if !v.ofPeople() {
		return nil, nil
	}
	return repo.Self(ctx, p)
}

// ofPeople reports whether the values of a command are people.
func (v *setVerb) ofPeople() bool { return v.element == assigning.what }

// runMany changes several issues in one write, and takes values with signs.
func (v *setVerb) runMany(ctx context.Context, opts setOptions, e *command.Env) error {
	plus, minus := opts, opts
	if minus.words = opts.minus; v.add == nil { // quoted values are removed too
		plus.words, minus.words = nil, slices.Concat(opts.minus, opts.words)
	}
	var rows []*store.Issue
	var effects []verb.Effect
	r, err := e.Emit(ctx, opts.emit, func(repo *command.Repository, p tracker.Projection) (bodies []event.Body, err error) {
		if rows, err = verb.ResolveAll(p, opts.ids); err != nil {
			if bad := (*store.BadIDError)(nil); errors.As(err, &bad) && bad.ID != opts.ids[0] {
				err = v.unsigned(bad.ID, opts.signed)
			}
			return nil, err
		}
		effects = nil
		self, err := v.who(ctx, repo, p)
		if err != nil {
			return nil, err
		}
		plus.self, minus.self = self, self
		for _, i := range rows {
			for _, part := range []struct {
				x    *setOptions
				plan setPlan
			}{{&plus, v.add}, {&minus, v.remove}} {
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
	printEffects(e, r.View, effects)
	return printIssuesWrite(ctx, e, r, opts.emit, verb.Shown(r.View, ids(rows)))
}

// signed reports whether a word is a value with a sign, or a sign alone.
func signed(word string) bool {
	return word != "" && (word[0] == '+' || word[0] == '-') && !strings.HasPrefix(word[1:], " ")
}

// bySign separates the values by their signs.
func (v *setVerb) bySign(words []string) (plus, minus []string, err error) {
	for _, w := range words {
		word := frame.OneLine(w)
		switch {
		case !signed(w):
			return nil, nil, v.unsigned(w, words[0])
		case w == "+" || w == "-":
			return nil, nil, frame.Misuse(fmt.Sprintf("'%s' is a sign without a value", w), fmt.Sprintf("no space comes after the sign: %sbug", w))
		case !strings.Contains(v.signs(), w[:1]):
			return nil, nil, frame.Misuse(fmt.Sprintf("'%s' removes: it does not take '%s'", v.name, word), fmt.Sprintf("to add: git crosslink %s <id>… %s", strings.TrimPrefix(v.name, "un"), shell.Word(word)))
		case w[0] == '+':
			plus = append(plus, w[1:])
		default:
			minus = append(minus, w[1:])
		}
	}
	return plus, minus, nil
}

// unsigned refuses a value without a sign if another value has one.
func (v *setVerb) unsigned(word, with string) error {
	word = frame.OneLine(word)
	hint := "ids come first; a value is -" + word
	if v.add != nil {
		hint = "ids come first; a value is +" + word + " or -" + word
	}
	return frame.Misuse(fmt.Sprintf("'%s' has no sign, unlike '%s'", word, frame.OneLine(with)), hint)
}

// explain adds to the error about a refused name how to name several issues.
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
	values := ""
	for _, n := range refused.Names {
		values += " " + v.signs()[:1] + shell.Word(n)
	}
	f.Hints = []string{fmt.Sprintf("several issues: git crosslink %s %s%s", v.name, strings.Join(unique(append([]string{i.Name()}, refused.Shown...)), " "), values)}
	return f
}

// nameFailure refuses a name that looks like an issue.
func nameFailure(e *verb.NameError, what string) *frame.Failure {
	f := frame.Misuse(fmt.Sprintf("%s, not %s", e.Error(), what))
	f.Kind = "bad-value"
	return f
}

// unblock plans the removal of blockers.
func unblock(x *setOptions, p tracker.Projection, i *store.Issue) (verb.Plan, error) {
	blockers, err := verb.ResolveAll(p, x.words)
	return verb.Unblock(i, blockers), err
}

// forceFlag is the option that allows assigning unknown people.
func forceFlag() urfave.Flag {
	return &urfave.BoolFlag{Name: "force", Usage: "assign people whom the tracker does not know"}
}

// naming is a set of names on the command line. Commas separate names.
type naming struct {
	set  *verb.Names
	what string // "a label"
}

var (
	labeling  = naming{&verb.Labels, "a label"}
	assigning = naming{&verb.Assignees, "an assignee"}
)

// add adds names to the set.
func (n naming) add(x *setOptions, p tracker.Projection, i *store.Issue) (verb.Plan, error) {
	if err := n.refuseIDs(x, p, i, x.words); err != nil {
		return verb.Plan{}, err
	}
	if n == assigning {
		return verb.Assign(p, x.self, i, x.words, x.force)
	}
	return n.set.Add(i, x.words), nil
}

// remove removes names from the set. A stored name may contain a comma.
func (n naming) remove(x *setOptions, p tracker.Projection, i *store.Issue) (verb.Plan, error) {
	var names []string
	for _, w := range x.words {
		if n.set.Has(i, w) {
			names = append(names, w)
			continue
		}
		split, err := n.list([]string{w})
		if err != nil {
			return verb.Plan{}, err
		}
		names = append(names, split...)
	}
	names = unique(names)
	if err := n.refuseIDs(x, p, i, names); err != nil {
		return verb.Plan{}, err
	}
	if n == assigning {
		return verb.Unassign(p, x.self, i, names)
	}
	return n.set.Remove(i, names), nil
}

// refuseIDs refuses names that look like ids of issues, unless they were quoted.
func (n naming) refuseIDs(x *setOptions, p tracker.Projection, i *store.Issue, names []string) error {
	quoted := strings.Split(strings.Join(x.exact, ","), ",")
	named := slices.DeleteFunc(slices.Clone(names), func(w string) bool { return len(store.Called(quoted, w)) > 0 })
	return n.set.CheckNames(p, i, named)
}

// list returns the names to add, in the form in which they are written, without duplicates;
// 'a,b' gives two names.
func (n naming) list(words []string) ([]string, error) {
	if len(words) == 0 {
		return nil, nil
	}
	var names []string
	for _, w := range strings.Split(strings.Join(words, ","), ",") {
		if w = store.Name(w); w == "" {
			return nil, frame.Misuse(n.what + " cannot be empty")
		}
		names = append(names, w)
	}
	return unique(names), nil
}
