package issue

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

// maxDrafts is how many issues one command can create.
const maxDrafts = 500

// idText is an id in JSON, which may be a number.
type idText string

// UnmarshalJSON takes a string or a whole number.
func (t *idText) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] != '"' {
		var n uint64
		if err := json.Unmarshal(b, &n); err != nil {
			return errors.New("an id must be a string or a number")
		}
		*t = idText(b)
		return nil
	}
	return json.Unmarshal(b, (*string)(t))
}

// draftRow is a line of --stdin-jsonl.
type draftRow struct {
	Ref            string   `json:"ref"`
	Title          string   `json:"title"`
	Description    string   `json:"description"`
	Priority       string   `json:"priority"`
	Labels         []string `json:"labels"`
	Assignees      []string `json:"assignees"`
	Parent         idText   `json:"parent"`
	BlockedBy      []idText `json:"blocked_by"`
	DiscoveredFrom idText   `json:"discovered_from"`
	Milestone      string   `json:"milestone"`
	Due            string   `json:"due"`
	Scheduled      string   `json:"scheduled"`
}

// newManyFlags are the options of new that are allowed with --stdin-jsonl.
var newManyFlags = []string{"stdin-jsonl", "wait", "json", "quiet", "offline", "color", "pager", "fields", "all-scopes", "force"}

// createsMany reports whether new reads its issues from stdin, and refuses options about a
// single issue.
func createsMany(u *urfave.Context) (bool, error) {
	if !u.Bool("stdin-jsonl") {
		return false, nil
	}
	if u.NArg() > 0 {
		return true, frame.Misuse("'--stdin-jsonl' reads the titles from stdin: there is no title on the command line")
	}
	for _, name := range u.LocalFlagNames() {
		if len(name) > 1 && !slices.Contains(newManyFlags, name) {
			return true, frame.Misuse(fmt.Sprintf("'--%s' and '--stdin-jsonl' exclude each other", name), "put the value into each line")
		}
	}
	return true, nil
}

func runNewMany(ctx context.Context, o tracker.EmitOptions, all, force bool, e *command.Env) error {
	drafts, lines, err := readDrafts(e)
	if err != nil {
		return err
	}
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	for k := range drafts {
		drafts[k].UUID = repo.MintUUID()
		if !all {
			drafts[k].Labels = WithScope(repo, drafts[k].Labels)
		}
	}
	edges, err := verb.Connect(drafts)
	if err != nil {
		return draftFailure(ctx, e, err, lines)
	}
	r, err := e.Emit(ctx, o, func(repo *command.Repository, p tracker.Projection) (all []event.Body, err error) {
		for k, d := range drafts {
			bodies, err := verb.Check(createBodies(ctx, repo, p, d.NewIssue, force))
			if err != nil {
				return nil, &verb.DraftError{Draft: k, Err: err}
			}
			all = append(all, bodies...)
		}
		return append(all, edges...), nil
	})
	if err != nil {
		return draftFailure(ctx, e, err, lines)
	}
	rows := make([]*store.Issue, len(drafts))
	for k, d := range drafts {
		if rows[k], err = r.View.Issue(d.UUID); err != nil {
			return err
		}
	}
	e.Progress("created %s", frame.Count(len(rows), "issue"))
	shapes, err := answer.New(r.View).Issues(rows)
	if err != nil {
		return err
	}
	a := frame.Result{Data: answer.IssuesWrite{Issues: shapes, Unblocked: []answer.Issue{}, Write: answer.WriteOf(r)}, Failure: command.Unconfirmed(r, o)}
	for _, i := range rows {
		a.IDs = append(a.IDs, i.Name())
	}
	return e.Print(ctx, a)
}

// draftFailure names the line that is wrong.
func draftFailure(ctx context.Context, e *command.Env, err error, lines []int) error {
	var wrong *verb.DraftError
	if !errors.As(err, &wrong) {
		return err
	}
	f := *e.Explain(ctx, wrong.Err)
	if f.Kind == "fatal" {
		f.Kind = "bad-line"
	}
	f.Message = fmt.Sprintf("line %d: %s; nothing was created", lines[wrong.Draft], f.Message)
	return &f
}

// readDrafts reads stdin, and returns the line of each draft.
func readDrafts(e *command.Env) (drafts []verb.Draft, lines []int, err error) {
	if e.InTTY {
		return nil, nil, frame.Misuse("'--stdin-jsonl' reads from a pipe or a file, and stdin is a terminal", "git crosslink new --stdin-jsonl <issues.jsonl")
	}
	in := bufio.NewReader(e.In)
	for n := 1; ; n++ {
		line, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, nil, lineFailure(n, err)
		}
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			if len(drafts) == maxDrafts {
				return nil, nil, frame.Fatal("too-many", fmt.Sprintf("more than %d issues: nothing was created", maxDrafts), "split the file")
			}
			d, derr := draftOf(line, e)
			if derr != nil {
				return nil, nil, lineFailure(n, derr)
			}
			drafts, lines = append(drafts, d), append(lines, n)
		}
		if err != nil {
			break
		}
	}
	if len(drafts) == 0 {
		return nil, nil, frame.Fatal("empty", "stdin is empty: nothing was created", `printf '{"title":"first"}\n' | git crosslink new --stdin-jsonl`)
	}
	return drafts, lines, nil
}

// readLine reads a line of bounded length.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		if line = append(line, part...); len(line) > frame.MaxText {
			return nil, errors.New("the line is longer than any issue may be")
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

func lineFailure(n int, err error) *frame.Failure {
	var own *frame.Failure
	if !errors.As(err, &own) {
		own = frame.Fatal("bad-line", err.Error())
	}
	f := *own
	f.Message = fmt.Sprintf("line %d: %s; nothing was created", n, f.Message)
	return &f
}

// likeID matches a possible id of an existing issue.
var likeID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^#?[0-9]+$|^[0-9a-f-]{7,}$|^@`) })

func draftOf(line []byte, e *command.Env) (d verb.Draft, err error) {
	var row draftRow
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&row); err != nil {
		return d, notADraft(err)
	}
	if dec.More() {
		return d, errors.New("the line has more than one JSON object")
	}
	if likeID().MatchString(row.Ref) {
		return d, fmt.Errorf("ref '%s' looks like the id of an issue: use a word", row.Ref)
	}
	if !slices.Contains(append(Priorities, ""), row.Priority) {
		return d, frame.BadValue("priority", row.Priority, Priorities)
	}
	d.Ref, d.Title, d.Description = row.Ref, frame.TrimTitle(row.Title), frame.TrimText(row.Description)
	if d.Title == "" {
		return d, errors.New("the title is missing")
	}
	if d.Priority = event.Priority(row.Priority); d.Priority == "" {
		d.Priority = event.Medium
	}
	if d.Labels, err = labeling.list(row.Labels); err != nil {
		return d, err
	}
	if d.Assignees, err = assigning.list(row.Assignees); err != nil {
		return d, err
	}
	if row.Due != "" {
		if d.Due, err = frame.ParseDate("due", row.Due, frame.DayEnd, e.Now()); err != nil {
			return d, err
		}
	}
	if row.Scheduled != "" {
		if d.Scheduled, err = frame.ParseDate("scheduled", row.Scheduled, frame.DayStart, e.Now()); err != nil {
			return d, err
		}
	}
	d.Parent, d.DiscoveredFrom, d.Milestone = string(row.Parent), string(row.DiscoveredFrom), row.Milestone
	for _, id := range row.BlockedBy {
		d.BlockedBy = append(d.BlockedBy, string(id))
	}
	return d, nil
}

// notADraft describes a line that is not a draft.
func notADraft(err error) error {
	var kind *json.UnmarshalTypeError
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return frame.Fatal("bad-line", "there is no member "+strings.ReplaceAll(name, `"`, "'"),
			"members: ref, title, description, priority, labels, assignees, parent, blocked_by, discovered_from, milestone, due, scheduled")
	}
	if errors.As(err, &kind) {
		if kind.Field == "" {
			return errors.New("the line is not a JSON object")
		}
		return fmt.Errorf("'%s' cannot be a %s", kind.Field, kind.Value)
	}
	return fmt.Errorf("the line is not a JSON object: %w", err)
}
