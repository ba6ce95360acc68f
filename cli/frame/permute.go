package frame

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/shell"
)

// The rules for words on the command line are git's:
//
//   - options may be anywhere, also before the verb; '--' and '--end-of-options' end them;
//   - '--name=value', '--name value', '-nvalue', '-n value', and '-qz' for two switches;
//     '--no-name' turns a switch off; a unique beginning of a long name is enough;
//   - an option with an optional value takes it only after '=';
//   - '-10' is '--limit 10' if there is a limit, and '-P1' '--priority P1' if there is a
//     priority.
//
// If a command takes a text, a word that begins with a dash is a text when it cannot be an
// option, because the option's name would contain a space. If it could be an option, the
// error explains how to pass it. '-ui' is a value if a command takes values with signs, but
// '-y' and '-wait' are mistyped options.
//
// urfave stops at the first word that is not an option, so this file puts the words in
// urfave's order and finds all mistakes in them.

// invocation is a command line whose words are in order.
type invocation struct {
	Dirs    []string // values of -C, to be applied one after the other
	command *urfave.Command
	path    []string // the words that name the command
	flags   []string // --name=value, in the given order
	args    []string
	quoted  int // how many of them, the last ones, came after '--'
	Help    helpKind
	version bool
}

type helpKind int

const (
	NoHelp   helpKind = iota
	synopsis          // -h
	manual            // --help
)

// Words returns the words for urfave.
func (v *invocation) Words() []string {
	w := append([]string{Program}, v.path...)
	w = append(w, v.flags...)
	return append(append(w, "--"), v.args...)
}

// withoutValue has the values of options that may be given without one.
var withoutValue = map[string]string{"color": "always", "porcelain": "v1", "wait": NoLimit}

// NoLimit is a wait without a time limit.
const NoLimit = "no limit"

// option is what permute needs to know about a flag.
type option struct {
	name  string // its long name
	value bool   // it takes a value
	list  bool   // it may be repeated
}

type flagTable map[string]option

func flagTableOf(flags []urfave.Flag) flagTable {
	o := flagTable{}
	for _, f := range flags {
		d, ok := f.(urfave.DocGenerationFlag)
		for _, n := range f.Names() {
			_, list := f.(*urfave.StringSliceFlag)
			o[n] = option{f.Names()[0], ok && d.TakesValue(), list}
		}
	}
	return o
}

// Permute puts the words in order: which command, which options, which
// arguments.
func Permute(root *urfave.Command, args []string) (*invocation, error) {
	v := &invocation{}
	at, known := root, flagTableOf(root.Flags)
	for i := 0; i < len(args); i++ {
		word := args[i]
		switch {
		case word == "--" || word == "--end-of-options":
			if at == root {
				continue
			}
			v.args, v.quoted = append(v.args, args[i+1:]...), len(args)-i-1
			i = len(args)
		case len(word) > 1 && word[0] == '-':
			before := *v
			used, err := v.option(at, known, word, args[i+1:])
			if errors.Is(err, errNoOption) && len(v.args) > 0 && takesSigns(at) && !strings.HasPrefix(word, "--") {
				if err = mistyped(at, known, word[1:]); err == nil {
					*v = before
					v.args = append(v.args, word)
					continue
				}
			}
			if errors.Is(err, errNoOption) && placeholderOf(at, len(v.args)) == "<duration>" && strings.ContainsAny(word[1:2], "0123456789") {
				*v = before
				v.args = append(v.args, word) // it is refused later, with a better message
				continue
			}
			if errors.Is(err, errNoOption) && takesText(at, len(v.args)) {
				if name, _, _ := strings.Cut(word, "="); strings.ContainsFunc(name, unicode.IsSpace) {
					*v = before
					v.args = append(v.args, word)
					continue
				}
				err = withSeparator(err, root, args, i)
			}
			if err != nil {
				v.command = at
				return v, err
			}
			i += used
		default:
			sub := at.Command(word)
			switch {
			case sub != nil && len(v.args) == 0:
				at, known = sub, flagTableOf(sub.Flags)
				if sub.Name != IssueNoun {
					v.path = append(v.path, sub.Name)
				}
			case at.Action == nil: // a noun that needs a verb
				return v, unknownCommand(root, at, word)
			default:
				v.args = append(v.args, word)
			}
		}
	}
	if at != root {
		v.command = at
	}
	for _, f := range v.flags { // an option before the verb may not belong to the verb
		name, _, _ := strings.Cut(strings.TrimPrefix(f, "--"), "=")
		if _, ok := known[name]; !ok {
			return v, Misuse(fmt.Sprintf("'%s' has no option '--%s'", at.Name, name))
		}
	}
	return v, nil
}

// takesSigns reports whether a command takes values with signs: '+bug -ui'. A word that is
// a valid option is always an option, so '-q' is never a value.
func takesSigns(c *urfave.Command) bool { return strings.Contains(c.UsageText, "-<") }

// mistyped refuses a value with the sign '-' that is more likely meant as an option: one
// letter, or the long name of an option. It does not apply to commands that only remove.
func mistyped(at *urfave.Command, known flagTable, value string) error {
	_, long := known[value]
	letter := len(value) == 1 && strings.Trim(strings.ToLower(value), "abcdefghijklmnopqrstuvwxyz") == ""
	if !letter && !long && value != "help" || strings.HasPrefix(at.Name, "un") {
		return nil
	}
	f := Misuse("unknown option '-" + value + "'") // and not a text either
	if !letter {
		f.Hints = append(f.Hints, "did you mean '--"+value+"'?")
	}
	f.Hints = append(f.Hints, fmt.Sprintf("to remove '%s': git crosslink un%s <id> %s", value, at.Name, value), CommandName(at)+" -h")
	return f
}

// takesText reports whether the n-th argument of a command, from 0, may be any
// text. An argument after the last one of the synopsis is judged like the last.
func takesText(c *urfave.Command, n int) bool {
	return slices.Contains([]string{"<title>", "<text>", "<word>", "<label>", "<who>"}, placeholderOf(c, n))
}

// placeholderOf returns the placeholder of the n-th argument in a command's synopsis, or
// the last one.
func placeholderOf(c *urfave.Command, n int) string {
	arguments := placeholder().FindAllString(strings.ReplaceAll(synopsisOf(c), "<options>", ""), -1)
	if len(arguments) == 0 {
		return ""
	}
	return arguments[min(n, len(arguments)-1)]
}

var placeholder = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`<[^>]+>`) })

// hasRoomFor reports whether the synopsis has room for so many arguments.
func hasRoomFor(c *urfave.Command, args int) bool {
	synopsis := synopsisOf(c)
	return strings.Contains(synopsis, "…") || args <= strings.Count(synopsis, "<")-strings.Count(synopsis, "<options>")
}

func synopsisOf(c *urfave.Command) string {
	first, _, _ := strings.Cut(c.UsageText, "\n")
	return first
}

// errNoOption means that a word names no option.
var errNoOption = errors.New("no option")

func noOption(message string, hints []string) *Failure {
	f := Misuse(message, hints...)
	f.Cause = errNoOption
	return f
}

// withSeparator adds a hint to the error about the word at i: how to pass it as a text.
func withSeparator(err error, root *urfave.Command, args []string, i int) error {
	f, ok := err.(*Failure)
	if !ok {
		return err
	}
	hint := "if it is text, pass it last, after '--'"
	words := slices.Concat(args[:i], args[i+1:], []string{"--", args[i]})
	command := "git crosslink"
	for _, w := range words {
		if strings.HasPrefix(w, "-") && shell.Word("x"+w) == "x"+w { // an option
			command += " " + w
		} else {
			command += " " + shell.Word(w)
		}
	}
	const most = 500
	if len(command) <= most && command == OneLine(command) && !slices.Contains(args[i+1:], "--") {
		if v, err := Permute(root, words); err == nil && hasRoomFor(v.command, len(v.args)) {
			hint = "if it is text: " + command
		}
	}
	f.Hints = slices.Insert(f.Hints, max(len(f.Hints)-1, 0), hint) // the last hint names the command's help
	return f
}

// option parses one word with options and returns how many words of rest it used.
func (v *invocation) option(at *urfave.Command, known flagTable, word string, rest []string) (int, error) {
	if o, ok := known["limit"]; ok && strings.Trim(word[1:], "0123456789") == "" { // '-10', as in git log
		return 0, v.give(o, word[1:])
	}
	if o, ok := known["priority"]; ok && len(word) == 3 && word[1] == 'P' && '0' <= word[2] && word[2] <= '9' { // '-P1', as in other trackers
		return 0, v.give(o, word[1:])
	}
	if strings.HasPrefix(word, "--") {
		return v.long(at, known, word[2:], rest)
	}
	for k := 1; k < len(word); k++ {
		name := word[k : k+1]
		switch name {
		case "h":
			v.Help = synopsis
			continue
		case "v":
			if at.Name == Program {
				v.version = true
				continue
			}
		}
		o, ok := known[name]
		switch {
		case !ok:
			return 0, noOption("unknown option '-"+name+"'", near(at, known, ""))
		case !o.value:
			v.flags = append(v.flags, "--"+o.name+"=true")
			continue
		case k+1 < len(word):
			return 0, v.give(o, word[k+1:])
		case len(rest) == 0:
			return 0, Misuse(fmt.Sprintf("option '-%s' needs a value", name))
		}
		return 1, v.give(o, rest[0])
	}
	return 0, nil
}

func (v *invocation) long(at *urfave.Command, known flagTable, word string, rest []string) (int, error) {
	name, value, has := strings.Cut(word, "=")
	switch {
	case name == "help" && !has:
		v.Help = manual
		return 0, nil
	case name == "version" && !has && at.Name == Program:
		v.version = true
		return 0, nil
	}
	o, negated, err := known.find(at, name)
	if err != nil {
		return 0, err
	}
	switch {
	case negated && has:
		return 0, Misuse(fmt.Sprintf("option '--%s' takes no value", name))
	case negated && o.name == "color":
		return 0, v.give(o, "never")
	case negated:
		v.flags = append(v.flags, "--"+o.name+"=false")
		return 0, nil
	case !o.value:
		if !has {
			value = "true"
		}
		if value != "true" && value != "false" {
			return 0, Misuse(fmt.Sprintf("option '--%s' takes no value", name))
		}
		v.flags = append(v.flags, "--"+o.name+"="+value)
		return 0, nil
	case has:
		return 0, v.give(o, value)
	case withoutValue[o.name] != "":
		return 0, v.give(o, withoutValue[o.name])
	case len(rest) == 0:
		return 0, Misuse(fmt.Sprintf("option '--%s' needs a value", name))
	}
	return 1, v.give(o, rest[0])
}

func (v *invocation) give(o option, value string) error {
	switch {
	case o.name == "C":
		v.Dirs = append(v.Dirs, value)
		return nil
	case o.list && !utf8.ValidString(value): // urfave would replace the invalid bytes
		name := o.name
		if name == "assign" {
			name = "assignee"
		}
		return BadMember(&event.MemberError{Reason: event.NotUTF8, Member: name, Detail: "'" + name + "' is not valid UTF-8"})
	}
	v.flags = append(v.flags, "--"+o.name+"="+value)
	return nil
}

// find looks up an option by its name, with '--no-', or by a unique beginning.
func (o flagTable) find(at *urfave.Command, name string) (found option, negated bool, err error) {
	if f, ok := o[name]; ok && len(name) > 1 {
		return f, false, nil
	}
	if positive, ok := strings.CutPrefix(name, "no-"); ok {
		if f, ok := o[positive]; ok && (!f.value || f.name == "color") {
			return f, true, nil
		}
	}
	var full []string
	for n := range o {
		if len(name) > 1 && len(n) > 1 && strings.HasPrefix(n, name) {
			full = append(full, n)
		}
	}
	slices.Sort(full)
	switch len(full) {
	case 0:
		return option{}, false, noOption("unknown option '--"+name+"'", near(at, o, name))
	case 1:
		return o[full[0]], false, nil
	}
	return option{}, false, noOption(fmt.Sprintf("option '--%s' is ambiguous: could be --%s", name, strings.Join(full, " or --")), nil)
}

// near returns hints: the option that may have been meant, and where all options are
// listed.
func near(at *urfave.Command, known flagTable, name string) []string {
	var hints []string
	if o := optionFor(known, name); o != "" {
		hints = append(hints, "did you mean '"+o+"'?")
	}
	if at.Name == Program {
		return append(hints, "git crosslink -h")
	}
	return append(hints, CommandName(at)+" -h")
}

func unknownCommand(root, at *urfave.Command, word string) error {
	f := Misuse(fmt.Sprintf("'%s' is not a command of %s", word, CommandName(at)))
	f.Kind = "unknown-command"
	if at == root {
		f.Message = fmt.Sprintf("'%s' is not a git crosslink command", word)
	}
	if n := commandFor(at, word); n != "" {
		f.Hints = append(f.Hints, "the most similar command is: "+CommandName(at)+" "+n)
	}
	f.Hints = append(f.Hints, "all commands: git crosslink -h")
	return f
}
