package frame

import (
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// CompleteVerb is called by the shells' completions: `git-crosslink complete <word>…`,
// where the last word is the one under the cursor. It is not a command for people. The
// rules are:
//
//   - one line per candidate: the word, and a note after a TAB;
//   - it uses only local data, and ignores all errors, because people are typing;
//   - titles are text from strangers, so characters that must not reach a terminal are
//     escaped;
//   - the word itself is a number, a short uuid, a word of the program, or a name in use that
//     has only letters, digits and "-_=.@/+", and it occurs once. A shell runs the words it
//     inserts, and bash inserts the common beginning of all candidates, including notes.
//     People type other names by hand.
const CompleteVerb = "complete"

// maxCandidates is about as many as a person reads.
const maxCandidates = 200

// Candidate is a possible next word.
type Candidate struct{ Word, Note string }

// Completer has what completion needs to know about the commands.
type Completer struct {
	Root   *urfave.Command
	Values func(c *urfave.Command, option string) []Candidate // values of an option, if there is a list of them
	Issues func(command, word string) []Candidate             // issues whose id or title matches a word
}

// Complete prints the candidates for the last argument.
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

// harmless reports whether every shell takes a word literally.
func harmless(word string) bool {
	return strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=.@/+") == ""
}

// candidates returns the candidates for the last word.
func (c Completer) candidates(before []string, word string) []Candidate {
	at, args := c.Root, 0
	opts := flagTableOf(at.Flags)
	pending := "" // the option whose value comes next
	for i, w := range before {
		switch {
		case pending != "":
			pending = ""
			if w == "=" && i > 0 { // bash splits '--name=value' into three words
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

// arguments returns subcommands, ids and names that fit the usage of a command.
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
		sign, word, args, usage = word[:1], word[1:], 1, usage[:1] // the second argument of such a usage is a value
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

// argumentsOf returns the placeholders, without their brackets, of a command's nth argument
// in the lines of its usage.
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

// TakesIssue reports whether a command's usage has the id of an issue as its nth argument.
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
		if b, ok := f.(*urfave.BoolFlag); ok && b.Value { // it is on by default, so its opposite is offered
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

// valuesOf returns the values of an option that begin with a word.
func (c Completer) valuesOf(at *urfave.Command, option, prefix, word string) []Candidate {
	var found []Candidate
	for _, v := range c.Values(at, option) {
		if strings.HasPrefix(v.Word, word) || word != "" && begins(v.Note, word) {
			found = append(found, Candidate{prefix + v.Word, v.Note})
		}
	}
	return found
}

// begins reports whether a word of a note begins with the typed text.
func begins(note, typed string) bool {
	return slices.ContainsFunc(strings.Fields(strings.ToLower(note)), func(w string) bool { return strings.HasPrefix(w, strings.ToLower(typed)) })
}
