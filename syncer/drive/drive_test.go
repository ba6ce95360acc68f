package drive_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/memory"
	"github.com/git-crosslink/git-crosslink/syncer"
	"github.com/git-crosslink/git-crosslink/syncer/drive"
)

var (
	ctx  = context.Background()
	noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
)

// world is a hub in memory with a meta, and clones of it.
type world struct {
	*testing.T
	hub *memory.Hub
	net memory.Network
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, hub: memory.NewHub(refs.SHA1)}
	w.net.Put("/srv/hub.git", w.hub)
	w.hub.Put(refs.HubPrefix+syncer.Meta, w.commit(w.hub.Local, "meta"))
	return w
}

func (w *world) commit(in refs.Local, text string, parents ...refs.OID) refs.OID {
	id, err := refs.WriteCommit(ctx, in, map[string][]byte{"text": []byte(text)}, parents, refs.CommitInfo{Author: "x", When: noon, Message: text + "\n"})
	if err != nil {
		w.Fatal(err)
	}
	return id
}

// clone is a drive.Clone whose ledger has a step for each log that has grown. It
// records what the machine wants of it.
type clone struct {
	*world
	name   string
	link   *hubs.Link
	now    time.Time
	facts  bool // nothing has to be decided
	seen   drive.Seen
	record []string
	out    syncer.Push // the push that is out
}

func (w *world) clone(name string) *clone {
	c := &clone{world: w, name: name, now: noon}
	conf := refs.Config{{Scope: "local", Key: "remote.origin.url", Value: "/srv/hub.git"}}
	mem, err := memory.NewClone(w.TempDir(), refs.SHA1, &w.net, conf)
	if err != nil {
		w.Fatal(err)
	}
	replica, _, err := mem.OpenReplica(ctx, true)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { replica.Close() })
	now := func() time.Time { return c.now }
	dir := w.TempDir()
	contact := hubs.Open(filepath.Join(dir, "contact.json"), now)
	hub, chosen := hubs.Choose(conf, contact, false, dir)
	if chosen != nil {
		w.Fatal(chosen)
	}
	c.link = &hubs.Link{Hub: hub, Contact: contact, Replica: replica, Conf: conf, Silence: time.Minute, Now: now,
		Sleep: func(d time.Duration) { c.now = c.now.Add(d) }, Pace: hubs.PaceOf(hub, filepath.Join(dir, "pace.json"), now)}
	if _, err := c.Accept(ctx, c.link.Fetch(ctx)); err != nil {
		w.Fatal(err)
	}
	return c
}

func (c *clone) local() refs.Local { return c.link.Replica.Local() }

func (c *clone) refs() map[string]refs.OID {
	all, err := c.local().Refs(ctx, "refs/")
	if err != nil {
		c.Fatal(err)
	}
	m := map[string]refs.OID{}
	for _, r := range all {
		m[r.Name] = r.OID
	}
	return m
}

// write appends lines to the clone's log.
func (c *clone) write(lines ...string) {
	var raw [][]byte
	for _, line := range lines {
		raw = append(raw, []byte(line))
	}
	name := refs.HubPrefix + refs.Agents + c.name
	old := c.refs()[name]
	tip, err := refs.AppendLog(ctx, c.local(), c.name, old, raw, refs.CommitInfo{Author: c.name, When: noon, Message: "x\n"})
	if err == nil {
		err = c.local().Swap(ctx, []refs.Update{{Ref: name, Old: old, New: tip}})
	}
	if err != nil {
		c.Fatal(err)
	}
}

func (c *clone) lines(id string, tip refs.OID) [][]byte {
	if tip == "" {
		return nil
	}
	log, err := refs.ReadLog(ctx, c.local(), id, tip, 1)
	if err != nil {
		c.Fatal(err)
	}
	return log.Lines
}

// Look implements drive.Clone.
func (c *clone) Look(ctx context.Context, lost hubs.Losses, step bool) (drive.Seen, error) {
	all := c.refs()
	v := syncer.View{Open: true, Ledger: syncer.Tip(all[refs.SeenPrefix+syncer.Ledger]), Urgency: syncer.Numbers, Mine: !c.facts}
	for name, here := range all {
		name, ok := strings.CutPrefix(name, refs.HubPrefix)
		if !ok {
			continue
		}
		id := strings.TrimPrefix(name, refs.Agents)
		l := syncer.Log{Name: name, Last: uint64(len(c.lines(id, here))), Hub: syncer.Tip(all[refs.SeenPrefix+name])}
		l.OnHub = uint64(len(c.lines(id, refs.OID(l.Hub))))
		if l.Sends = l.Last > l.OnHub; l.Sends {
			v.Logs = append(v.Logs, l)
		}
	}
	c.seen = drive.Seen{View: v, Refs: all}
	return c.seen, nil
}

// Step implements drive.Clone.
func (c *clone) Step(ctx context.Context, p refs.Push) (refs.OID, error) {
	if c.facts || len(p.Refs) == 0 {
		return "", nil
	}
	var parents []refs.OID
	if old := c.seen.Refs[refs.SeenPrefix+syncer.Ledger]; old != "" {
		parents = append(parents, old)
	}
	for _, r := range p.Refs {
		parents = append(parents, r.Src)
	}
	return c.commit(c.local(), "step of "+c.name, parents...), nil
}

// Accept implements drive.Clone: all is believed.
func (c *clone) Accept(ctx context.Context, fetched error) (hubs.Losses, error) {
	if fetched != nil {
		return nil, fetched
	}
	c.link.Reached = true
	var ups []refs.Update
	all := c.refs()
	for name, tip := range all {
		if name, ok := strings.CutPrefix(name, refs.IncomingPrefix); ok && all[refs.SeenPrefix+name] != tip {
			ups = append(ups, refs.Update{Ref: refs.SeenPrefix + name, Old: all[refs.SeenPrefix+name], New: tip})
		}
	}
	return nil, c.local().Swap(ctx, ups)
}

// Rebase implements drive.Clone.
func (c *clone) Rebase(context.Context, []string) (bool, error) { return false, nil }

// Decided implements drive.Clone.
func (c *clone) Decided(_ context.Context, tip refs.OID) error {
	c.record = append(c.record, "decided")
	return nil
}

// LineHash implements drive.Clone.
func (c *clone) LineHash(_ context.Context, name string, seq uint64) (string, error) {
	lines := c.lines(c.name, c.seen.Refs[refs.HubPrefix+name])
	return fmt.Sprintf("hash of %s", lines[seq-1]), nil
}

// next is the machine, with a record of what it wants.
func (c *clone) next(s syncer.State, e syncer.Event) (syncer.State, syncer.Action) {
	s, a := syncer.Next(s, e)
	switch a := a.(type) {
	case syncer.Push:
		c.out = a
		text := "push"
		for _, p := range a.Parts {
			text += fmt.Sprintf(" %s:%d", strings.TrimPrefix(p.Name, refs.Agents), p.UpTo)
		}
		if a.Step {
			text += " step"
		}
		c.record = append(c.record, text)
	case syncer.Fetch:
		c.record = append(c.record, "fetch")
	case syncer.Wait:
		c.record = append(c.record, "wait")
	}
	return s, a
}

// run is one run with the sync lock.
func (c *clone) run(r drive.Run) drive.Report {
	c.Helper()
	unlock, ok, err := c.link.Lock(ctx, 0)
	if err != nil || !ok {
		c.Fatal(ok, err)
	}
	defer unlock()
	r.Next, c.record = c.next, nil
	if r.Task.Own = refs.Agents + c.name; r.Task.CommandWait == 0 {
		r.Task.CommandWait, r.Task.Limits.Never = 3*time.Second, true
	}
	report, err := r.Do(ctx, c, c.link)
	if err != nil {
		c.Fatal(err)
	}
	return report
}

func (c *clone) did(want ...string) {
	c.Helper()
	if !slices.Equal(c.record, want) {
		c.Errorf("%s did %q, want %q", c.name, c.record, want)
	}
}

// onHub is how many lines the hub has of a log.
func (w *world) onHub(name string) int {
	all, err := w.hub.Refs(ctx, refs.HubPrefix+refs.Agents+name)
	if err != nil || len(all) == 0 {
		return 0
	}
	log, err := refs.ReadLog(ctx, w.hub.Local, name, all[0].OID, 1)
	if err != nil {
		w.Fatal(err)
	}
	return len(log.Lines)
}

// Without a race, there is one push. The loser of a race looks once and pushes once more,
// without waiting.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.write("one")
	if r := alice.run(drive.Run{Compare: true}); r.Reason != syncer.Sent || r.Sent != 1 || !r.Seen.Equal(noon) {
		t.Errorf("%+v", r)
	}
	alice.did("push alice:1 step", "decided")
	bob.write("two", "three")
	if r := bob.run(drive.Run{}); r.Reason != syncer.Sent || r.Sent != 2 {
		t.Errorf("%+v", r)
	}
	bob.did("push bob:2 step", "fetch", "push bob:2 step", "decided")
	if a, b := w.onHub("alice"), w.onHub("bob"); a != 1 || b != 2 {
		t.Errorf("the hub has %d and %d events", a, b)
	}
	alice.facts = true
	alice.write("four")
	alice.run(drive.Run{})
	alice.did("push alice:2 step")
}

// A hub that is gone, one that takes nothing and one that knows no atomic push.
func TestHubsThatFail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.clone("alice")
	alice.write("one")
	w.hub.Set(memory.Faults{Down: true})
	if r := alice.run(drive.Run{}); r.Reason != syncer.FetchFailed || r.Failed == nil || !r.Failed.NoConnection || r.Sent != 0 {
		t.Errorf("down: %+v", r)
	}
	w.hub.Set(memory.Faults{ReadOnly: true})
	if r := alice.run(drive.Run{}); r.Reason != syncer.TakesNone || alice.link.Contact.Refused == "" {
		t.Errorf("read-only: %+v, %q", r, alice.link.Contact.Refused)
	}
	w.hub.Set(memory.Faults{NoAtomic: true})
	if r := alice.run(drive.Run{Task: syncer.Task{Insist: true}}); r.Reason != syncer.Sent || r.Sent != 1 || !alice.link.Contact.NoAtomic || alice.link.Contact.Refused != "" {
		t.Errorf("not atomic: %+v, %+v", r, alice.link.Contact.Note)
	}
}

// A push that landed although its answer was lost is found by the fetch.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.clone("alice")
	alice.write("one")
	w.hub.Set(memory.Faults{LoseAnswer: true})
	if r := alice.run(drive.Run{}); r.Reason != syncer.Sent || w.onHub("alice") != 1 {
		t.Errorf("%+v, %d events on the hub", r, w.onHub("alice"))
	}
}

// What a rule of the hub refuses is searched, remembered with its hash, and the
// events before it are sent.
func TestRefusedEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.clone("alice")
	alice.facts = true
	alice.write("good", "bad", "good after bad")
	w.hub.Set(memory.Faults{Decline: func(ref string, _, _ refs.OID) string {
		if strings.HasSuffix(ref, "/alice") && alice.out.Parts[0].UpTo > 1 {
			return "rule 'bad': no"
		}
		return ""
	}})
	r := alice.run(drive.Run{Task: syncer.Task{Waits: true}})
	refusal := alice.link.Contact.Refusals[refs.Agents+"alice"]
	if r.Sent != 1 || w.onHub("alice") != 1 || refusal.High != 2 || refusal.Hash != "hash of bad" || !strings.Contains(refusal.Why, "rule 'bad'") {
		t.Errorf("%+v, %d events on the hub, %+v", r, w.onHub("alice"), refusal)
	}
	again := alice.run(drive.Run{})
	if alice.did(); again.Sent != 0 {
		t.Errorf("offered again at once: %+v", again)
	}
}

// Without the sync lock others push meanwhile; a run whose time is over says so.
func TestWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.clone("alice")
	task := syncer.Task{Limits: syncer.Limits{PerMinute: 1}, CommandWait: time.Second, Urgency: syncer.Somebody, Patience: 2 * time.Minute}
	alice.write("one")
	alice.run(drive.Run{Task: task})
	alice.write("two")
	before := alice.now
	if r := alice.run(drive.Run{Task: task}); r.Sent != 1 || alice.now.Sub(before) < 50*time.Second {
		t.Errorf("%+v after %s", r, alice.now.Sub(before))
	}
	alice.did("wait", "push alice:2 step", "decided")
	alice.write("three")
	// the time of a run is not used up by a wait that was announced
	alice.link.Sleep = func(d time.Duration) { alice.now = alice.now.Add(d); time.Sleep(400 * time.Millisecond) }
	if r := alice.run(drive.Run{Task: task, Each: 200 * time.Millisecond}); r.Reason != syncer.Sent || r.Sent != 1 {
		t.Errorf("after a long wait: %+v", r)
	}
	alice.write("four")
	if task.Patience = 0; alice.run(drive.Run{Task: task}).Paced == nil {
		t.Error("no turn, and no reason")
	}
	over, cancel := context.WithTimeout(ctx, 0)
	defer cancel()
	<-over.Done()
	if _, err := (drive.Run{Task: task}).Do(over, alice, alice.link); errors.Is(err, drive.ErrLate) {
		t.Error("the command was ended, not the run")
	}
}

// While a hub is silent the sync lock is free, and others push: what they noted of
// the pace stays.
func TestOthersPushMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.clone("alice")
	alice.write("one")
	task := syncer.Task{Limits: syncer.Limits{PerMinute: 10}, CommandWait: time.Second}
	w.hub.Set(memory.Faults{BeforeReceive: func() {
		p := alice.link.Pace
		p.Keep(p.Read().Started(alice.now, task.Limits, syncer.Somebody))
	}})
	alice.run(drive.Run{Task: task})
	if n := len(alice.link.Pace.Read().Pushes); n != 2 {
		t.Errorf("%d pushes are known, of 2", n)
	}
}
