package hub

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/shell"
	"github.com/git-crosslink/git-crosslink/migrate"
)

func newMigrateCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "migrate", Category: frame.GroupHub,
		Usage:     "migrate the hub of the original crosslink",
		UsageText: "git crosslink migrate [--dry-run] [--number <issue>=<number>]... [<options>]\n   git crosslink migrate --finalize [--now] [--accept-ended hub]",
		Description: `Replaces the hub of the original crosslink (hub version 2 or 3) on the remote with
a hub that this program can write to. Issues, comments, numbers, authors and times
stay the same. Before the push, 'migrate' compares the contents of both hubs; if
they differ, it changes nothing. Other clones switch to the new hub at their next
sync. The original can no longer write to the hub.

One atomic push replaces the branches crosslink/meta and crosslink/checkpoint. The
old branches are kept on the remote as refs/crosslink/level3/*, if the remote
allows it, and in this clone under refs/before/. The agents' branches and the
branches crosslink/hub and crosslink/knowledge are not changed.

Locks, requests, heartbeats and the signatures of comments are not migrated. The
report lists the locks. You become the only admin of the new hub.

If two issues have the same number, '--number' gives one of them another number. An
issue without a number gets the next free number.

If a log or a file of hub version 2 cannot be read, 'migrate' names it and changes
nothing. With '--accept-ended' it leaves the unreadable data out.

'--dry-run' prints the report and writes nothing. It uses the data that this clone
has synced.

'--finalize' removes the old branches from the remote, a week after the migration or
later ('--now' does not wait). It refuses to do so while the branch crosslink/hub has
files that were not migrated, unless you give '--accept-ended hub'.

Examples:
  git crosslink migrate --dry-run
  git crosslink migrate
  git crosslink migrate --number 3f9a1c2=next
  git crosslink migrate --finalize`,
		Flags: []urfave.Flag{
			&urfave.BoolFlag{Name: "dry-run", Usage: "print the report, and write nothing"},
			&urfave.StringSliceFlag{Name: "number", Usage: "give an issue another number: `ISSUE=NUMBER|next`; may be repeated"},
			&urfave.StringSliceFlag{Name: "accept-ended", Usage: "leave out unreadable lines of the log of `AGENT`, or, with 'hub', unreadable files of version 2; may be repeated"},
			&urfave.BoolFlag{Name: "finalize", Usage: "remove the old branches from the remote"},
			&urfave.BoolFlag{Name: "now", Usage: "with --finalize: do not wait for a week"},
		},
	}, func(u *urfave.Context) error {
		if _, err := frame.Arguments(u, 0, 0, "no arguments"); err != nil {
			return err
		}
		o := migrate.Options{DryRun: u.Bool("dry-run"), AcceptEnded: u.StringSlice("accept-ended")}
		for _, s := range u.StringSlice("number") {
			w, err := wish(s)
			if err != nil {
				return err
			}
			o.Numbers = append(o.Numbers, w)
		}
		switch {
		case u.Bool("offline"):
			return frame.Misuse("'migrate' talks to the hub, '--offline' forbids it")
		case u.Bool("now") && !u.Bool("finalize"):
			return frame.Misuse("'--now' needs '--finalize'")
		case u.Bool("finalize") && (o.DryRun || len(o.Numbers) > 0):
			return frame.Misuse("'--finalize' takes no other options than '--now' and '--accept-ended'")
		case u.Bool("finalize"):
			return runFinalize(u.Context, u.Bool("now"), o.AcceptEnded, e)
		}
		return runMigrate(u.Context, o, e)
	})
}

// wish parses the value of '--number'.
func wish(s string) (w migrate.Wish, err error) {
	id, n, ok := strings.Cut(s, "=")
	if w.Issue = id; n != "next" {
		w.Number, err = strconv.ParseUint(n, 10, 40)
	}
	if !ok || id == "" || err != nil || n != "next" && w.Number == 0 {
		return w, frame.Misuse(fmt.Sprintf("'--number %s' is not of the form <issue>=<number> or <issue>=next", s))
	}
	return w, nil
}

func runMigrate(ctx context.Context, o migrate.Options, e *command.Env) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	m, release, err := repo.Migration(ctx, o.DryRun, func(done string) { e.Step("%s", done) })
	if err != nil {
		return err
	}
	defer release()
	run := m.Run
	if o.DryRun {
		run = m.Foresee
	}
	r, err := run(ctx, o)
	e.Step("")
	if err != nil {
		return err
	}
	if !r.Already {
		tellMigrated(r, o.DryRun, e)
	} else {
		e.Progress("the hub on '%s' is already one that this program can write to", r.Remote)
	}
	ids := []string{}
	if r.Hub != "" {
		ids = append(ids, r.Hub)
	}
	return e.Print(ctx, frame.Result{Data: answer.MigratedOf(r, o.DryRun), IDs: ids})
}

// tellMigrated reports what was migrated, and what was not.
func tellMigrated(r *migrate.Report, dryRun bool, e *command.Env) {
	e.Progress("%s with %s of the level-%d hub on '%s' (%s)", frame.Count(r.Issues, "issue"), frame.Count(r.Comments, "comment"), r.From, r.Remote, r.URL)
	for _, n := range r.Settled {
		e.Progress("issue %s gets the number %d", n.Issue, n.Is)
	}
	for _, line := range lockLines(r.Locks) {
		e.Progress("not carried over: %s", line)
	}
	if n := r.Left.Requests + r.Left.Acks + r.Left.Heartbeats + r.Left.Approvals; n > 0 {
		e.Progress("not carried over: %s, %s, %s and %s", frame.Count(r.Left.Requests, "request"), frame.Count(r.Left.Acks, "answer"),
			frame.Count(r.Left.Heartbeats, "heartbeat"), frame.Count(r.Left.Approvals, "approval"))
	}
	for _, f := range r.LeftOut {
		e.Progress("left out: %s: %s", f.Path, f.Reason)
	}
	if len(r.Over) > 0 {
		e.Progress("kept as it is: %s with a value that breaks a rule of this program, such as %s", frame.Count(len(r.Over), "issue"), r.Over[0])
	}
	if dryRun {
		e.Progress("dry run: nothing was migrated")
		e.ProgressHint("migrate: git crosslink migrate")
		return
	}
	e.Progress("migrated: the new hub shows the same issues, comments and numbers")
	for _, command := range answer.Undo(r) {
		e.ProgressHint("to go back, as long as nobody has written to the new hub: " + command)
		e.ProgressHint("a gate refuses that command; remove the gate on the server first: git crosslink server uninstall")
	}
	if dir := filepath.Dir(r.Replica); r.Pushed {
		e.ProgressHint(fmt.Sprintf("then have this clone begin again with the old hub: mv %s %s && git crosslink sync", shell.Word(dir), shell.Word(dir+"-migrated")))
	}
}

// lockLines lists locks, a line for each agent.
func lockLines(locks []event.BaseLock) (lines []string) {
	of := map[string][]string{}
	for _, l := range locks {
		of[l.Agent] = append(of[l.Agent], strconv.FormatUint(l.Number, 10))
	}
	for _, agent := range slices.Sorted(maps.Keys(of)) {
		if numbers := of[agent]; len(numbers) > 1 {
			lines = append(lines, fmt.Sprintf("the locks of '%s' on issues %s", agent, strings.Join(numbers, ", ")))
		} else {
			lines = append(lines, fmt.Sprintf("the lock of '%s' on issue %s", agent, numbers[0]))
		}
	}
	return lines
}

func runFinalize(ctx context.Context, now bool, accepted []string, e *command.Env) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	m, release, err := repo.Migration(ctx, false, nil)
	if err != nil {
		return err
	}
	defer release()
	d, err := m.Finalize(ctx, now, accepted)
	if err != nil {
		return err
	}
	if len(d.Branches) == 0 {
		e.Progress("nothing is left of the old hub on '%s'", d.Remote)
	}
	for _, name := range d.Branches {
		e.Progress("removed '%s' on '%s'", name, d.Remote)
	}
	return e.Print(ctx, frame.Result{Data: answer.Finalized{Remote: d.Remote, Hub: d.Hub, Removed: append([]string{}, d.Branches...)}, IDs: d.Branches})
}
