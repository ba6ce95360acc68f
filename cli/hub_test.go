package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// memoryHub is a tracker in memory: it stamps, judges and reduces as the real
// one does, and decides numbers in order of arrival.
type memoryHub struct {
	chain   event.Chain
	state   *reducer.State
	lines   []*event.Envelope
	numbers map[event.UUID]uint64
	now     func() time.Time
	minted  int

	config    map[string]string
	locks     memoryLocks
	fsck      tracker.FsckReport
	doctor    tracker.DoctorReport
	heartbeat tracker.Heartbeat
	presence  map[string]event.AgentPresence
	undecided bool                 // gives no numbers
	sync      tracker.Confirmation // what writes come to; "" is confirmed
	status    tracker.Status
	statuses  int // how often it was asked: it reads every event
	report    tracker.SyncReport
	failWith  error // of Emit
	late      func(*memoryHub)
	reads     []tracker.Freshness
	seen      func(tracker.Projection) tracker.Projection // what a read gets; nil is all
	emitted   [][]event.Body                              // what each Emit wrote
}

func newMemoryHub(now func() time.Time) *memoryHub {
	return &memoryHub{
		chain: event.Chain{Hub: "11111111-1111-4111-8111-111111111111", Agent: "alice-laptop-abcd"},
		state: reducer.New(), numbers: map[event.UUID]uint64{}, now: now,
	}
}

// Home is a directory without a repository, so there is no place for hooks.
func (h *memoryHub) Decisions(context.Context) (tracker.Decisions, error) {
	return tracker.Decisions{Ledger: ledger.Empty("")}, nil
}

func (h *memoryHub) Home() string { return "" }

func (h *memoryHub) SyncLater(time.Duration) bool { return false }

func (h *memoryHub) Self(context.Context, tracker.Projection) (*people.Self, error) {
	return &people.Self{Agent: h.Agent(), Agents: []string{h.Agent()}}, nil
}

func (h *memoryHub) Trusted(mark, _ string) bool { return mark == "" }

func (h *memoryHub) Commands(context.Context, tracker.Projection, []*reducer.Request) ([]tracker.Command, error) {
	return nil, nil
}

func (h *memoryHub) Worktree() string { return "" }

func (h *memoryHub) Unwritable(err error) error { return err }

func (h *memoryHub) HubID() string { return h.chain.Hub }

func (h *memoryHub) Hub() (string, string) { return h.status.Remote, "" }

func (h *memoryHub) Agent() string { return h.chain.Agent }

func (h *memoryHub) Config(key string) (string, bool) {
	v, ok := h.config[strings.ToLower(key)]
	return v, ok
}

// MintUUID counts, with a letter among the first digits.
func (h *memoryHub) MintUUID() event.UUID {
	h.minted++
	return uuid.MustParse(fmt.Sprintf("%05da00-0000-4000-8000-000000000000", h.minted))
}

func (h *memoryHub) Who(context.Context) (*tracker.Who, error) {
	return &tracker.Who{Agent: h.Agent(), Source: "file", Where: "identity", Events: h.chain.Seq, State: tracker.AgentOK}, nil
}

func (h *memoryHub) Heartbeat(_ context.Context, o tracker.HeartbeatOptions) (*tracker.Heartbeat, error) {
	b := h.heartbeat
	b.Agent, b.Issue = h.Agent(), o.Issue
	if b.State = o.State; b.State == "" {
		b.State = "working"
	}
	return &b, nil
}

func (h *memoryHub) LastCommand(context.Context) ([]*event.Envelope, error) {
	if len(h.emitted) == 0 {
		return nil, nil
	}
	return h.lines[len(h.lines)-len(h.emitted[len(h.emitted)-1]):], nil
}

func (h *memoryHub) Describe(ctx context.Context, o tracker.EmitOptions, text string, kind event.AgentKind) (*tracker.Receipt, error) {
	if kind == "" {
		kind = event.Person
	}
	return h.Emit(ctx, o, func(p tracker.Projection) ([]event.Body, error) {
		for _, a := range p.Agents() {
			if a.ID == h.Agent() && a.Description == text && a.Kind == kind {
				return nil, nil
			}
		}
		return []event.Body{&event.AgentIntroduced{Kind: kind, Description: text}}, nil
	})
}

func (h *memoryHub) Retire(ctx context.Context, o tracker.EmitOptions, reason string, before func(tracker.Projection) ([]event.Body, error)) (*tracker.Receipt, error) {
	return h.Emit(ctx, o, func(p tracker.Projection) (bodies []event.Body, err error) {
		rows, err := p.Locked()
		for _, i := range rows {
			bodies = append(bodies, &event.LockReleased{Issue: i.UUID})
		}
		return append(bodies, &event.AgentRetired{Reason: reason}), err
	})
}

func (h *memoryHub) Doctor(_ context.Context, offline bool) (*tracker.DoctorReport, error) {
	h.doctor.Reached = !offline
	return &h.doctor, nil
}

func (h *memoryHub) Fork(_ context.Context, newID string, _ ...string) (*tracker.Forked, error) {
	return &tracker.Forked{Was: h.Agent(), Agent: newID, Carried: 2, Scope: "environment"}, nil
}

func (h *memoryHub) Detach(_ context.Context, remote string) (*tracker.Detached, error) {
	return &tracker.Detached{Remote: remote, Was: "11111111-1111-4111-8111-111111111111", Hub: "22222222-2222-4222-8222-222222222222", Logs: 2, Events: 3}, nil
}

func (h *memoryHub) project() tracker.Projection {
	numbers := map[event.UUID]uint64{}
	for u, n := range h.numbers {
		numbers[u] = n
	}
	return store.NewMemory(h.state.Clone(), h.lines, numbers).WithDecided(h.locks.decided()).WithPresence(func() map[string]event.AgentPresence { return h.presence })
}

func (h *memoryHub) Read(_ context.Context, f tracker.Freshness) (tracker.Projection, error) {
	h.reads = append(h.reads, f)
	if f == tracker.Fresh && h.late != nil {
		h.late(h)
		h.late = nil
	}
	if h.seen != nil {
		return h.seen(h.project()), nil
	}
	return h.project(), nil
}

func (h *memoryHub) Emit(_ context.Context, _ tracker.EmitOptions, build func(tracker.Projection) ([]event.Body, error)) (*tracker.Receipt, error) {
	if h.failWith != nil {
		return nil, h.failWith
	}
	// Twice, as when another process appends meanwhile.
	if _, err := build(h.project()); err != nil {
		return nil, err
	}
	bodies, err := build(h.project())
	if err != nil {
		return nil, err
	}
	r := &tracker.Receipt{Agent: h.chain.Agent, Sync: h.sync}
	if r.Sync == "" {
		r.Sync = tracker.Confirmed
	}
	for _, b := range bodies {
		if err := event.Check(b); err != nil {
			return nil, err
		}
		if err := h.state.Check(h.chain.Agent, b); err != nil {
			return nil, err
		}
	}
	for _, b := range bodies {
		e := &event.Envelope{Body: b}
		if _, err := h.chain.Stamp(e, event.TimeOf(h.now()), h.state.Newest()); err != nil {
			return nil, err
		}
		h.state.Apply(e)
		h.lines = append(h.lines, e)
		r.Lines = append(r.Lines, e)
		h.locks.take(e, !h.undecided)
		if c, ok := b.(*event.IssueCreated); ok && !h.undecided {
			h.numbers[c.UUID] = uint64(len(h.numbers) + 1)
		}
	}
	if len(bodies) > 0 {
		h.emitted = append(h.emitted, bodies)
	}
	r.View = h.project()
	return r, nil
}

func (h *memoryHub) Sync(context.Context, tracker.SyncOptions) (*tracker.SyncReport, error) {
	return &h.report, nil
}

func (h *memoryHub) Init(_ context.Context, o tracker.InitOptions) (*tracker.InitReport, error) {
	return &tracker.InitReport{Remote: o.Remote, URL: "/srv/hub.git", Hub: h.chain.Hub, Created: true, Branches: []string{"crosslink/meta"}}, nil
}

func (h *memoryHub) Status(context.Context) (*tracker.Status, error) {
	h.statuses++
	return &h.status, nil
}

func (h *memoryHub) Close() error { return nil }

// world is a command line with a memoryHub after it.
type world struct {
	t   *testing.T
	hub *memoryHub
	in  string
	ask func() // happens before in is read
	tty bool   // stdin and stderr

	outTTY bool
	person bool // reads stdout: a terminal, but no pager
	vars   map[string]string
	time   time.Time
	ctx    context.Context
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, time: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), vars: map[string]string{}, ctx: t.Context()} // a Monday
	w.hub = newMemoryHub(func() time.Time { return w.time })
	return w
}

// ran is what one command line left.
type ran struct {
	out, err string
	code     int
}

// run runs one command line; time continues by a minute.
func (w *world) run(args ...string) ran {
	w.t.Helper()
	w.time = w.time.Add(time.Minute)
	var out, errs bytes.Buffer
	e := &command.Env{
		Terminal: &frame.Terminal{
			Streams: frame.Streams{In: io.MultiReader(before(w.ask), strings.NewReader(w.in)), Out: &out, Err: &errs, InTTY: w.tty, ErrTTY: w.tty, OutTTY: w.outTTY || w.person, Width: 80},
			System: frame.System{
				Getenv: func(n string) string { return w.vars[n] },
				Chdir:  func(string) error { return nil },
				Now:    func() time.Time { return w.time },
				Trace:  zerolog.Nop(),
			},
			Options: frame.Options{NoPager: w.person, Color: "auto"},
		},
		Open: func(context.Context) (*command.Repository, error) {
			return &command.Repository{IssueLog: w.hub, Sharing: w.hub, Identity: w.hub, Admin: w.hub, Place: w.hub}, nil
		},
	}
	code := run(w.ctx, e, args)
	return ran{out.String(), errs.String(), code}
}

// before is an empty input; to read it calls f.
type before func()

func (f before) Read([]byte) (int, error) {
	if f != nil {
		f()
	}
	return 0, io.EOF
}

// ok is run for commands that must succeed.
func (w *world) ok(args ...string) ran {
	w.t.Helper()
	r := w.run(args...)
	if r.code != 0 {
		w.t.Fatalf("%v: status %d\n%s%s", args, r.code, r.out, r.err)
	}
	return r
}

// last is what the last write emitted.
func (w *world) last() []event.Body {
	w.t.Helper()
	if len(w.hub.emitted) == 0 {
		w.t.Fatal("nothing was emitted")
	}
	return w.hub.emitted[len(w.hub.emitted)-1]
}

func types(bodies []event.Body) string {
	var names []string
	for _, b := range bodies {
		names = append(names, b.Type())
	}
	return strings.Join(names, " ")
}

func check(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s:\n got %q\nwant %q", what, g, w)
	}
}

func contains(t *testing.T, what, got string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(got, p) {
			t.Errorf("%s: %q is missing in\n%s", what, p, got)
		}
	}
}
