package cli

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/cli/issue"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// completer completes the commands of this program, and issues.
func completer(ctx context.Context, e *command.Env) frame.Completer {
	return frame.Completer{Root: tree(e), Values: func(c *urfave.Command, option string) []frame.Candidate { return optionValues(ctx, e, c, option) }, Issues: func(verb, word string) []frame.Candidate { return issueCandidates(ctx, e, verb, word) }}
}

// optionValues returns the possible values of an option.
func optionValues(ctx context.Context, e *command.Env, c *urfave.Command, option string) []frame.Candidate {
	switch option {
	case "kind", "k":
		switch c.Name {
		case "relate", "unrelate":
			return words(issue.RelationKinds)
		case "comment":
			return words(issue.CommentKinds)
		}
	case "label", "l", "assignee", "assign", "a", "author", "locked-by", "milestone", "agent":
		return namesFor(ctx, e, option)
	}
	return words(map[string][]string{"priority": issue.Priorities, "p": issue.Priorities, "color": frame.Colors, "status": store.Statuses,
		"sort": store.Sorts, "state": event.PresenceStates, "porcelain": {"v1"}}[option])
}

// words returns candidates without notes.
func words(all []string) (found []frame.Candidate) {
	for _, w := range all {
		found = append(found, frame.Candidate{Word: w})
	}
	return found
}

// namesFor returns the known labels, people and milestones. People are completed to ids,
// also by their names.
func namesFor(ctx context.Context, e *command.Env, option string) (found []frame.Candidate) {
	repo, err := e.Repository(ctx)
	if err != nil {
		return nil
	}
	p, err := repo.Read(ctx, tracker.Offline)
	if err != nil {
		return nil
	}
	var names []string
	if option == "milestone" {
		all, err := p.Milestones()
		if err != nil {
			return nil
		}
		for _, m := range all {
			names = append(names, m.Name)
		}
		return words(names)
	}
	if option == "agent" {
		for _, a := range p.Agents() {
			found = append(found, frame.Candidate{Word: a.ID, Note: event.DisplayName(a.Name)})
		}
		return found
	}
	rows, _, err := p.List(store.Filter{Status: "all", Sort: "updated", Limit: maxCompleted})
	if err != nil {
		return nil
	}
	for _, i := range rows {
		switch option {
		case "label", "l":
			names = append(names, i.Labels...)
		default:
			names = append(append(names, i.CreatedBy), i.Assignees...)
		}
	}
	notes := map[string]string{}
	if option != "label" && option != "l" {
		for _, a := range p.Agents() {
			if !a.Retired {
				names = append(names, a.ID)
			}
			notes[a.ID] = event.DisplayName(a.Name)
		}
		names = append(names, people.Me, people.This)
	}
	slices.Sort(names)
	for _, n := range slices.Compact(names) {
		found = append(found, frame.Candidate{Word: n, Note: notes[n]})
	}
	return found
}

// maxCompleted is how many issues completion reads: those that changed last.
const maxCompleted = 5000

// issueCandidates returns the issues whose id begins with the word or whose title contains
// it. The issues that the command is most likely about come first.
func issueCandidates(ctx context.Context, e *command.Env, verb, word string) []frame.Candidate {
	repo, err := e.Repository(ctx)
	if err != nil {
		return nil
	}
	p, err := repo.Read(ctx, tracker.Offline)
	if err != nil {
		return nil
	}
	known, err := p.Latest("all", maxCompleted)
	if err != nil {
		return nil
	}
	reopens := verb == "reopen"
	var first, second []frame.Candidate
	number := strings.Trim(word, "0123456789") == "" // digits alone are a number, never the beginning of a uuid
	for _, i := range known {
		if !strings.HasPrefix(i.Name(), strings.TrimPrefix(word, "#")) && (number || !strings.HasPrefix(i.Short, word)) &&
			(word == "" || !strings.Contains(strings.ToLower(i.Title), strings.ToLower(word))) {
			continue
		}
		c := frame.Candidate{Word: i.Name(), Note: i.Title}
		if (i.Status != event.Open) == reopens {
			first = append(first, c)
		} else {
			c.Note = fmt.Sprintf("%s (%s)", c.Note, map[bool]string{true: "open", false: "closed"}[i.Status == event.Open])
			second = append(second, c)
		}
	}
	switch verb {
	case "close", "lock", "unlock", "block", "assign", "reopen", "schedule", "archive":
		if len(first) > 0 {
			return first
		}
	}
	return append(first, second...)
}

func newCompletionCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "completion", Category: frame.GroupRest,
		Usage:     "print the completion script for a shell",
		UsageText: "git crosslink completion (bash | zsh | fish)",
		Description: `Prints a script with which a shell completes commands, options, values and the ids
of issues. A word of the title also completes to an id. Completion reads only this
clone and never contacts the hub. install.sh installs the scripts.

Examples:
  git crosslink completion bash >>~/.bashrc
  git crosslink completion zsh >~/.zsh/_git-crosslink
  git crosslink completion fish >~/.config/fish/conf.d/git-crosslink.fish`,
	}, func(u *urfave.Context) error {
		shells := []string{"bash", "zsh", "fish"}
		args, err := frame.Arguments(u, 1, 1, "a shell: "+strings.Join(shells, ", "))
		if err != nil {
			return err
		}
		if !slices.Contains(shells, args[0]) {
			return frame.BadValue("completion", args[0], shells)
		}
		return runCompletion(u.Context, args[0], e)
	})
}

//go:embed completion
var completions embed.FS

type completionShape struct {
	Shell  string `json:"shell"`
	Script string `json:"script"`
}

func runCompletion(ctx context.Context, shell string, e *command.Env) error {
	b, err := completions.ReadFile("completion/" + shell)
	if err != nil {
		return err
	}
	if e.JSON {
		return e.Print(ctx, frame.Result{Data: completionShape{shell, string(b)}})
	}
	return e.WriteLines(strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")) // our own text, including tabs
}
