package frame

import (
	"fmt"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// The manual is made from the texts of help: git-crosslink(1), a page for each group of
// commands, and for each command a link to its page. The files are in man/; 'go run
// ./internal/manpage' writes them and a test compares them.

// ManPage is one file of the manual.
type ManPage struct {
	Name string // git-crosslink-issue.1
	Roff string
}

// ManPages returns the manual of the commands below root.
func ManPages(root *urfave.Command) []ManPage {
	pages := []ManPage{{Program + ".1", mainPage(root)}}
	taken := map[string]bool{}
	for _, g := range groups {
		taken[g.page] = true
	}
	for _, g := range groups {
		name := Program + "-" + g.page
		if g.page == "" {
			name = Program
		} else {
			pages = append(pages, ManPage{name + ".1", groupPage(root, g.name, g.page, g.about)})
		}
		for _, c := range commandsOf(root, g.name) {
			if !taken[c.Name] {
				pages = append(pages, ManPage{Program + "-" + c.Name + ".1", ".so man1/" + name + ".1\n"})
			}
		}
	}
	return pages
}

// roff collects a page.
type roff struct{ b strings.Builder }

func (r *roff) line(format string, args ...any) { fmt.Fprintf(&r.b, format+"\n", args...) }

func (r *roff) head(name, about string) {
	r.line(`.\" Made by 'go run ./internal/manpage' from the texts of 'git crosslink help'.`)
	r.line(".TH %s 1 \"\" \"git crosslink\" \"Git Crosslink Manual\"", strings.ToUpper(name))
	r.line(".nh\n.ad l")
	r.line(".SH NAME")
	r.line("%s \\- %s", Roff(name), Roff(about))
}

// text writes prose: paragraphs, and indented lines unchanged.
func (r *roff) text(s string) {
	verbatim := false
	literal := func(on bool) {
		if on != verbatim {
			verbatim = on
			r.line(map[bool]string{true: ".RS 4\n.nf", false: ".fi\n.RE"}[on])
		}
	}
	r.line(".PP")
	for _, l := range strings.Split(strings.Trim(s, "\n"), "\n") {
		switch {
		case l == "":
			literal(false)
			r.line(".PP")
		case strings.HasPrefix(l, "  "):
			literal(true)
			r.line("%s", Roff(strings.TrimPrefix(l, "  ")))
		default:
			literal(false)
			r.line("%s", Roff(l))
		}
	}
	literal(false)
}

func (r *roff) options(flags []urfave.Flag) {
	for _, f := range flags {
		left, usage := optionText(f)
		r.line(".TP")
		r.line("\\fB%s\\fR", Roff(left))
		r.line("%s", Roff(usage))
	}
}

func (r *roff) synopsis(lines []string) {
	r.line(".nf")
	for _, l := range lines {
		r.line("\\fB%s\\fR", Roff(l))
	}
	r.line(".fi")
}

// command explains one command and those below it.
func (r *roff) command(c *urfave.Command) {
	r.line(".SS %s", Roff(strings.TrimPrefix(CommandName(c), "git crosslink ")))
	r.synopsis(UsageLines(c))
	r.line(".PP")
	r.line("%s.", Roff(strings.ToUpper(c.Usage[:1])+c.Usage[1:]))
	if len(c.Aliases) > 0 {
		r.line("Also: \\fB%s\\fR.", Roff(strings.Join(otherNames(c), ", ")))
	}
	if c.Description != "" {
		r.text(c.Description)
	}
	own, _ := optionsToShow(c)
	r.options(own)
	for _, s := range c.Subcommands {
		r.command(s)
	}
}

func (r *roff) seeAlso(but string) {
	r.line(".SH SEE ALSO")
	names := []string{}
	for _, g := range groups {
		name := Program
		if g.page != "" {
			name += "-" + g.page
		}
		if name != but {
			names = append(names, "\\fB"+Roff(name)+"\\fR(1)")
		}
	}
	r.line("%s", strings.Join(append(names, "\\fBgitcrosslink\\-format\\fR(5)", "\\fBgit\\fR(1)"), ",\n"))
}

// about writes one of the texts at the end of help: a title, then lines indented by two.
func (r *roff) about(text string) {
	title, rest, _ := strings.Cut(text, "\n")
	r.line(".SH %s", strings.ToUpper(title))
	rest = strings.TrimSuffix(rest, "\n")
	if strings.Contains(rest, "   ") { // a table
		r.text(rest)
		return
	}
	r.text(strings.ReplaceAll("\n"+rest, "\n  ", "\n"))
}

func mainPage(root *urfave.Command) string {
	r := &roff{}
	r.head(Program, aboutProgram)
	r.line(".SH SYNOPSIS")
	r.synopsis([]string{programUsage})
	r.line(".SH DESCRIPTION")
	r.text(aboutManual)
	for _, g := range groups {
		if g.page == "" {
			continue
		}
		r.line(".SH %s", Roff(strings.ToUpper(g.name)))
		r.line("Explained in \\fB%s\\fR(1).", Roff(Program+"-"+g.page))
		for _, c := range commandsOf(root, g.name) {
			r.line(".TP 12")
			r.line("\\fB%s\\fR", Roff(c.Name))
			r.line("%s", Roff(c.Usage))
		}
	}
	r.line(".SH OTHER COMMANDS")
	for _, c := range commandsOf(root, GroupRest) {
		r.command(c)
	}
	r.line(".SH COMMON OPTIONS")
	r.options(root.Flags)
	r.about(aboutIDs)
	r.about(aboutStatus)
	r.seeAlso(Program)
	return r.b.String()
}

func groupPage(root *urfave.Command, group, page, about string) string {
	name := Program + "-" + page
	r := &roff{}
	r.head(name, about)
	commands := commandsOf(root, group)
	r.line(".SH SYNOPSIS")
	var usage []string
	for _, c := range commands {
		usage = append(usage, UsageLines(c)...)
	}
	r.synopsis(usage)
	r.line(".SH COMMANDS")
	for _, c := range commands {
		r.command(c)
	}
	r.line(".SH COMMON OPTIONS")
	r.options(CommonFlags())
	r.about(aboutStatus)
	r.seeAlso(name)
	return r.b.String()
}

var roffEscapes = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, `"`, `\(dq`)

// Roff escapes one line of text so that roff prints it unchanged.
func Roff(s string) string {
	s = roffEscapes.Replace(s)
	var b strings.Builder
	if strings.HasPrefix(s, ".") {
		b.WriteString(`\&`)
	}
	for _, c := range s {
		if c < 0x80 {
			b.WriteRune(c)
		} else {
			fmt.Fprintf(&b, `\[u%04X]`, c)
		}
	}
	return b.String()
}
