package session

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/cli/issue"
	"github.com/git-crosslink/git-crosslink/cli/prime"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

// hookNames are the programs whose hooks prime can answer.
var hookNames = []string{"claude", "codex", "gemini"}

func newPrimeCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "prime", Category: frame.GroupAgents,
		Usage:     "print instructions and current work for an AI agent",
		UsageText: "git crosslink prime [--short | --no-state] [--hook <program>]",
		Description: `Prints what an AI agent needs at the start of a session and after its context was
compacted: how to take and finish work, the issues that the agent holds, the last
hand-off, the issues that are ready, and the issues that wait for its work. The
text has at most 4,500 bytes. Text from other people is enclosed in marks that cannot
be forged, after a sentence that says the text is data.

This command does not contact the hub: it prints what this clone knows. Outside a
repository, without a tracker and after any error it prints nothing and succeeds,
so a hook can run it at the start of every session. GIT_CROSSLINK_TRACE=1 shows
the reason.

--hook claude, codex or gemini prints the answer for the session hook of that
program.

Examples:
  git crosslink prime
  git crosslink prime --no-state`,
		Flags: []urfave.Flag{
			&urfave.BoolFlag{Name: "short", Usage: "print only instructions and held issues, for an agent that another agent started"},
			&urfave.BoolFlag{Name: "no-state", Usage: "print only instructions"},
			&urfave.StringFlag{Name: "hook", Usage: "print the answer for the session hook of `PROGRAM`: claude, codex or gemini"},
		},
	}, func(u *urfave.Context) error {
		if _, err := frame.Arguments(u, 0, 0, ""); err != nil {
			return err
		}
		hook, err := frame.OneOf(u, "hook", hookNames)
		if err != nil {
			return err
		}
		form := prime.Whole
		switch {
		case u.Bool("short") && u.Bool("no-state"):
			return frame.Misuse("'--short' and '--no-state' exclude each other")
		case u.Bool("short"):
			form = prime.Short
		case u.Bool("no-state"):
			form = prime.Static
		}
		e.Quiet = true // a new session gets no other output
		if err := runPrime(u.Context, form, hook, e); err != nil {
			e.Trace.Debug().Err(err).Msg("prime says nothing")
		}
		return nil
	})
}

// primeAnswer is the JSON shape of prime.
type primeAnswer struct {
	Agent   *string             `json:"agent"`
	Hub     *string             `json:"hub"`
	Scope   *string             `json:"scope"`
	Held    []answer.Issue      `json:"held"`
	Handoff *answer.HandoffNote `json:"handoff"`
	Ready   []answer.Issue      `json:"ready"`
	Total   int                 `json:"total_ready"`
	Waiting []answer.Issue      `json:"waiting"`
	Text    string              `json:"text"`
}

// errNoTracker means that there is nothing to print.
var errNoTracker = errors.New("there is no tracker here")

func runPrime(ctx context.Context, form prime.Form, hook string, e *command.Env) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	if !hasTracker(ctx, e, repo) {
		return errNoTracker
	}
	hub, _ := repo.Hub()
	fresh := tracker.Offline
	if _, last := repo.Refreshed(); !last.IsZero() {
		fresh = tracker.Here // an old one is updated in the background for the next time
	}
	p, err := repo.Read(ctx, fresh)
	if err != nil {
		return err
	}
	if _, total, err := p.List(store.Filter{Status: "all", Limit: 1}); err != nil {
		return err
	} else if total == 0 && repo.Agent() == "" {
		return errNoTracker
	}
	a, f, err := primeFacts(p, repo.Agent(), e)
	if err != nil {
		return err
	}
	if f.Stop, f.Asks, err = askedOf(ctx, repo, p); err != nil {
		return err
	}
	f.Hub, a.Hub = hub, answer.TextOrNull(hub)
	f.Scope = issue.ScopeOf(repo)
	f.Static = primeFile(ctx, e, repo)
	a.Scope = answer.TextOrNull(f.Scope)
	a.Text = prime.Text(f, form, nonce())
	if hook != "" {
		readHook(e)
		return e.WriteLines([]string{hookAnswer(a.Text)})
	}
	e.Quiet = false
	return e.Print(ctx, frame.Result{Data: a, Page: func(pg *frame.Page) { pg.Block("", a.Text) }})
}

// maxPrimeFile bounds the file of crosslink.primeFile.
const maxPrimeFile = 1300

// primeFile returns the text that replaces ours: the file in crosslink.primeFile, if git
// tracks it, with its content in HEAD. Otherwise it is "".
func primeFile(ctx context.Context, e *command.Env, repo *command.Repository) string {
	path, _ := repo.Config("crosslink.primeFile")
	if path == "" || !filepath.IsLocal(path) {
		return ""
	}
	path = filepath.ToSlash(filepath.Clean(path))
	if _, err := e.Git(ctx, "diff", "--quiet", "--no-ext-diff", "--no-textconv", "HEAD", "--", ":(top,literal)"+path); err != nil {
		e.Trace.Debug().Str("file", path).Msg("crosslink.primeFile is not as HEAD has it")
		return ""
	}
	size, err := e.Git(ctx, "cat-file", "-s", "HEAD:"+path)
	if n, bad := strconv.Atoi(size); err != nil || bad != nil || n == 0 || n > maxPrimeFile {
		e.Trace.Debug().Str("file", path).Msg("crosslink.primeFile is not tracked, or has not 1 to 1,300 bytes")
		return ""
	}
	text, err := e.Git(ctx, "cat-file", "blob", "HEAD:"+path)
	if err != nil {
		return ""
	}
	return frame.Lines(frame.TrimText(text)) + "\n"
}

// hasTracker reports whether there is a tracker, here or in the fetched refs. A read would
// create a replica to find out, in every repository in which a program starts.
func hasTracker(ctx context.Context, e *command.Env, repo *command.Repository) bool {
	if _, err := os.Stat(filepath.Join(repo.Home(), "replica.git")); err == nil {
		return true
	}
	fetched, err := e.Git(ctx, "for-each-ref", "--count=1", "refs/remotes/*/crosslink/meta")
	return err == nil && fetched != ""
}

// nonce returns text that nobody could have written into an issue before.
func nonce() string {
	var b [6]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// hookAnswer returns the answer to a hook at the start of a session.
func hookAnswer(text string) string {
	b, _ := json.Marshal(map[string]any{"hookSpecificOutput": map[string]string{"hookEventName": "SessionStart", "additionalContext": text}})
	return string(b)
}

func primeFacts(p tracker.Projection, me string, e *command.Env) (*primeAnswer, prime.Facts, error) {
	f := prime.Facts{Agent: me}
	a := &primeAnswer{Agent: answer.TextOrNull(me)}
	shapes := answer.New(p)
	held, err := heldBy(p, me)
	if err != nil {
		return nil, f, err
	}
	now := event.TimeOf(e.Now())
	var mine []event.UUID
	for _, i := range held {
		mine = append(mine, i.UUID)
	}
	ready, total, err := p.List(store.Filter{Ready: true, Labels: issue.WithScope(e.Opened, nil), Me: me, Except: mine, Now: now, Sort: "priority", Limit: prime.Shown})
	if err != nil {
		return nil, f, err
	}
	var waiting []*store.Issue
	for _, i := range held {
		for _, w := range verb.Shown(p, i.Blocks) {
			if w.Status == event.Open && !slices.ContainsFunc(waiting, func(o *store.Issue) bool { return o.UUID == w.UUID }) {
				waiting = append(waiting, w)
			}
		}
	}
	f.Total, a.Total = total, total
	if a.Handoff, err = handoffFor(e.Opened, p, shapes, held, me); err != nil {
		return nil, f, err
	}
	if h := a.Handoff; h != nil {
		f.Handoff = &prime.Handoff{By: fullName(h), Age: ageOf(e, h.At), Text: h.Text}
		if h.Issue != nil {
			f.Handoff.Issue = h.Issue.Name()
		}
	}
	for _, part := range []struct {
		rows  []*store.Issue
		facts *[]prime.Row
		shown *[]answer.Issue
		note  func(*store.Issue) string
	}{
		{held, &f.Held, &a.Held, func(i *store.Issue) string { return command.HeldNote(e, i) }},
		{ready, &f.Ready, &a.Ready, func(*store.Issue) string { return "" }},
		{waiting, &f.Waiting, &a.Waiting, func(*store.Issue) string { return "" }},
	} {
		if *part.shown, err = shapes.Issues(part.rows); err != nil {
			return nil, f, err
		}
		for n, i := range part.rows {
			mark := answer.OrEmpty((*part.shown)[n].Mark)
			*part.facts = append(*part.facts, prime.Row{Name: i.Name(), Priority: string(i.Priority), Title: i.Title, Labels: i.Labels,
				Note: part.note(i), Mark: cmp.Or(answer.MarkWords[mark], mark)})
		}
	}
	return a, f, nil
}

// askedOf returns what requests tell the agent of this worktree, if this clone obeys them.
func askedOf(ctx context.Context, repo *command.Repository, p tracker.Projection) (stop string, asks []string, err error) {
	flags, err := command.FlagsOf(ctx, repo, p)
	if err != nil {
		return "", nil, err
	}
	if r := flags.By; flags.State != verb.Run && r != nil {
		stop = flags.State + " by " + people.NewNames(p).Full(r.By) + " (request " + r.ID + ")"
		if r.Reason != "" {
			stop += ": " + r.Reason
		}
	}
	for _, i := range verb.Shown(p, flags.Reprioritise) {
		asks = append(asks, "take "+command.Named(i)+" first")
	}
	return stop, asks, nil
}

// heldBy returns the open issues whose lock an agent holds or has claimed, the oldest lock
// first. If a lock was released here, or others closed its issue, the ledger still shows
// the agent as its holder for a while, but there is nothing to work on.
func heldBy(p tracker.Projection, me string) (held []*store.Issue, err error) {
	locked, err := p.Locked()
	if err != nil {
		return nil, err
	}
	for _, i := range locked {
		if me != "" && i.Status == event.Open && i.Lock != nil && i.Lock.Holder == me && !i.Lock.Ending {
			held = append(held, i)
		}
	}
	return held, nil
}

// fullName returns the name and id of the writer of a hand-off.
func fullName(h *answer.HandoffNote) string {
	if h.Name == "" {
		return h.By
	}
	return h.Name + " (" + h.By + ")"
}

func ageOf(e *command.Env, at string) string {
	t, err := event.ParseTime(at)
	if err != nil {
		return at
	}
	return e.Ago(t)
}

// handoffFor returns the newest hand-off of an issue that the agent holds, otherwise the
// agent's own last one. If the agent has written nothing yet, it returns the newest one of
// all agents: it is for the next agent. A program gets only hand-offs that are signed by a
// trusted key.
func handoffFor(repo *command.Repository, p tracker.Projection, shapes *answer.Builder, held []*store.Issue, me string) (*answer.HandoffNote, error) {
	for _, row := range held {
		i, err := p.Issue(row.UUID)
		if err != nil {
			return nil, err
		}
		note, err := verb.HandoffOn(p, i, repo.Trusted)
		if err != nil {
			return nil, err
		}
		if note != nil {
			return command.HandoffShape(shapes, note), nil
		}
	}
	note, err := verb.HandoffBy(p, me, repo.Trusted)
	if err != nil || note == nil {
		return nil, err
	}
	return command.HandoffShape(shapes, note), nil
}

// hookWait is how long prime waits for the input of its hook.
const hookWait = 200 * time.Millisecond

// readHook reads the input of a hook, because the program may wait until it is read; at
// most 64 KiB, and nothing from a terminal. It never waits for a program that leaves the
// pipe open, because the session would not begin.
func readHook(e *command.Env) {
	if e.InTTY {
		return
	}
	read := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, io.LimitReader(e.In, 64<<10))
		close(read)
	}()
	select {
	case <-read:
	case <-time.After(hookWait):
	}
}
