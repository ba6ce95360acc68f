package cli

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/hooks"
	"github.com/git-crosslink/git-crosslink/store"
)

// completeVerb is what the shells' completions call: `git-crosslink complete
// <word>…`, the last word being the one under the cursor. It is no command for
// people. The rules are:
//
//   - one line a candidate: the word, and a note after a TAB;
//   - it answers from files of this clone, starts nothing (but asks git about a
//     repository that somebody else owns) and is silent about whatever is
//     wrong: people are typing;
//   - titles are anybody's text: what a terminal must not see is escaped;
//   - the word itself is only ever a number, a short uuid or a word of the
//     program, and stands once: a shell runs what it put in, and bash puts in
//     what all candidates begin with, notes included.
const completeVerb = "complete"

// maxCandidates is about what a person looks through.
const maxCandidates = 200

// candidate is one word that may stand next.
type candidate struct{ word, note string }

func (e *env) complete(ctx context.Context, args []string) int {
	if len(args) == 0 {
		args = []string{""}
	}
	found := e.candidates(ctx, tree(e), args[:len(args)-1], args[len(args)-1])
	ids := make([]string, 0, len(found))
	seen := map[string]bool{}
	for _, c := range found {
		if len(ids) == maxCandidates || seen[c.word] || !harmless(c.word) {
			continue
		}
		seen[c.word] = true
		line := c.word
		if c.note != "" {
			line += "\t" + frame.OneLine(c.note)
		}
		ids = append(ids, line)
	}
	if e.lines(ids) != nil {
		return frame.ExitFatal
	}
	return frame.ExitDone
}

// harmless reports whether no shell sees more in a word than a word.
func harmless(word string) bool {
	return strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789-_=") == ""
}

// candidates finds what may stand in the place of the last word.
func (e *env) candidates(ctx context.Context, root *urfave.Command, before []string, word string) []candidate {
	at, args := root, 0
	opts := optionsOf(root.Flags)
	pending := "" // the option whose value comes next
	for i, w := range before {
		switch {
		case pending != "":
			pending = ""
			if w == "=" && i > 0 { // bash parts '--name=value' in three
				pending = strings.TrimLeft(before[i-1], "-")
			}
		case w == "--", w == "--end-of-options":
			return e.arguments(ctx, at, args, word)
		case strings.HasPrefix(w, "-") && w != "-":
			name := strings.TrimLeft(w, "-")
			if o, ok := opts[name]; ok && o.value && withoutValue[o.name] == "" {
				pending = o.name
			} else if i+1 < len(before) && before[i+1] == "=" || i+1 == len(before) && word == "=" {
				pending = name
			}
		default:
			if c := at.Command(w); c != nil && args == 0 {
				at, opts = c, optionsOf(slices.Concat(root.Flags, c.Flags))
			} else {
				args++
			}
		}
	}
	switch {
	case pending != "":
		return values(at, pending, "", strings.TrimPrefix(word, "="))
	case strings.HasPrefix(word, "--") && strings.Contains(word, "="):
		name, value, _ := strings.Cut(word, "=")
		return values(at, name[2:], name+"=", value)
	case strings.HasPrefix(word, "-"):
		return optionCandidates(at, word)
	}
	return e.arguments(ctx, at, args, word)
}

// arguments are subcommands and ids.
func (e *env) arguments(ctx context.Context, at *urfave.Command, args int, word string) []candidate {
	var found []candidate
	if args == 0 {
		for _, c := range at.Subcommands {
			if !c.Hidden && strings.HasPrefix(c.Name, word) {
				found = append(found, candidate{c.Name, c.Usage})
			}
		}
	}
	kind := argumentKind(at, args)
	if kind == "" {
		return found
	}
	return append(found, e.issueCandidates(ctx, at.Name, word)...)
}

// argumentKind reads from a command's usage what its nth argument is: "id" for
// one of an issue, else "".
func argumentKind(c *urfave.Command, n int) string {
	ids := []string{"<id>", "<id>…", "[<id>]", "<blocker>…", "<a>", "<b>", "(<parent>"}
	for _, line := range usageLines(c) {
		var args []string
		for _, w := range strings.Fields(strings.TrimPrefix(line, commandName(c))) {
			if w != "[<options>]" && !strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "[-") {
				args = append(args, w)
			}
		}
		if len(args) > 0 && n >= len(args) && strings.HasSuffix(args[len(args)-1], "…") {
			n = len(args) - 1
		}
		if n < len(args) && slices.Contains(ids, args[n]) {
			return "id"
		}
	}
	return ""
}

func optionCandidates(c *urfave.Command, word string) []candidate {
	var found []candidate
	for _, f := range c.Flags {
		name := "--" + f.Names()[0]
		o := optionsOf([]urfave.Flag{f})[f.Names()[0]]
		if len(f.Names()[0]) == 1 || !strings.HasPrefix(name, word) {
			continue
		}
		if b, ok := f.(*urfave.BoolFlag); ok && b.Value { // on by itself: what is said is the opposite
			name = "--no-" + f.Names()[0]
		}
		if o.value && withoutValue[o.name] == "" {
			name += "="
		}
		note := ""
		if d, ok := f.(urfave.DocGenerationFlag); ok {
			note = strings.ReplaceAll(d.GetUsage(), "`", "")
		}
		found = append(found, candidate{name, note})
	}
	return found
}

// values are those an option can have, where there is a list of them.
func values(c *urfave.Command, option, prefix, word string) []candidate {
	valid := map[string][]string{"priority": priorities, "p": priorities, "color": colors, "status": store.Statuses,
		"sort": store.Sorts, "state": event.PresenceStates, "porcelain": {"v1"}}[option]
	if option == "kind" && (c.Name == "relate" || c.Name == "unrelate") {
		valid = relationKinds
	}
	var found []candidate
	for _, v := range valid {
		if strings.HasPrefix(v, word) {
			found = append(found, candidate{prefix + v, ""})
		}
	}
	return found
}

// issueCandidates are the issues whose id begins with the word or whose title
// holds it, those first that the command is likely meant for.
func (e *env) issueCandidates(ctx context.Context, verb, word string) []candidate {
	known := readIndex(hooks.Home(ctx, "", nil))
	reopens := verb == "reopen"
	var first, second []candidate
	number := strings.Trim(word, "0123456789") == "" // digits alone are one, never the beginning of a uuid
	for _, i := range known {
		if !strings.HasPrefix(i.name, strings.TrimPrefix(word, "#")) && (number || !strings.HasPrefix(i.short, word)) &&
			(word == "" || !strings.Contains(strings.ToLower(i.title), strings.ToLower(word))) {
			continue
		}
		c := candidate{i.name, i.title}
		if i.closed == reopens {
			first = append(first, c)
		} else {
			c.note = fmt.Sprintf("%s (%s)", c.note, map[bool]string{true: "closed", false: "open"}[i.closed])
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

func newCompletionCommand(e *env) *urfave.Command {
	return e.command(&urfave.Command{
		Name: "completion", Category: groupRest,
		Usage:     "print what completes commands and ids in a shell",
		UsageText: "git crosslink completion (bash | zsh | fish)",
		Description: `Prints the completion of 'git crosslink' for a shell: commands, options, their
values, and the ids of issues, which can be found by a word of the title. It looks
at what is in this clone and never asks the hub. install.sh puts it where the
shells look for it.

Examples:
  git crosslink completion bash >>~/.bashrc
  git crosslink completion zsh >~/.zsh/_git-crosslink
  git crosslink completion fish >~/.config/fish/conf.d/git-crosslink.fish`,
	}, func(u *urfave.Context) error {
		shells := []string{"bash", "zsh", "fish"}
		args, err := arguments(u, 1, 1, "a shell: "+strings.Join(shells, ", "))
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

func runCompletion(ctx context.Context, shell string, e *env) error {
	b, err := completions.ReadFile("completion/" + shell)
	if err != nil {
		return err
	}
	if e.asJSON {
		return e.say(ctx, answer{data: completionShape{shell, string(b)}})
	}
	return e.lines(strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")) // our own text, tabs and all
}
