package frame

import (
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// CompleteVerb is what the shells' completions call: `git-crosslink complete
// <word>…`, the last word being the one under the cursor. It is no command for
// people. The rules are:
//
//   - one line a candidate: the word, and a note after a TAB;
//   - it answers from what is here, and is silent about whatever is wrong:
//     people are typing;
//   - titles are anybody's text: what a terminal must not see is escaped;
//   - the word itself is a number, a short uuid, a word of the program, or a name
//     in use of letters, digits and "-_=.@/+" alone, and stands once: a shell runs
//     what it put in, and bash puts in what all candidates begin with, notes
//     included. Names that hold anything else are typed by hand.
const CompleteVerb = "complete"

// maxCandidates is about what a person looks through.
const maxCandidates = 200

// Candidate is one word that may stand next.
type Candidate struct{ Word, Note string }

// Completer is what completion needs to know of the commands.
type Completer struct {
	Root   *urfave.Command
	Values func(c *urfave.Command, option string) []Candidate // that an option can have, where there is a list of them
	Issues func(command, word string) []Candidate             // whose id or title goes with a word
}

// Complete prints what may stand in the place of the last argument.
func (t *Terminal) Complete(c Completer, args []string) int {
	t.Quiet = true
	if len(args) == 0 {
		args = []string{""}
	}
	found := c.candidates(args[:len(args)-1], args[len(args)-1])
	lines := make([]string, 0, len(found))
	seen := map[string]bool{}
	for _, c := range found {
		if len(lines) == maxCandidates || seen[c.Word] || !harmless(c.Word) {
			continue
		}
		seen[c.Word] = true
		line := c.Word
		if c.Note != "" {
			line += "\t" + OneLine(c.Note)
		}
		lines = append(lines, line)
	}
	if t.WriteLines(lines) != nil {
		return ExitFatal
	}
	return ExitDone
}

// harmless reports whether no shell sees more in a word than a word.
func harmless(word string) bool {
	return strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=.@/+") == ""
}

// candidates finds what may stand in the place of the last word.
func (c Completer) candidates(before []string, word string) []Candidate {
	at, args := c.Root, 0
	opts := flagTableOf(at.Flags)
	pending := "" // the option whose value comes next
	for i, w := range before {
		switch {
		case pending != "":
			pending = ""
			if w == "=" && i > 0 { // bash parts '--name=value' in three
				pending = strings.TrimLeft(before[i-1], "-")
			}
		case w == "--", w == "--end-of-options":
			return c.arguments(at, args, word)
		case strings.HasPrefix(w, "-") && w != "-":
			name := strings.TrimLeft(w, "-")
			if o, ok := opts[name]; ok && o.value && withoutValue[o.name] == "" {
				pending = o.name
			} else if i+1 < len(before) && before[i+1] == "=" || i+1 == len(before) && word == "=" {
				pending = name
			}
		default:
			if sub := at.Command(w); sub != nil && args == 0 {
				at, opts = sub, flagTableOf(slices.Concat(c.Root.Flags, sub.Flags))
			} else {
				args++
			}
		}
	}
	switch {
	case pending != "":
		return c.valuesOf(at, pending, "", strings.TrimPrefix(word, "="))
	case strings.HasPrefix(word, "--") && strings.Contains(word, "="):
		name, value, _ := strings.Cut(word, "=")
		return c.valuesOf(at, name[2:], name+"=", value)
	case strings.HasPrefix(word, "-"):
		found := optionCandidates(at, word)
		if takesSigns(at) && args > 0 && !strings.HasPrefix(word, "--") && len(word) > 1 {
			found = append(found, c.arguments(at, args, word)...)
		}
		return found
	}
	return c.arguments(at, args, word)
}

// arguments are subcommands, ids and the names that the usage of a command takes.
func (c Completer) arguments(at *urfave.Command, args int, word string) []Candidate {
	var found []Candidate
	if args == 0 {
		for _, sub := range at.Subcommands {
			if !sub.Hidden && strings.HasPrefix(sub.Name, word) {
				found = append(found, Candidate{sub.Name, sub.Usage})
			}
		}
	}
	sign, usage := "", UsageLines(at)
	if args > 0 && takesSigns(at) && word != "" && strings.Contains("+-", word[:1]) {
		sign, word, args, usage = word[:1], word[1:], 1, usage[:1] // whose second argument is a value
	}
	placeholders := argumentsOf(at, usage, args)
	for _, p := range placeholders {
		if option := optionOf[p]; option != "" {
			found = append(found, c.valuesOf(at, option, sign, word)...)
		}
	}
	if slices.ContainsFunc(placeholders, namesIssue) {
		for _, i := range c.Issues(at.Name, word) {
			found = append(found, Candidate{sign + i.Word, i.Note})
		}
	}
	return found
}

// optionOf names the option that has the same values as an argument.
var optionOf = map[string]string{"label": "label", "who": "assignee", "milestone": "milestone", "agent": "agent", "kind": "kind", "state": "state"}

// argumentsOf are the placeholders, without their brackets, that lines of a command's
// usage have for its nth argument.
func argumentsOf(c *urfave.Command, usage []string, n int) (found []string) {
	for _, line := range usage {
		var args []string
		for _, w := range strings.Fields(strings.TrimPrefix(line, CommandName(c))) {
			if w != "[<options>]" && !strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "[-") {
				args = append(args, w)
			}
		}
		at := n
		if len(args) > 0 && at >= len(args) && strings.HasSuffix(args[len(args)-1], "…") {
			at = len(args) - 1
		}
		if at < len(args) {
			found = append(found, strings.Trim(args[at], "[(<>)]…"))
		}
	}
	return found
}

// TakesIssue reads from a command's usage whether its nth argument is the id of
// an issue.
func TakesIssue(c *urfave.Command, n int) bool {
	return slices.ContainsFunc(argumentsOf(c, UsageLines(c), n), namesIssue)
}

func namesIssue(placeholder string) bool {
	return slices.Contains([]string{"id", "blocker", "a", "b", "parent"}, placeholder)
}

func optionCandidates(c *urfave.Command, word string) []Candidate {
	var found []Candidate
	for _, f := range c.Flags {
		name := "--" + f.Names()[0]
		o := flagTableOf([]urfave.Flag{f})[f.Names()[0]]
		if len(f.Names()[0]) == 1 || !strings.HasPrefix(name, word) {
			continue
		}
		if b, ok := f.(*urfave.BoolFlag); ok && b.Value { // on by default: completed is the opposite
			name = "--no-" + f.Names()[0]
		}
		if o.value && withoutValue[o.name] == "" {
			name += "="
		}
		note := ""
		if d, ok := f.(urfave.DocGenerationFlag); ok {
			note = strings.ReplaceAll(d.GetUsage(), "`", "")
		}
		found = append(found, Candidate{name, note})
	}
	return found
}

// valuesOf are those an option can have that begin with a word.
func (c Completer) valuesOf(at *urfave.Command, option, prefix, word string) []Candidate {
	var found []Candidate
	for _, v := range c.Values(at, option) {
		if strings.HasPrefix(v.Word, word) || word != "" && begins(v.Note, word) {
			found = append(found, Candidate{prefix + v.Word, v.Note})
		}
	}
	return found
}

// begins reports whether a word of a note begins with what was typed.
func begins(note, typed string) bool {
	return slices.ContainsFunc(strings.Fields(strings.ToLower(note)), func(w string) bool { return strings.HasPrefix(w, strings.ToLower(typed)) })
}
