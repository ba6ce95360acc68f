package issue

import (
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

func newLinkCommand(e *command.Env) *urfave.Command {
	return newLinkingCommand(e, &urfave.Command{
		Name: "link", Usage: "link an issue to something outside the tracker",
		UsageText: "git crosslink link [<options>] <id> <ref>",
		Description: `Links an issue to a pull request, a commit, a page or an issue of another
tracker. The ref is one line of any form. The kinds in use are origin (where the
issue was imported from), pull, commit, url and external; other kinds are
accepted. Without --kind, a ref that begins with http:// or https:// gets the
kind url, and any other ref gets external. Adding a link twice is not an error.

Examples:
  git crosslink link 12 https://example.com/pulls/7 -k pull
  git crosslink link 12 JIRA-481`,
	}, "`KIND` of link (default: url or external)", func(i *store.Issue, kind, ref string) verb.Plan {
		if kind == "" {
			if kind = event.LinkExternal; strings.HasPrefix(ref, "http://") || strings.HasPrefix(ref, "https://") {
				kind = event.LinkURL
			}
		}
		return verb.Link(i, kind, ref)
	})
}

func newUnlinkCommand(e *command.Env) *urfave.Command {
	return newLinkingCommand(e, &urfave.Command{
		Name: "unlink", Usage: "remove a link from an issue",
		UsageText: "git crosslink unlink [<options>] <id> <ref>",
		Description: `Removes all links from an issue to this ref, or with --kind only the link of that
kind. Removing a link that does not exist is not an error.

Examples:
  git crosslink unlink 12 JIRA-481`,
	}, "remove only the link of this `KIND`", verb.Unlink)
}

func newLinkingCommand(e *command.Env, c *urfave.Command, kindUsage string, plan func(i *store.Issue, kind, ref string) verb.Plan) *urfave.Command {
	c.Category = frame.GroupIssues
	c.Flags = append([]urfave.Flag{&urfave.StringFlag{Name: "kind", Aliases: []string{"k"}, Usage: kindUsage}}, command.WriteFlags()...)
	return e.Command(c, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 2, 2, "the id of an issue and a ref")
		if err != nil {
			return err
		}
		ref, kind := frame.TrimTitle(args[1]), frame.TrimTitle(u.String("kind"))
		switch {
		case ref == "":
			return frame.Misuse("the ref is empty")
		case u.IsSet("kind") && kind == "":
			return frame.Misuse("the kind is empty")
		}
		emit, err := e.EmitOptions(u)
		if err != nil {
			return err
		}
		s := single{args[0], emit, func(_ *command.Repository, _ tracker.Projection, i *store.Issue) (verb.Plan, error) {
			return plan(i, kind, ref), nil
		}}
		return s.run(u.Context, e)
	})
}
