package place

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/poll"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// watch is a dashboard over one clone, with a clock of its own.
type watch struct {
	*world
	db     *db.DB
	poller *poll.Poller
	ahead  time.Duration
}

func (w *world) watch(dir string) *watch {
	w.Helper()
	d, err := db.Open(w.Context(), w.TempDir(), nil)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { d.Close() })
	if err := d.Track(w.Context(), db.Project{ID: "1", Slug: "o/r", Place: db.Place{Kind: db.PlacePath, Path: dir}}); err != nil {
		w.Fatal(err)
	}
	x := &watch{world: w, db: d}
	o := w.options()
	o.Now = func() time.Time { return time.Now().Add(x.ahead) }
	x.poller = poll.New(poll.Options{DB: d, Now: o.Now, Open: func(ctx context.Context, row db.Project) (poll.Place, error) { return Open(ctx, row.Place.Path, o) }})
	return x
}

// at looks once, some time from now, and returns the kinds of the alerts that fire. A
// fetch that the look started has ended then, so that it is not one of a later time.
func (w *watch) at(ahead time.Duration) (kinds []alerts.Kind) {
	w.Helper()
	w.ahead = ahead
	_ = w.poller.Pass(w.Context())
	w.poller.Wait()
	all, err := w.db.Alerts(w.Context(), "1")
	if err != nil {
		w.Fatal(err)
	}
	for _, a := range all {
		if a.Active() {
			kinds = append(kinds, a.Kind)
		}
	}
	return kinds
}

func (w *watch) fires(kind alerts.Kind, ahead time.Duration) {
	w.Helper()
	if got := w.at(ahead); !slices.Contains(got, kind) {
		row, _ := w.db.Project(w.Context(), "1")
		f, _ := row.State.Facts.Encode()
		w.Errorf("%s from now %s does not fire, but %v; errors '%s' and '%s'; facts\n%s", ahead, kind, got, row.PollError, row.FetchError, f)
	}
}

func (w *watch) quiet(kind alerts.Kind, ahead time.Duration) {
	w.Helper()
	if got := w.at(ahead); slices.Contains(got, kind) {
		w.Errorf("%s from now %s fires", ahead, kind)
	}
}

// as opens a tracker as the agent of a clone.
func (w *world) as(dir string, do func(*tracker.Tracker) error) {
	w.Helper()
	t, err := tracker.Open(w.Context(), tracker.Options{Dir: dir, Environ: append(w.Environ, "GIT_CROSSLINK_AGENT=agent-"+filepath.Base(dir))})
	if err != nil {
		w.Fatal(err)
	}
	defer t.Close()
	if err := do(t); err != nil {
		w.Fatal(err)
	}
}

func (w *world) claim(dir string, issue event.UUID, queue bool) {
	w.Helper()
	w.as(dir, func(t *tracker.Tracker) error {
		_, err := t.Claim(w.Context(), issue, tracker.ClaimOptions{Queue: queue})
		return err
	})
}

func TestAlertsOfLocks(t *testing.T) {
	w := newWorld(t)
	a, b := w.Clone("a"), w.Clone("b")
	one := w.Create(a, "one", nil)
	w.claim(b, one, false)
	x := w.watch(a)
	x.quiet(alerts.StaleLock, 0)
	x.quiet(alerts.SilentAgent, 9*time.Minute)
	x.fires(alerts.SilentAgent, 11*time.Minute)
	x.fires(alerts.StaleLock, 61*time.Minute)
	x.quiet(alerts.Contention, 61*time.Minute)
	for _, name := range []string{"c", "d", "e"} {
		w.claim(w.Clone(name), one, true)
	}
	x.fires(alerts.Contention, 62*time.Minute)
}

func TestAlertsOfIssues(t *testing.T) {
	w := newWorld(t)
	a, b := w.Clone("a"), w.Clone("b")
	soon := event.TimeOf(time.Now().Add(time.Hour))
	parent := w.Create(b, "parent", nil)
	child := w.Create(b, "child", func(c *event.IssueCreated) { c.Parent, c.DueAt = parent, soon })
	x := w.watch(a)
	for _, k := range []alerts.Kind{alerts.OverdueIssue, alerts.OrphanSubissue, alerts.Cycle} {
		x.quiet(k, 0)
	}
	w.Emit(b, func(tracker.Projection) []event.Body {
		return []event.Body{&event.StatusChanged{UUID: parent, NewStatus: event.Closed}}
	})
	x.fires(alerts.OrphanSubissue, 0)
	x.fires(alerts.OverdueIssue, 2*time.Hour)
	w.Emit(b, func(tracker.Projection) []event.Body {
		return []event.Body{&event.StatusChanged{UUID: parent, NewStatus: event.Open}, &event.DependencyAdded{Blocked: parent, Blocker: child}, &event.DependencyAdded{Blocked: child, Blocker: parent}}
	})
	x.fires(alerts.Cycle, 0)
	x.quiet(alerts.OrphanSubissue, 0)
}

func TestAlertsOfAgents(t *testing.T) {
	w := newWorld(t)
	a, b := w.Clone("a"), w.Clone("b")
	one := w.Create(b, "one", nil)
	w.claim(b, one, false)
	x := w.watch(a)
	x.quiet(alerts.Storm, 0)
	w.Emit(b, func(tracker.Projection) (all []event.Body) {
		for range 201 {
			all = append(all, &event.LabelAdded{Issue: one, Label: "l" + itoa(len(all))})
		}
		return all
	})
	x.fires(alerts.Storm, 0)
	w.as(b, func(t *tracker.Tracker) error {
		h, err := t.Heartbeat(w.Context(), tracker.HeartbeatOptions{State: "awaiting_input"})
		if err == nil && h.Outcome != tracker.HeartbeatSent {
			w.Errorf("others do not see at once that an agent waits: %+v", h)
		}
		return err
	})
	w.as(b, func(t *tracker.Tracker) error { // as it does in the background
		_, err := t.Sync(w.Context(), tracker.SyncOptions{Detached: true})
		return err
	})
	x.quiet(alerts.NeedsInput, time.Minute)
	x.fires(alerts.NeedsInput, 3*time.Minute)
	w.Emit(a, func(tracker.Projection) []event.Body {
		return []event.Body{&event.RequestSent{ID: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Target: "agent-b", Kind: event.Pause, Subject: one, RequestedBy: "agent-a"}}
	})
	x.quiet(alerts.PendingRequest, 4*time.Minute)
	x.fires(alerts.PendingRequest, 6*time.Minute)
	w.Emit(b, func(tracker.Projection) []event.Body {
		return []event.Body{&event.RequestAcked{ID: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Acted: true, Result: "paused"}}
	})
	x.quiet(alerts.PendingRequest, 7*time.Minute)
}

func TestAlertsOfSending(t *testing.T) {
	w := newWorld(t)
	a := w.Clone("a")
	w.Create(a, "one", nil)
	x := w.watch(a)
	x.at(0)
	w.as(a, func(t *tracker.Tracker) error {
		_, err := t.Emit(w.Context(), tracker.EmitOptions{Offline: true}, func(tracker.Projection) ([]event.Body, error) {
			return []event.Body{&event.IssueCreated{UUID: t.MintUUID(), Title: "two", Priority: event.Low, CreatedBy: "a"}}, nil
		})
		return err
	})
	for _, k := range []alerts.Kind{alerts.Unsent, alerts.Undecided} {
		x.quiet(k, 14*time.Minute)
	}
	for _, k := range []alerts.Kind{alerts.Unsent, alerts.Undecided} {
		x.fires(k, 16*time.Minute)
	}
	w.as(a, func(t *tracker.Tracker) error {
		_, err := t.Sync(w.Context(), tracker.SyncOptions{})
		return err
	})
	for _, k := range []alerts.Kind{alerts.Unsent, alerts.Undecided} {
		x.at(17 * time.Minute)
		x.quiet(k, 19*time.Minute) // it is kept for a minute
	}
}

func TestAlertsOfTheHub(t *testing.T) {
	w := newWorld(t)
	a, b := w.Clone("a"), w.Clone("b")
	w.Create(b, "one", nil)
	w.Create(a, "two", nil)
	x := w.watch(a)
	x.quiet(alerts.HubLost, 0)
	w.Git("-C", w.Hub, "update-ref", "-d", "refs/heads/crosslink/agents/agent-b")
	x.fires(alerts.HubLost, 0)
	other := newWorld(t)
	if err := os.Rename(w.Hub, w.Hub+".away"); err != nil {
		t.Fatal(err)
	}
	for k := range 4 {
		x.at(time.Duration(k) * 40 * time.Minute)
	}
	x.fires(alerts.UnreachableProject, 3*time.Hour)
	if err := os.Rename(other.Hub, w.Hub); err != nil {
		t.Fatal(err)
	}
	x.at(4 * time.Hour)
	x.fires(alerts.HubLost, 4*time.Hour)
	if row, err := x.db.Project(t.Context(), "1"); err != nil || row.State.Facts.Health.OtherHub == "" {
		t.Errorf("another hub is not seen: %+v, %v", row.State.Facts.Health, err)
	}
}

// behind puts a line, made from the last one, behind the log of an agent on the hub.
func (w *world) behind(agent string, make func(last []byte) []byte) {
	w.Helper()
	ref := "refs/heads/crosslink/agents/" + agent
	git := func(in []byte, args ...string) string {
		w.Helper()
		cmd := exec.Command("git", append([]string{"--git-dir", w.Hub}, args...)...)
		cmd.Env, cmd.Stdin, cmd.Stderr = append(w.Environ, "GIT_INDEX_FILE="+filepath.Join(w.Dir, "index")), bytes.NewReader(in), os.Stderr
		out, err := cmd.Output()
		if err != nil {
			w.Fatalf("git %v: %v", args, err)
		}
		return strings.TrimSpace(string(out))
	}
	files := strings.Split(git(nil, "ls-tree", "-r", "--name-only", ref, "events/"), "\n")
	path := files[len(files)-1]
	log := append([]byte(git(nil, "cat-file", "blob", ref+":"+path)), '\n')
	lines := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
	blob := git(append(append(log, make(lines[len(lines)-1])...), '\n'), "hash-object", "-w", "--stdin")
	git(nil, "read-tree", ref)
	git(nil, "update-index", "--cacheinfo", "100644,"+blob+","+path)
	git(nil, "update-ref", ref, git(nil, "commit-tree", "-p", ref, "-m", "x", git(nil, "write-tree")))
}

func TestAlertsOfSignatures(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.Clone("a"), w.Clone("b"), w.Clone("c")
	one := w.Create(b, "one", nil)
	w.Create(c, "two", nil)
	x := w.watch(a)
	x.quiet(alerts.SignatureInvalid, 0)
	x.quiet(alerts.LogEnded, 0)
	x.quiet(alerts.UntrustedSigner, 0)
	w.behind("agent-b", func(last []byte) []byte { // the signature of another line
		e, err := event.Decode(last)
		if err != nil || e.Signature == "" {
			t.Fatalf("%s, %v", last, err)
		}
		line, err := event.Encode(&event.Envelope{V: e.V, Hub: e.Hub, Agent: e.Agent, Seq: e.Seq + 1, Time: e.Time + 1, Prev: event.Hash(last),
			Body: &event.LabelAdded{Issue: one, Label: "forged"}, SignedBy: e.SignedBy, Signature: e.Signature})
		if err != nil {
			t.Fatal(err)
		}
		return line
	})
	x.fires(alerts.SignatureInvalid, 0)
	w.behind("agent-c", func([]byte) []byte { return []byte("no event") })
	x.fires(alerts.LogEnded, 0)
	w.as(filepath.Join(w.Dir, "seed"), func(t *tracker.Tracker) error {
		_, err := t.Approve(w.Context(), tracker.Approve{Agents: []string{"agent-seed"}, Admin: true})
		return err
	})
	w.Create(a, "three", nil)
	x.at(0)
	x.fires(alerts.UntrustedSigner, 6*time.Minute)
}

func TestAlertOfAFork(t *testing.T) {
	w := newWorld(t)
	a, b := w.Clone("a"), w.Clone("b")
	one := w.Create(b, "one", nil)
	w.Create(a, "two", nil)
	x := w.watch(a)
	x.quiet(alerts.ForkProven, 0)
	twin := filepath.Join(w.Dir, "twin", "b")
	if err := os.CopyFS(twin, os.DirFS(b)); err != nil {
		t.Fatal(err)
	}
	tip := func() string {
		b, err := exec.Command("git", "--git-dir", w.Hub, "rev-parse", "refs/heads/crosslink/agents/agent-b").Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(b))
	}
	before := tip()
	label := func(dir, l string) {
		w.Emit(dir, func(tracker.Projection) []event.Body { return []event.Body{&event.LabelAdded{Issue: one, Label: l}} })
	}
	label(b, "for-the-ones")
	x.quiet(alerts.ForkProven, 0)
	w.Git("-C", w.Hub, "update-ref", "refs/heads/crosslink/agents/agent-b", before)
	label(twin, "for-the-others")
	w.as(a, func(t *tracker.Tracker) error { // a clone that has seen both histories proves the fork
		_, err := t.Sync(w.Context(), tracker.SyncOptions{})
		return err
	})
	x.fires(alerts.ForkProven, 0)
}

func TestAlertOfCI(t *testing.T) {
	w := newWorld(t)
	a, b := w.Clone("a"), w.Clone("b")
	x := w.watch(a)
	report := func(branch string, state event.CheckState) {
		w.Emit(b, func(tracker.Projection) []event.Body {
			return []event.Body{&event.StatusReported{Context: "build", Branch: branch, Commit: strings.Repeat("a", 40), State: state}}
		})
	}
	report("flux", event.Failing)
	report("main", event.Running)
	x.quiet(alerts.CIFailure, 0)
	report("main", event.Failing)
	x.fires(alerts.CIFailure, 0)
	report("main", event.Passing)
	x.quiet(alerts.CIFailure, 0)
}
