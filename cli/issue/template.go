package issue

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
)

// templateDir is the directory of a repository's templates, relative to the top of the
// worktree.
const templateDir = ".crosslink/templates"

// maxTemplate bounds a template's file, and maxTemplates the number that is listed.
const (
	maxTemplate  = 64 << 10
	maxTemplates = 200
)

var templateName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`) })

// Template is the content of a template's file: a head of 'name: value' lines between two
// lines of '---', then the description.
type Template struct {
	Name        string   `json:"name"`
	File        string   `json:"file"`
	Title       string   `json:"title"`
	Priority    string   `json:"priority"`
	Labels      []string `json:"labels"`
	Description string   `json:"description"`
}

func newTemplateCommand(e *command.Env) *urfave.Command {
	list := e.Command(&urfave.Command{
		Name: "list", Aliases: []string{"ls"}, Usage: "list the templates",
		UsageText: "git crosslink template list [<options>]",
		Description: `Lists the templates of this repository. In a pipe the fields are name, priority,
labels and title.

Examples:
  git crosslink template list`,
		Flags: frame.ListFlags(),
	}, func(u *urfave.Context) error {
		l, err := frame.ListAlone[Template](u, e.Terminal)
		if err != nil {
			return err
		}
		return runTemplateList(u.Context, l, e)
	})
	return &urfave.Command{
		Name: "template", Category: frame.GroupIssues, HideHelp: true,
		Usage:     "list templates for new issues",
		UsageText: "git crosslink template list",
		Description: `A template is a file .crosslink/templates/<name>.md in the worktree. Its text is the
description of a new issue. The file can begin with a header that sets the title,
priority and labels:

  ---
  title: Bug in 
  priority: high
  labels: bug, triage
  ---
  Steps to reproduce:

'git crosslink new --template <name>' creates an issue from the template. Options of
'new' override the header; labels of both are added.

Examples:
  git crosslink template list`,
		Subcommands: []*urfave.Command{list},
	}
}

func runTemplateList(ctx context.Context, l frame.List, e *command.Env) error {
	all, bad := templates(ctx, e)
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		e.Warn("template", bad[name].Message, bad[name].Hints...)
	}
	a, err := frame.ResultOf(l, "template", all, func(_ int, t *Template) frame.ListRow {
		return frame.ListRow{Key: t.Name, ID: t.Name, Fields: []string{t.Name, t.Priority, strings.Join(t.Labels, ","), t.Title}}
	}, func(pg *frame.Page, from, to int) {
		t := &frame.Table{Header: []string{"template", "priority", "labels", "title"}, Flex: 3, Shrink: []int{2}, Drop: []int{1, 2}}
		for _, x := range all[from:to] {
			t.Add(frame.ID.Cell(x.Name), frame.Slot(x.Priority).Cell(x.Priority), frame.Label.Cell(strings.Join(x.Labels, ",")), frame.Plain.Cell(x.Title))
		}
		t.Write(pg)
	})
	if err != nil {
		return err
	}
	if len(all) == 0 {
		a.Nothing, a.NothingHint = "no templates", "a template is a file "+templateDir+"/<name>.md: git crosslink help template"
	}
	return e.Print(ctx, a)
}

// templates reads the worktree's templates, by name, and returns an error for each bad one.
// Other files are ignored.
func templates(ctx context.Context, e *command.Env) (all []Template, bad map[string]*frame.Failure) {
	top, err := e.Git(ctx, "rev-parse", "--show-toplevel")
	if err != nil || top == "" {
		return nil, nil // a bare repository has no worktree
	}
	bad = map[string]*frame.Failure{}
	files, _ := os.ReadDir(filepath.Join(top, filepath.FromSlash(templateDir)))
	for _, f := range files[:min(len(files), maxTemplates)] {
		name, markdown := strings.CutSuffix(f.Name(), ".md")
		if !markdown || !templateName().MatchString(name) || !f.Type().IsRegular() {
			continue
		}
		info, err := f.Info()
		if err != nil || info.Size() > maxTemplate {
			continue
		}
		b, err := os.ReadFile(filepath.Join(top, filepath.FromSlash(templateDir), f.Name()))
		if err != nil {
			bad[name] = frame.Explain(err)
			continue
		}
		t, wrong := parseTemplate(name, strings.ToValidUTF8(string(b), "\uFFFD"))
		if wrong != nil {
			bad[name] = wrong
			continue
		}
		all = append(all, t)
	}
	return all, bad
}

// parseTemplate reads a template.
func parseTemplate(name, text string) (Template, *frame.Failure) {
	t := Template{Name: name, File: templateDir + "/" + name + ".md", Priority: string(event.Medium), Labels: []string{}}
	text = strings.ReplaceAll(strings.TrimPrefix(text, "\uFEFF"), "\r\n", "\n")
	if strings.ContainsRune(text, 0) {
		return t, frame.Fatal("template", fmt.Sprintf("'%s' is not a text file: it contains a NUL byte", t.File))
	}
	if rest, ok := strings.CutPrefix(text, "---\n"); ok {
		head, body, closed := strings.Cut("\n"+rest+"\n", "\n---\n")
		if !closed {
			return t, frame.Fatal("template", fmt.Sprintf("'%s' has a header without an end", t.File), "add a line '---' after the header")
		}
		text = body
		for line := range strings.SplitSeq(head, "\n") {
			key, value, _ := strings.Cut(line, ":")
			value = strings.TrimSpace(value)
			switch strings.ToLower(strings.TrimSpace(key)) {
			case "title":
				t.Title = value
			case "priority":
				if !slices.Contains(Priorities, value) {
					return t, frame.Fatal("template", fmt.Sprintf("'%s' has the priority '%s'", t.File, frame.OneLine(value)), "valid: "+strings.Join(Priorities, ", "))
				}
				t.Priority = value
			case "labels":
				for label := range strings.SplitSeq(strings.Trim(value, "[]"), ",") {
					if label = strings.Trim(strings.TrimSpace(label), `"'`); label != "" {
						t.Labels = append(t.Labels, label)
					}
				}
			}
		}
	}
	t.Description = strings.Trim(text, "\n")
	return t, nil
}

// fromTemplate fills in the values of a template that the options do not give.
func fromTemplate(ctx context.Context, e *command.Env, name string, opts *newOptions) error {
	all, bad := templates(ctx, e)
	if wrong := bad[name]; wrong != nil {
		return wrong
	}
	var names []string
	for _, t := range all {
		names = append(names, t.Name)
		if t.Name != name {
			continue
		}
		if opts.issue.Title == "" && opts.text.File == "" && !opts.text.Edit {
			opts.issue.Title = frame.TrimTitle(t.Title)
		}
		if !opts.prioritized {
			opts.issue.Priority = event.Priority(t.Priority)
		}
		labels, err := labeling.list(t.Labels)
		if err != nil {
			return err
		}
		opts.issue.Labels = unique(append(opts.issue.Labels, labels...))
		opts.template = &t
		return nil
	}
	if len(names) == 0 {
		return frame.Misuse(fmt.Sprintf("there is no template '%s': a template is a file %s/<name>.md", frame.OneLine(name), templateDir))
	}
	return frame.BadValue("--template", name, names)
}
