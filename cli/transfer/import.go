package transfer

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/importer"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/transfer"
)

// Commands returns the commands of this package.
func Commands(e *command.Env) []*urfave.Command {
	return []*urfave.Command{newExportCommand(e), newImportCommand(e)}
}

func newImportCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "import", Category: frame.GroupRest,
		Usage:     "import issues from another tracker",
		UsageText: "git crosslink import [<format>] <source> [<options>]",
		Description: `Reads issues, comments and dependencies from a file, a repository or, with '-',
from stdin, and creates the issues that do not exist here yet. Formats:
` + formatList() + `
If you name no format, the command detects it from the content.

An issue keeps its identity: the same issue of the same scope gets the same uuid in
every clone. If you import the same file twice, the second import writes nothing. If
you import a newer file, only the changes are written. If somebody also changed a
field here, that value stays, and the field is listed as a conflict; with '--prefer
source' the source wins. Issues that are missing from a newer file are not changed.

In an existing tracker, imported issues get new numbers. '--found' creates a new
tracker from the source instead, with the same numbers, authors and times; your
signature covers them. It works only if there is no tracker yet, and replaces 'init'.

A separate agent writes and signs the imported events. Each issue and comment names
its author in the source. Data that has no counterpart here goes into a comment of
kind 'system'. If some rows cannot be read, the command names their lines, imports
the other rows, and exits with 1.

The command writes one commit for every 500 issues, and sends all of them to the hub
in one sync at the end. To continue an interrupted import, run the command again.

Examples:
  git crosslink import .beads/issues.jsonl --dry-run
  git crosslink import issues.jsonl --found
  git crosslink import github issues.json --comments comments.json
  git crosslink import csv issues.csv --scope acme/shop --map 'Name=title'`,
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "scope", Usage: "namespace of the source's ids, such as owner/repository"},
			&urfave.BoolFlag{Name: "dry-run", Usage: "report what would be written, and write nothing"},
			&urfave.StringFlag{Name: "prefer", Usage: "value that wins if both sides changed a field: local (default) or source", Value: "local"},
			&urfave.StringFlag{Name: "comments", Usage: "read the comments of GitHub issues from `FILE`"},
			&urfave.StringFlag{Name: "authors", Usage: "read names from `FILE`: one line login=name for each person who has another name here"},
			&urfave.StringSliceFlag{Name: "map", Usage: "map a CSV column to a field: header=field, such as Name=title; may be repeated"},
			&urfave.StringFlag{Name: "since", Usage: "skip issues that have not changed since `DATE`"},
			&urfave.StringFlag{Name: "batch", Usage: "write `N` issues in one commit", Value: strconv.Itoa(transfer.DefaultBatch)},
			&urfave.BoolFlag{Name: "found", Usage: "create a new tracker with the numbers, authors and times of the source"},
			&urfave.BoolFlag{Name: "all", Usage: "also import deleted issues and rows written by programs"},
		},
	}, func(u *urfave.Context) error {
		o, err := readOptions(u, e)
		if err != nil {
			return err
		}
		return runImport(u.Context, o, e)
	})
}

func formatList() string {
	var b strings.Builder
	for _, f := range formats {
		fmt.Fprintf(&b, "  %-9s %s\n", f.name, f.what)
	}
	return b.String()
}

// maxBatch keeps a commit small enough to be pushed and read at once.
const maxBatch = 5000

type importOptions struct {
	format, path, scope, comments        string
	dryRun, offline, preferSource, found bool
	since                                event.Time
	batch                                int
	importer.Options
}

func readOptions(u *urfave.Context, e *command.Env) (*importOptions, error) {
	o := &importOptions{scope: u.String("scope"), comments: u.String("comments"), dryRun: u.Bool("dry-run"), offline: u.Bool("offline")}
	o.All, o.found = u.Bool("all"), u.Bool("found")
	var err error
	if o.batch, err = frame.Number(u, "batch", 1, maxBatch); err != nil {
		return nil, err
	}
	switch args := u.Args().Slice(); {
	case len(args) == 1:
		o.path = args[0]
	case len(args) == 2 && slices.Contains(formatNames(), args[0]):
		o.format, o.path = args[0], args[1]
	case len(args) == 2:
		return nil, frame.Misuse(fmt.Sprintf("'%s' is not a format; valid formats: %s", args[0], strings.Join(formatNames(), ", ")))
	default:
		return nil, frame.Misuse("'import' needs one source")
	}
	switch u.String("prefer") {
	case "local":
	case "source":
		o.preferSource = true
	default:
		return nil, frame.Misuse("'--prefer' needs 'local' or 'source'")
	}
	if o.Columns, err = pairs(u.StringSlice("map"), "--map"); err != nil {
		return nil, err
	}
	for header, name := range o.Columns {
		if !slices.Contains(importer.ColumnNames(), name) {
			return nil, frame.Misuse(fmt.Sprintf("'--map %s=%s' does not name a meaning; valid names: %s", header, name, strings.Join(importer.ColumnNames(), ", ")))
		}
	}
	if o.Authors, err = readAuthors(u.String("authors")); err != nil {
		return nil, err
	}
	if len(o.Columns) > 0 && o.format == "" {
		o.format = "csv"
	}
	if s := u.String("since"); s != "" {
		if o.since, err = frame.ParseDate("--since", s, frame.DayStart, e.Now()); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// pairs parses words of the form a=b.
func pairs(words []string, option string) (map[string]string, error) {
	all := map[string]string{}
	for _, w := range words {
		a, b, ok := strings.Cut(w, "=")
		if !ok || strings.TrimSpace(a) == "" || strings.TrimSpace(b) == "" {
			return nil, frame.Misuse(fmt.Sprintf("'%s' in %s does not have the form a=b", w, option))
		}
		all[strings.TrimSpace(a)] = strings.TrimSpace(b)
	}
	return all, nil
}

func readAuthors(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, frame.Fatal("import-source", fmt.Sprintf("cannot read '%s': %v", path, frame.UnwrapPath(err)))
	}
	defer f.Close()
	var lines []string
	s := bufio.NewScanner(f)
	for s.Scan() {
		if l := strings.TrimSpace(s.Text()); l != "" && l[0] != '#' {
			lines = append(lines, l)
		}
	}
	if err := s.Err(); err != nil {
		return nil, frame.Fatal("import-source", fmt.Sprintf("cannot read '%s': %v", path, err))
	}
	return pairs(lines, "'"+path+"'")
}

func runImport(ctx context.Context, o *importOptions, e *command.Env) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	s, err := openSource(ctx, e, o.format, o.path)
	if err != nil {
		return err
	}
	defer s.close()
	if o.Path = below(repo.Worktree(), o.path); o.comments != "" {
		c, err := openSource(ctx, e, s.name, o.comments)
		if err != nil {
			return err
		}
		defer c.close()
		o.Comments = c
	}
	_, url := repo.Hub()
	scope, err := s.scope(o.scope, url)
	if err != nil {
		return err
	}
	names := importer.Names{System: s.name, Scope: scope}
	if o.format == "" {
		e.Progress("reading '%s' as %s", o.path, s.name)
	}
	as, r, err := bring(ctx, e, repo, s, o, names)
	if as != repo {
		defer as.Close()
	}
	e.Step("")
	if err != nil {
		return importError(o, s, r, err)
	}
	answer := answerOf(r, names, o)
	if !o.dryRun && !o.offline && (r.Events > 0 || o.found) {
		if sync, err := as.Sync(ctx, tracker.SyncOptions{}); err != nil {
			e.Warn("unsent", "imported, but not sent yet: "+frame.Explain(err).Message, "git crosslink sync")
		} else if answer.Sync = string(sync.State); sync.State == tracker.Queued {
			e.Warn("unsent", "imported, but not sent yet: "+cmp.Or(strings.TrimSuffix(sync.Reason, "."), frame.Count(sync.Unsent, "event")+" saved locally"), "git crosslink doctor")
		}
	}
	if r.Agent != "" {
		if p, err := as.Read(ctx, tracker.Offline); err == nil && p.Mark(r.Agent, 1) == "unapproved" {
			hint := "ask an admin to approve the agent's key"
			t, err := repo.Trust(ctx)
			admin := err == nil && t.Admin
			if admin {
				hint = "approve the agent's key"
			}
			if admin || !o.offline { // an admin elsewhere does not have the log before a sync
				e.ProgressHint(hint + "; until then its events are marked: git crosslink trust approve " + r.Agent)
			}
		}
	}
	return e.Print(ctx, result(e, r, answer))
}

// bring imports a source into the tracker, or founds the tracker with it. It returns
// the session that wrote, which may be repo.
func bring(ctx context.Context, e *command.Env, repo *command.Repository, s *source, o *importOptions, names importer.Names) (as *command.Repository, r *transfer.Report, err error) {
	as = repo
	request := transfer.Request{
		Read:  func(out *importer.Sink) error { return s.Read(o.Options, out) },
		Names: names, Now: event.TimeOf(e.Now()), Source: o.preferSource, DryRun: o.dryRun, Since: o.since, Batch: o.batch,
		Progress: func(n int) { e.Step("imported %s", frame.Count(n, "issue")) },
	}
	if o.offline {
		request.How = tracker.Offline
	}
	open := func() (transfer.Writer, error) {
		if err := settle(ctx, repo, request.How); err != nil {
			return nil, err
		}
		opened, err := importAgent(ctx, e, repo, names)
		if err != nil {
			return nil, err
		}
		if as != repo {
			as.Close()
		}
		as = opened
		return as, nil
	}
	if o.found {
		id, err := s.id()
		if err != nil {
			return as, &transfer.Report{}, err
		}
		r, err = transfer.Found(ctx, repo, id, open, request)
		return as, r, err
	}
	r, err = transfer.Import(ctx, repo, open, request)
	return as, r, err
}

// settle creates the user's agent before an import writes: the first writer becomes the
// admin of a tracker, and the id of the importing agent is derived from the user's.
func settle(ctx context.Context, repo *command.Repository, how tracker.Freshness) error {
	p, err := repo.Read(ctx, how)
	if err != nil {
		return err
	}
	switch {
	case len(p.Agents()) == 0:
		_, err = repo.Describe(ctx, tracker.EmitOptions{Offline: true}, "", "")
	case repo.Agent() == "": // creates an id, and writes nothing
		_, err = repo.Emit(ctx, tracker.EmitOptions{Offline: true}, func(tracker.Projection) ([]event.Body, error) { return nil, nil })
	}
	return err
}

// below returns the path of a file relative to the top of its repository, whatever the
// current directory: it identifies tasks. For a file outside, or stdin, it is only the
// name.
func below(top, path string) string {
	at, err := filepath.Abs(path)
	if err == nil {
		at, err = filepath.EvalSymlinks(at)
	}
	if top, terr := filepath.EvalSymlinks(top); err == nil && terr == nil && top != "" {
		if rel, err := filepath.Rel(top, at); err == nil && filepath.IsLocal(rel) {
			return filepath.ToSlash(rel)
		}
	}
	return filepath.Base(path)
}

// importAgent opens the repository as the agent that imports from a scope in this clone:
// its id is derived from that of the clone's own agent.
func importAgent(ctx context.Context, e *command.Env, repo *command.Repository, names importer.Names) (*command.Repository, error) {
	sum := sha256.Sum256([]byte(repo.Agent() + "\x00" + names.Scope))
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	var four [4]byte
	for i := range four {
		four[i] = letters[sum[i]%32]
	}
	return e.OpenAs(ctx, event.MintAgentID("import", names.System, string(four[:])))
}

func importError(o *importOptions, s *source, r *transfer.Report, err error) error {
	var not *importer.FormatError
	if errors.As(err, &not) {
		hint := nameFormat()
		switch {
		case not.Titles:
			hint = "say which column has the titles: git crosslink import csv <source> --map '<column>=title'"
		case o.format != "":
			hint = "let import detect the format: git crosslink import <source>"
		}
		return frame.Fatal("import-format", fmt.Sprintf("'%s' does not have the format %s: %s", s.path, not.Format, not.Text), hint)
	}
	if done := r.New + r.Changed; done > 0 {
		return fmt.Errorf("stopped after %s, which are saved: %w", frame.Count(done, "issue"), err)
	}
	return err
}

// importAnswer is the JSON shape of import.
type importAnswer struct {
	Format       string              `json:"format"`
	Scope        string              `json:"scope"`
	Agent        *string             `json:"agent"`
	Read         int                 `json:"read"`
	New          int                 `json:"new"`
	Changed      int                 `json:"changed"`
	Unchanged    int                 `json:"unchanged"`
	Skipped      map[string]int      `json:"skipped"`
	EdgesSkipped int                 `json:"edges_skipped"`
	Cut          int                 `json:"cut"`
	Events       int                 `json:"events"`
	Conflicts    []importer.Conflict `json:"conflicts"`
	Warnings     []importer.Warning  `json:"warnings"`
	Unlisted     int                 `json:"warnings_unlisted"`
	DryRun       bool                `json:"dry_run"`
	Founded      bool                `json:"founded"`
	Sync         string              `json:"sync"`
}

func answerOf(r *transfer.Report, n importer.Names, o *importOptions) *importAnswer {
	a := &importAnswer{
		Format: n.System, Scope: n.Scope, Read: r.Read, New: r.New, Changed: r.Changed, Unchanged: r.Unchanged,
		Skipped: r.Skipped, EdgesSkipped: r.EdgesSkipped, Cut: r.Cut, Events: r.Events, Conflicts: r.Conflicts,
		Warnings: r.Warnings, Unlisted: r.Unlisted, DryRun: o.dryRun, Founded: o.found, Sync: string(tracker.Queued),
	}
	if a.Agent = nil; r.Agent != "" {
		a.Agent = &r.Agent
	}
	if a.Skipped == nil {
		a.Skipped = map[string]int{}
	}
	if a.Conflicts == nil {
		a.Conflicts = []importer.Conflict{}
	}
	if a.Warnings == nil {
		a.Warnings = []importer.Warning{}
	}
	if o.dryRun || r.Events == 0 && !o.found {
		a.Sync = string(tracker.Local)
	}
	return a
}

// result prints the report: the sums on stdout, problems with rows on stderr.
func result(e *command.Env, r *transfer.Report, a *importAnswer) frame.Result {
	for _, w := range r.Warnings[:min(len(r.Warnings), maxShown)] {
		at := ""
		if w.Line > 0 {
			at = fmt.Sprintf("line %d: ", w.Line)
		}
		if w.Key != "" {
			at += "'" + w.Key + "': "
		}
		e.Warn(w.Name, at+w.Text)
	}
	if more := len(r.Warnings) + r.Unlisted - maxShown; more > 0 {
		e.Warn("more-warnings", frame.Count(more, "more warning")+"; '--json' lists all of them")
	}
	res := frame.Result{Data: a, Page: func(pg *frame.Page) { page(pg, a) }}
	if r.Bad > 0 {
		res.Failure = frame.No("bad-rows", frame.Count(r.Bad, "row")+" could not be read; the others were imported")
	}
	return res
}

// maxShown is how many warnings are printed for people.
const maxShown = 20

func page(pg *frame.Page, a *importAnswer) {
	verb := "Imported"
	if a.DryRun {
		verb = "Would import"
	}
	pg.Print("%s %s from %s:%s: %d new, %d changed, %d unchanged.\n", verb, frame.Count(a.New+a.Changed+a.Unchanged, "issue"), a.Format, a.Scope, a.New, a.Changed, a.Unchanged)
	for _, reason := range slices.Sorted(maps.Keys(a.Skipped)) {
		pg.Print("Skipped: %s (%s).\n", frame.Count(a.Skipped[reason], "row"), skippedWords(reason))
	}
	if a.EdgesSkipped > 0 {
		pg.Print("Skipped: %s to issues that were not imported or that would create a cycle.\n", frame.Count(a.EdgesSkipped, "link"))
	}
	if a.Cut > 0 {
		pg.Print("Shortened, or continued in comments, because too long for one field: %s.\n", frame.Count(a.Cut, "text"))
	}
	for _, c := range a.Conflicts {
		pg.Print("Changed on both sides: %s of issue %s; kept: %s.\n", c.Field, c.Issue.String()[:8], c.Kept)
	}
}

// skippedWords explains why rows were skipped.
func skippedWords(reason string) string {
	words, ok := map[string]string{
		"deleted": "deleted in the source", "deleted-here": "deleted here", "pull-request": "pull requests", "type": "not issues",
		"older": "unchanged since", "bad": "unreadable", "empty": "empty",
	}[reason]
	if !ok {
		return reason
	}
	return words
}
