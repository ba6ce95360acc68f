package frame

import (
	"fmt"
	"io"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// The rules of help are git's: -h prints the usage on stdout and exits 129;
// --help and 'help' print everything and exit 0 (git itself runs man for 'git
// crosslink --help' and 'git help crosslink'). Man pages are made from the same
// texts (man.go): a command's Description is its prose, then "Examples:" and
// indented lines.

// NewHelpCommand is the command help, which explains the commands of a tree.
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

// help prints what -h or --help asks for.
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
		writeManual(&text, c)
		return t.writeEnvelope(Result{Data: helpShape{CommandName(c), text.String()}})
	}
	writeManual(t.symbolic(t.Out), c)
	return nil
}

// helpShape is a command explained, in JSON.
type helpShape struct {
	Command string `json:"command"`
	Text    string `json:"text"`
}

// synopsis is the answer to -h and to no command at all. Its status is 129, so
// in JSON it is an error that holds the usage.
func (t *Terminal) synopsis(c *urfave.Command) error {
	if !t.JSON {
		writeSynopsis(t.symbolic(t.Out), c)
		return &Silent{Code: ExitUsage}
	}
	f := Misuse("this is how '"+CommandName(c)+"' is used", "all of it: git crosslink help --json")
	if f.Usage = UsageLines(c); c.Name == Program {
		f.Usage = []string{programUsage}
	}
	return f
}

// UsageLines are the lines of a command's synopsis.
func UsageLines(c *urfave.Command) []string {
	if c.UsageText != "" {
		return strings.Split(c.UsageText, "\n")
	}
	return []string{CommandName(c) + " <command>"}
}

func writeUsage(w io.Writer, lines []string) {
	for i, l := range lines {
		fmt.Fprintln(w, []string{"usage: ", "   or: "}[min(i, 1)]+l)
	}
}

// writeSynopsis is what fits on a screen.
func writeSynopsis(w io.Writer, c *urfave.Command) {
	if c.Name == Program {
		fmt.Fprintln(w, "usage: "+programUsage)
		writeCommands(w, c)
		fmt.Fprint(w, "\n", aboutAgents)
		fmt.Fprintln(w, "\n'git crosslink <command> -h' lists the options of a command. 'git crosslink help <command>' explains it.")
		return
	}
	writeUsage(w, UsageLines(c))
	writeSubcommands(w, c)
	writeOptions(w, c)
}

func writeManual(w io.Writer, c *urfave.Command) {
	if c.Name == Program {
		fmt.Fprint(w, "git crosslink: ", aboutProgram, "\n\n")
		writeSynopsis(w, c)
		fmt.Fprint(w, "\n", aboutIDs, "\n", aboutStatus)
		return
	}
	fmt.Fprintf(w, "%s: %s\n\n", CommandName(c), c.Usage)
	writeUsage(w, UsageLines(c))
	if len(c.Aliases) > 0 {
		fmt.Fprintf(w, "also: %s\n", strings.Join(otherNames(c), ", "))
	}
	writeSubcommands(w, c)
	if c.Description != "" {
		fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(c.Description))
	}
	writeOptions(w, c)
}

const (
	programUsage = "git crosslink [-C <dir>] [--json] [-q] [--offline] <command> [<args>]"
	aboutProgram = "an issue tracker that lives in git, for people and AI agents"
)

// aboutManual opens the manual; what it says of a first session is also in
// README.md.
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

// aboutAgents is a working day of a program, in the commands that it takes.
const aboutAgents = `an agent's day
  git crosslink prime                    how to work here, and where you are
  git crosslink ready --claim            take the best issue
  git crosslink show <id>                read all about it
  git crosslink comment <id> <text>      note what you find (-k decision|observation|blocker)
  git crosslink new <title> --discovered-from <id>
  git crosslink close <id> -r <text> --claim-next
  git crosslink session end -F -         hand the rest over
`

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

func writeCommands(w io.Writer, root *urfave.Command) {
	for _, group := range groups {
		fmt.Fprintf(w, "\n%s\n", group.name)
		for _, c := range commandsOf(root, group.name) {
			fmt.Fprintf(w, "  %-10s %s\n", c.Name, c.Usage)
		}
	}
}

// commandsOf are the commands of one group that help shows.
func commandsOf(root *urfave.Command, group string) []*urfave.Command {
	var list []*urfave.Command
	for _, c := range root.Subcommands {
		if c.Category == group && !c.Hidden {
			list = append(list, c)
		}
	}
	return list
}

// otherNames are what people may type for a command instead of its name.
func otherNames(c *urfave.Command) []string {
	before := strings.TrimSuffix(CommandName(c), c.Name)
	names := make([]string, len(c.Aliases))
	for k, alias := range c.Aliases {
		names[k] = before + alias
	}
	return names
}

func writeSubcommands(w io.Writer, c *urfave.Command) {
	if len(c.Subcommands) == 0 {
		return
	}
	fmt.Fprintln(w, "\ncommands")
	for _, s := range c.Subcommands {
		fmt.Fprintf(w, "  %-10s %s\n", s.Name, s.Usage)
	}
}

func writeOptions(w io.Writer, c *urfave.Command) {
	own, shared := optionsToShow(c)
	for _, part := range []struct {
		title string
		flags []urfave.Flag
	}{{"options", own}, {"common options", shared}} {
		if len(part.flags) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", part.title)
		for _, f := range part.flags {
			writeOption(w, f)
		}
	}
}

// optionsToShow are a command's own options and those every command has.
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

func writeOption(w io.Writer, f urfave.Flag) {
	left, usage := optionText(f)
	if len(left) > 26 {
		fmt.Fprintf(w, "  %s\n  %-26s %s\n", left, "", usage)
		return
	}
	fmt.Fprintf(w, "  %-26s %s\n", left, usage)
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

// onUnlessSaid reports a switch that is shown in its negative form, because it
// is on by itself.
func onUnlessSaid(f urfave.Flag) bool {
	b, ok := f.(*urfave.BoolFlag)
	return ok && b.Value
}
