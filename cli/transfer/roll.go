package transfer

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/exporter"
	"github.com/git-crosslink/git-crosslink/importer"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/transfer"
)

// rolling is a tracker that is being moved to a new hub. It is stored in a file from the
// time when the old hub was read until all of it is on the new one, so that an interrupted
// run can continue.
type rolling struct {
	Remote  string `json:"remote"` // remote of the new hub
	Hub     string `json:"hub"`    // id of the old hub
	Signing string `json:"signing"`
	Open    bool   `json:"open"`
	Export  []byte `json:"export"` // export of the old hub's content
}

// maxRoll bounds the size of that file.
const maxRoll = 4 << 30

// Roll marks the hub on the remote old as moved, and creates one on another remote that
// starts from the old hub's content.
func Roll(ctx context.Context, e *command.Env, remote, old string) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	path := filepath.Join(repo.Home(), "roll.json")
	r, err := readRolling(path)
	if err != nil {
		return err
	}
	now, url := repo.Hub()
	switch {
	case r == nil && now == remote:
		e.Progress("already joined the hub on '%s' (%s)", frame.OneLine(now), frame.OneLine(url))
		return e.Print(ctx, frame.Result{Data: answer.InitOf(&tracker.InitReport{Remote: now, URL: url, Hub: repo.HubID(), Already: true, Agent: repo.Agent()}), IDs: []string{repo.HubID()}})
	case r != nil && r.Remote != remote:
		return frame.Fatal("roll-other", fmt.Sprintf("this clone is moving the tracker to '%s', not to '%s'", r.Remote, remote), "continue: git crosslink init "+r.Remote+" --from "+old)
	case r == nil && now != old:
		return frame.Fatal("roll-from", fmt.Sprintf("the hub of this clone is not on '%s': nothing was written", old), "show the hub: git crosslink status")
	case r == nil:
		made, err := joinNext(ctx, repo, remote)
		if err != nil || made != nil {
			return errors.Join(err, printRolled(ctx, e, old, made))
		}
		if r, err = readOld(ctx, e, repo, remote); err != nil {
			return err
		}
		b, err := json.Marshal(r)
		if err == nil {
			err = statefile.Write(path, b)
		}
		if err != nil {
			return fmt.Errorf("keep what the old hub shows: %w", err)
		}
	}
	made, err := r.write(ctx, e, repo)
	e.Step("")
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return printRolled(ctx, e, old, made)
}

func printRolled(ctx context.Context, e *command.Env, old string, made *tracker.InitReport) error {
	if made == nil {
		return nil
	}
	e.Progress("the hub on '%s' has moved: the tracker continues on '%s' (%s)", old, frame.OneLine(made.Remote), frame.OneLine(made.URL))
	return e.Print(ctx, frame.Result{Data: answer.InitOf(made), IDs: []string{made.Hub}})
}

func readRolling(path string) (*rolling, error) {
	b, err := statefile.Read(path, maxRoll)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	r := &rolling{}
	if err == nil {
		err = json.Unmarshal(b, r)
	}
	if err != nil {
		return nil, frame.Fatal("roll-file", fmt.Sprintf("cannot read '%s': %v", path, err))
	}
	return r, nil
}

// joinNext joins the new hub if somebody else has created it; nil if there is none.
func joinNext(ctx context.Context, repo *command.Repository, remote string) (*tracker.InitReport, error) {
	taken, err := repo.Taken(ctx, remote)
	if err != nil || !taken {
		return nil, err
	}
	if _, err := repo.Sync(ctx, tracker.SyncOptions{}); err != nil { // the old hub names the hub that continues it
		return nil, err
	}
	return repo.Init(ctx, tracker.InitOptions{Remote: remote, Join: true})
}

// readOld marks the old hub as moved and then reads its content.
func readOld(ctx context.Context, e *command.Env, repo *command.Repository, remote string) (*rolling, error) {
	e.Step("syncing the old hub")
	sync, err := repo.Sync(ctx, tracker.SyncOptions{})
	if err != nil {
		return nil, err
	}
	if sync.State != tracker.Confirmed || sync.Undecided > 0 {
		return nil, frame.Fatal("roll-unsent", fmt.Sprintf("not everything written here is on '%s' yet: nothing was written", sync.Remote), "git crosslink sync")
	}
	if err := rehearse(ctx, e, repo, sync.Remote); err != nil {
		return nil, err
	}
	e.Step("marking the old hub as moved")
	if err := repo.MoveHub(ctx, remote); err != nil {
		return nil, err
	}
	if _, err := repo.Sync(ctx, tracker.SyncOptions{}); err != nil { // events that arrived before it was marked
		return nil, err
	}
	r, err := shown(ctx, repo)
	if err != nil {
		return nil, err
	}
	r.Remote = remote
	return r, nil
}

// shown returns the content of a clone's hub.
func shown(ctx context.Context, repo *command.Repository) (*rolling, error) {
	trust, err := repo.Trust(ctx)
	if err != nil {
		return nil, err
	}
	p, err := repo.Read(ctx, tracker.Offline)
	if err != nil {
		return nil, err
	}
	decided, err := repo.Decisions(ctx)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if _, err := exporter.Formats[0].Write(&b, exporter.Source{State: p, Filter: store.Filter{Status: "all"}, Hub: trust.Hub, Sequence: decided.Ledger.Sequence}); err != nil {
		return nil, err
	}
	return &rolling{Hub: trust.Hub, Signing: trust.Signing, Open: trust.Open, Export: b.Bytes()}, nil
}

// rehearse checks whether a new hub can start from this hub's content, because a hub that
// was marked as moved cannot come back.
func rehearse(ctx context.Context, e *command.Env, repo *command.Repository, remote string) error {
	e.Step("reading the old hub")
	r, err := shown(ctx, repo)
	if err != nil {
		return err
	}
	q := r.request(e)
	q.DryRun = true
	_, err = transfer.Found(ctx, nil, r.source(), nil, q)
	if f, ok := errors.AsType[*importer.FormatError](err); ok && f.TooLarge {
		return frame.Fatal("roll-large", fmt.Sprintf("what the hub on '%s' shows is too large for a new hub to start from, %d MiB: nothing was written", remote, event.MaxBase>>20),
			"archive the logs of retired agents instead: git crosslink agent fold")
	}
	return err
}

// source returns the id of the export as a blob.
func (r *rolling) source() string {
	sum := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(r.Export)), r.Export...))
	return hex.EncodeToString(sum[:])
}

// request returns the import request for the stored export.
func (r *rolling) request(e *command.Env) transfer.Request {
	return transfer.Request{
		Read: func(out *importer.Sink) error {
			return importer.Crosslink(bytes.NewReader(r.Export), importer.Options{}, out)
		},
		Names: importer.Names{System: importer.Own, Scope: r.Hub}, Now: event.TimeOf(e.Now()), Progress: func(n int) { e.Step("moved %s", frame.Count(n, "issue")) },
	}
}

// newHub creates the new hub in the place where an import would found a tracker.
type newHub struct {
	*command.Repository
	remote string
	was    string // id of the old hub
	made   *tracker.InitReport
}

func (n *newHub) Init(ctx context.Context, o tracker.InitOptions) (*tracker.InitReport, error) {
	if remote, url := n.Hub(); n.HubID() != n.was { // this clone already uses the new hub
		n.made = &tracker.InitReport{Remote: remote, URL: url, Hub: n.HubID(), Agent: n.Agent()}
		return n.made, nil
	}
	o.Remote = n.remote
	var err error
	n.made, err = n.Roll(ctx, o)
	return n.made, err
}

// write creates the new hub, unless it exists, and writes the data that a base cannot
// contain.
func (r *rolling) write(ctx context.Context, e *command.Env, repo *command.Repository) (*tracker.InitReport, error) {
	names := importer.Names{System: importer.Own, Scope: r.Hub}
	as := repo
	defer func() {
		if as != repo {
			as.Close()
		}
	}()
	open := func() (transfer.Writer, error) {
		opened, err := importAgent(ctx, e, repo, names)
		if err == nil {
			if as != repo {
				as.Close()
			}
			as = opened
		}
		return as, err
	}
	hub := &newHub{Repository: repo, remote: r.Remote, was: r.Hub}
	rep, err := transfer.Found(ctx, hub, r.source(), open, r.request(e))
	if err != nil {
		return nil, err
	}
	sync, err := as.Sync(ctx, tracker.SyncOptions{})
	if err != nil {
		return nil, err
	}
	if sync.State != tracker.Confirmed {
		return nil, frame.Fatal("roll-unsent", fmt.Sprintf("not everything is on '%s' yet", r.Remote), "continue: run the same command again")
	}
	hub.made.Sent = sync.Sent
	if err := r.settle(ctx, repo, rep.Agent); err != nil {
		return nil, err
	}
	return hub.made, nil
}

// settle gives the new hub the policy of the old one, in a way that the import's events
// count.
func (r *rolling) settle(ctx context.Context, repo *command.Repository, importing string) error {
	t, err := repo.Trust(ctx)
	if err != nil {
		return err
	}
	var wait []string
	for _, a := range t.Agents {
		if a.Agent == importing && !a.Approved {
			wait = append(wait, a.Agent)
		}
	}
	if len(wait) > 0 {
		if _, err := repo.Approve(ctx, tracker.Approve{Agents: wait}); err != nil {
			return err
		}
	}
	return repo.SetPolicy(ctx, tracker.Policy{Signing: r.Signing, Open: &r.Open})
}
