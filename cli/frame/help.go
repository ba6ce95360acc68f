package frame

import (
	"fmt"
	"io"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// The rules of help are git's: -h prints the usage on stdout and exits 129; --help and
// 'help' print everything and exit 0 (git itself runs man for 'git crosslink --help' and
// 'git help crosslink'). Man pages are made from the same texts (man.go): a command's
// Description is prose, then "Examples:" and indented lines.

// NewHelpCommand returns the command help, which explains the commands of a tree.
func NewHelpCommand(t *Terminal, tree func() *urfave.Command) *urfave.Command {
	return t.Command(&urfave.Command{
		Name:      "help",
		Category:  GroupRest,
		Usage:     "explain a command",
		UsageText: "git crosslink help [<command>…]",
	}, func(u *urfave.Context) error {
		root := tree()
		v := &invocation{Help: manual}
		at := root
		for _, w := range u.Args().Slice() {
			c := at.Command(w)
			if c == nil {
				return unknownCommand(root, at, w)
			}
			at, v.command = c, c
		}
		return t.help(root, v)
	})
}

// help prints the answer to -h or --help.
func (t *Terminal) help(root *urfave.Command, v *invocation) error {
	c := v.command
	if c == nil {
		c = root
	}
	if v.Help == synopsis {
		return t.synopsis(c)
	}
	if t.JSON {
		var text strings.Builder
		sheet{&text, 0}.manual(c)
		return t.writeEnvelope(Result{Data: helpShape{CommandName(c), text.String()}})
	}
	t.sheet().manual(c)
	return nil
}

// sheet is a text of help. On a terminal its lines fit.
type sheet struct {
	io.Writer
	width int // 0: a pipe
}

func (t *Terminal) sheet() sheet {
	s := sheet{t.symbolic(t.Out), 0}
	if t.Human() {
		s.width = t.Width
	}
	return s
}

// row writes a name and what it means, which starts at a column. Where that leaves too
// little room, or the name is too long, the meaning follows below.
func (s sheet) row(left string, column int, text string) {
	const least = 24
	narrow := s.width > 0 && s.width-column < least
	if narrow {
		column = 6
	}
	if narrow || Width(left) > column {
		fmt.Fprintln(s, strings.TrimRight(left, " "))
		left = ""
	}
	lines := []string{text}
	if s.width > 0 {
		lines = wrap(text, s.width-column)
	}
	for _, l := range lines {
		fmt.Fprintf(s, "%-*s%s\n", column, left, l)
		left = ""
	}
}

// text writes paragraphs. Where one is wider than the terminal its lines are broken
// again; indented lines stay as they are.
func (s sheet) text(text string) {
	var paragraph []string
	flush := func() {
		if s.width > 0 && slices.ContainsFunc(paragraph, func(l string) bool { return Width(l) > s.width }) {
			paragraph = wrap(strings.Join(paragraph, " "), s.width)
		}
		for _, l := range paragraph {
			fmt.Fprintln(s, l)
		}
		paragraph = nil
	}
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		if l != "" && l[0] != ' ' {
			paragraph = append(paragraph, l)
			continue
		}
		flush()
		fmt.Fprintln(s, l)
	}
	flush()
}

// helpShape is a command explained, in JSON.
type helpShape struct {
	Command string `json:"command"`
	Text    string `json:"text"`
}

// synopsis prints the answer to -h and to a missing command. Its status is 129, so in JSON
// it is an error that contains the usage.
func (t *Terminal) synopsis(c *urfave.Command) error {
	if !t.JSON {
		t.sheet().synopsis(c)
		return &Silent{Code: ExitUsage}
	}
	f := Misuse("this is how '"+CommandName(c)+"' is used", "all of it: git crosslink help --json")
	if f.Usage = UsageLines(c); c.Name == Program {
		f.Usage = []string{programUsage}
	}
	return f
}

// UsageLines returns the lines of a command's synopsis.
func UsageLines(c *urfave.Command) []string {
	if c.UsageText != "" {
		return strings.Split(c.UsageText, "\n")
	}
	return []string{CommandName(c) + " <command>"}
}

func (s sheet) usage(lines []string) {
	for i, l := range lines {
		s.row([]string{"usage: ", "   or: "}[min(i, 1)], len("usage: "), l)
	}
}

// synopsis is what fits on a screen.
func (s sheet) synopsis(c *urfave.Command) {
	if c.Name == Program {
		s.usage([]string{programUsage})
		s.commands(c)
		fmt.Fprintln(s, "\nan agent's day")
		for _, step := range agentsDay {
			if step[1] == "" {
				fmt.Fprintln(s, "  "+step[0])
			} else {
				s.row("  "+step[0]+" ", len("  git crosslink comment <id> <text>      "), step[1])
			}
		}
		fmt.Fprintln(s)
		s.text("'git crosslink <command> -h' lists the options of a command. 'git crosslink help <command>' explains it.")
		return
	}
	s.usage(UsageLines(c))
	s.subcommands(c)
	s.options(c)
}

func (s sheet) manual(c *urfave.Command) {
	if c.Name == Program {
		fmt.Fprint(s, "git crosslink: ", aboutProgram, "\n\n")
		s.synopsis(c)
		fmt.Fprint(s, "\n", aboutIDs, "\n", aboutStatus)
		return
	}
	fmt.Fprintf(s, "%s: %s\n\n", CommandName(c), c.Usage)
	s.usage(UsageLines(c))
	if len(c.Aliases) > 0 {
		fmt.Fprintf(s, "also: %s\n", strings.Join(otherNames(c), ", "))
	}
	s.subcommands(c)
	if c.Description != "" {
		fmt.Fprintln(s)
		s.text(c.Description)
	}
	s.options(c)
}

const (
	programUsage = "git crosslink [-C <dir>] [--json] [-q] [--offline] <command> [<args>]"
	aboutProgram = "an issue tracker that lives in git, for people and AI agents"
)

// aboutManual begins the manual; README.md describes the same first session.
const aboutManual = `Issues live in branches of your git repository. Every clone has all of them and
works offline. Everybody who can fetch and push can take part.

To begin, create an issue and share the tracker:

  git crosslink new 'fix the flux' -p high -l bug
  git crosslink init
  git crosslink list

'git crosslink <command> -h' lists the options of a command. 'git crosslink help
<command>' and 'git help git-crosslink-<command>' explain it. Settings are git
settings; docs/configuration.md lists them.
`

// agentsDay is a working day of a program, in the commands that it takes.
var agentsDay = [][2]string{
	{"git crosslink prime", "how to work here, and where you are"},
	{"git crosslink ready --claim", "take the best issue"},
	{"git crosslink show <id>", "read all about it"},
	{"git crosslink comment <id> <text>", "note what you find (-k decision)"},
	{"git crosslink new <title> --discovered-from <id>", ""},
	{"git crosslink close <id> -r <text> --claim-next", ""},
	{"git crosslink session end -F -", "hand the rest over"},
}

const aboutIDs = `ids
  An issue has a number (12 or '#12') and a uuid. Instead of the uuid you can give
  its first digits: at least 4 hex digits, one of them a letter. 'git crosslink
  issue list' is the same as 'git crosslink list'.
`

const aboutStatus = `exit status
  0    done
  1    a "no": not found, nothing ready
  2    somebody else has the lock
  3    saved locally, but not confirmed by the hub
  4    identity, trust or permission
  128  fatal
  129  usage
`

func (s sheet) commands(root *urfave.Command) {
	for _, group := range groups {
		fmt.Fprintf(s, "\n%s\n", group.name)
		s.names(commandsOf(root, group.name))
	}
}

// names writes commands and what they do.
func (s sheet) names(list []*urfave.Command) {
	column := len("  completion ")
	for _, c := range list {
		column = max(column, len("  "+c.Name+" "))
	}
	for _, c := range list {
		s.row("  "+c.Name+" ", column, c.Usage)
	}
}

// commandsOf returns the commands of one group that help shows.
func commandsOf(root *urfave.Command, group string) []*urfave.Command {
	var list []*urfave.Command
	for _, c := range root.Subcommands {
		if c.Category == group && !c.Hidden {
			list = append(list, c)
		}
	}
	return list
}

// otherNames returns the other names of a command.
func otherNames(c *urfave.Command) []string {
	before := strings.TrimSuffix(CommandName(c), c.Name)
	names := make([]string, len(c.Aliases))
	for k, alias := range c.Aliases {
		names[k] = before + alias
	}
	return names
}

func (s sheet) subcommands(c *urfave.Command) {
	if len(c.Subcommands) == 0 {
		return
	}
	fmt.Fprintln(s, "\ncommands")
	s.names(c.Subcommands)
}

func (s sheet) options(c *urfave.Command) {
	own, shared := optionsToShow(c)
	for _, part := range []struct {
		title string
		flags []urfave.Flag
	}{{"options", own}, {"common options", shared}} {
		if len(part.flags) == 0 {
			continue
		}
		fmt.Fprintf(s, "\n%s\n", part.title)
		for _, f := range part.flags {
			left, usage := optionText(f)
			s.row("  "+left+" ", len("  -p, --priority <priority>  "), usage)
		}
	}
}

// optionsToShow returns a command's own options and the common ones.
func optionsToShow(c *urfave.Command) (own, shared []urfave.Flag) {
	common := flagTableOf(CommonFlags())
	for _, f := range c.Flags {
		if h, ok := f.(urfave.VisibleFlag); ok && !h.IsVisible() {
			continue
		}
		if _, ok := common[f.Names()[0]]; ok {
			shared = append(shared, f)
		} else {
			own = append(own, f)
		}
	}
	return own, shared
}

// optionText is an option as it is typed, and what it does; the word in back
// quotes of its usage names its value.
func optionText(f urfave.Flag) (left, usage string) {
	d := f.(urfave.DocGenerationFlag)
	usage = d.GetUsage()
	value := ""
	if before, rest, ok := strings.Cut(usage, "`"); ok {
		if name, after, ok := strings.Cut(rest, "`"); ok {
			value = "<" + strings.ToLower(name) + ">"
			usage = before + value + after
		}
	} else if d.TakesValue() {
		value = "<" + f.Names()[0] + ">"
	}
	switch {
	case value == "":
	case withoutValue[f.Names()[0]] != "":
		value = "[=" + value + "]"
	default:
		value = " " + value
	}
	var names []string
	for _, n := range f.Names() {
		switch {
		case len(n) == 1:
			names = append([]string{"-" + n}, names...)
		case onUnlessSaid(f):
			names = append(names, "--no-"+n)
		default:
			names = append(names, "--"+n)
		}
	}
	return strings.Join(names, ", ") + value, usage
}

// onUnlessSaid reports whether a switch is shown in its negative form, because it is on by
// default.
func onUnlessSaid(f urfave.Flag) bool {
	b, ok := f.(*urfave.BoolFlag)
	return ok && b.Value
}
