package cli

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// memoryLocks decides locks in order of arrival.
type memoryLocks struct {
	locks map[event.UUID]store.Lock
	queue map[event.UUID][]store.Waiter
	token uint64
}

func (m *memoryLocks) decided() store.Decided {
	return store.Decided{Locks: m.locks, Queue: m.queue}
}

func (m *memoryLocks) take(e *event.Envelope, confirmed bool) {
	if m.locks == nil {
		m.locks, m.queue = map[event.UUID]store.Lock{}, map[event.UUID][]store.Waiter{}
	}
	switch b := e.Body.(type) {
	case *event.LockClaimed:
		m.claim(e.Agent, b, e.Shown(), confirmed)
	case *event.LockReleased:
		m.queue[b.Issue] = slices.DeleteFunc(m.queue[b.Issue], func(w store.Waiter) bool { return w.Agent == e.Agent })
		if m.locks[b.Issue].Holder == e.Agent {
			m.end(b.Issue)
		}
	case *event.LockBroken:
		if m.locks[b.Issue].Token == b.Token {
			m.end(b.Issue)
		}
	}
}

func (m *memoryLocks) claim(agent string, b *event.LockClaimed, at event.Time, confirmed bool) {
	if m.locks == nil {
		m.locks, m.queue = map[event.UUID]store.Lock{}, map[event.UUID][]store.Waiter{}
	}
	if _, held := m.locks[b.Issue]; held {
		if b.Wait {
			m.queue[b.Issue] = append(m.queue[b.Issue], store.Waiter{Agent: agent, Since: at, Confirmed: confirmed})
		}
		return
	}
	l := store.Lock{Holder: agent, Since: at, Branch: b.Branch, Confirmed: confirmed}
	if confirmed {
		m.token++
		l.Token = m.token
	}
	m.locks[b.Issue] = l
}

func (m *memoryLocks) end(u event.UUID) {
	delete(m.locks, u)
	if q := m.queue[u]; len(q) > 0 {
		m.queue[u] = q[1:]
		m.token++
		m.locks[u] = store.Lock{Holder: q[0].Agent, Since: q[0].Since, Token: m.token, Confirmed: true}
	}
}

// Claim does what the tracker's does, without a hub.
func (h *memoryHub) Claim(ctx context.Context, u event.UUID, o tracker.ClaimOptions) (*tracker.Claim, error) {
	c, err := tracker.Standing(h.project(), u, h.Agent())
	if err != nil || c.Outcome == tracker.Held || c.Outcome == tracker.Closed || c.Outcome == tracker.Taken && !o.Queue {
		if c != nil {
			c.Already = true
		}
		return c, err
	}
	if _, err := h.Emit(ctx, tracker.EmitOptions{}, func(tracker.Projection) ([]event.Body, error) {
		return []event.Body{&event.LockClaimed{Issue: u, Branch: o.Branch, Wait: o.Queue}}, nil
	}); err != nil {
		return nil, err
	}
	return tracker.Standing(h.project(), u, h.Agent())
}

func (h *memoryHub) Fsck(context.Context, bool) (*tracker.FsckReport, error) { return &h.fsck, nil }

func (h *memoryHub) Refreshed() (bool, time.Time) {
	if h.status.Remote != "" && h.status.LastContact == nil {
		return false, time.Time{}
	}
	return true, h.now()
}

// bobs lets somebody else hold an issue's lock.
func (w *world) bobs(u event.UUID) {
	w.hub.locks.claim("bob", &event.LockClaimed{Issue: u, Branch: "fix"}, event.TimeOf(w.time), true)
}

func issueUUID(n int) event.UUID {
	return uuid.MustParse("0000" + string(rune('0'+n)) + "a00-0000-4000-8000-000000000000")
}

func TestLock(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "a")
	r := w.ok("lock", "1", "--branch", "fix/a")
	check(t, "stdout", r.out, "1\n")
	check(t, "stderr", r.err, "locked 1 'a' (token 1)\n")
	check(t, "branch", w.last()[0].(*event.LockClaimed).Branch, "fix/a")
	check(t, "again", w.ok("claim", "1").err, "you already hold the lock on 1 'a' (token 1)\n")
	check(t, "nothing was written for it", len(w.hub.emitted), 2)
	r = w.ok("lock", "check", "1")
	contains(t, "check", r.out, "locked by alice-laptop-abcd", "token 1, on branch fix/a", "'alice-laptop-abcd' last seen: 2 min ago", "last contact with the hub")
	check(t, "unlock", w.ok("unlock", "1").err, "unlocked 1 'a'\n")
	check(t, "unlock again", w.ok("release", "1").err, "1 'a' is not locked\n")
	check(t, "check of none", w.run("lock", "check", "1").code, frame.ExitNo)
	check(t, "locks", w.ok("locks").out, "")
}

func TestLockLost(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "a")
	w.bobs(issueUUID(1))
	r := w.run("lock", "1")
	check(t, "status", r.code, frame.ExitLost)
	check(t, "stdout", r.out, "")
	contains(t, "stderr", r.err, "error: issue 1 is locked by 'bob': token 1, claimed 1 min ago, last seen: never",
		"hint: wait in the queue: git crosslink lock --queue 1")
	d := w.json("lock", "1")
	var data struct{ Claims []answer.Claim }
	if err := json.Unmarshal(d.Data, &data); err != nil || len(data.Claims) != 1 || data.Claims[0].Outcome != "taken" ||
		data.Claims[0].Issue.Lock.Holder != "bob" || *data.Claims[0].Issue.Lock.Branch != "fix" {
		t.Errorf("%v %+v", err, data)
	}
	check(t, "check", w.run("lock", "check", "1").code, frame.ExitLost)
	r = w.run("unlock", "1")
	check(t, "unlock", r.code, frame.ExitLost)
	contains(t, "unlock", r.err, "you do not hold this lock")
	r = w.run("lock", "1", "--queue")
	check(t, "wait", r.code, frame.ExitUnconfirmed)
	contains(t, "wait", r.err, "error: waiting for the lock on issue 1: place 1, after 'bob'")
	check(t, "left", w.ok("unlock", "1").err, "left the queue for 1 'a'\n")
}

func TestLockClosed(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "a")
	w.ok("new", "b")
	w.ok("close", "1")
	r := w.run("lock", "1", "2")
	check(t, "status", r.code, frame.ExitNo)
	check(t, "the other one is held", r.out, "2\n")
	contains(t, "stderr", r.err, "locked 2 'b'", "error: issue 1 is closed and cannot be locked", "hint: to work on it again: git crosslink reopen 1")
	d := w.json("lock", "1")
	var data struct{ Claims []answer.Claim }
	if err := json.Unmarshal(d.Data, &data); err != nil || len(data.Claims) != 1 || data.Claims[0].Outcome != "closed" {
		t.Errorf("%v %+v", err, data)
	}
	// a claim that was granted after the issue was closed
	w.hub.locks.claim(w.hub.Agent(), &event.LockClaimed{Issue: issueUUID(1)}, event.TimeOf(w.time), true)
	r = w.run("lock", "check", "1")
	check(t, "check", r.code, frame.ExitNo)
	contains(t, "check", r.err, "issue 1 is closed")
	check(t, "it can be given back", w.ok("unlock", "1").err, "unlocked 1 'a'\n")
	w.bobs(issueUUID(1))
	contains(t, "reopen ends it", w.ok("reopen", "1").err, "ended the lock of 'bob' on 1")
	check(t, "and it is free", w.run("lock", "check", "1").code, frame.ExitNo)
}

func TestBreak(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "a")
	w.bobs(issueUUID(1))
	check(t, "without a reason", w.run("unlock", "--break", "1").code, frame.ExitUsage)
	check(t, "a reason without it", w.run("unlock", "--reason", "x", "1").code, frame.ExitUsage)
	w.hub.config = map[string]string{"crosslink.locktimeout": "99999999999"}
	r := w.ok("unlock", "--break", "--reason", "gone", "1")
	contains(t, "stderr", r.err, "broke the lock of 'bob' on 1 'a' (token 1)")
	b := w.last()[0].(*event.LockBroken)
	check(t, "event", []any{b.Token, b.Reason}, []any{1, "gone"})
	check(t, "list", w.ok("lock", "list").out, "")
}

func TestCloseEndsLocks(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "a")
	w.ok("new", "b")
	w.ok("new", "c")
	w.ok("lock", "1")
	w.bobs(issueUUID(2))
	r := w.ok("close", "1", "2", "--break", "--claim-next")
	check(t, "stdout", r.out, "1\n2\n3\n")
	contains(t, "stderr", r.err, "unlocked 1", "ended the lock of 'bob' on 2 (token 2)", "locked 3 'c'")
	check(t, "events", types(w.hub.emitted[4]), "StatusChanged LockReleased StatusChanged LockBroken")
	r = w.run("close", "3", "--claim-next")
	check(t, "nothing left", r.code, frame.ExitNo)
	check(t, "it is closed all the same", r.out, "3\n")
}

func TestReadyClaim(t *testing.T) {
	w := newWorld(t)
	check(t, "nothing", w.run("ready", "--claim").code, frame.ExitNo)
	w.ok("new", "a", "-p", "high")
	w.ok("new", "b")
	w.ok("new", "c", "--lock")
	w.bobs(issueUUID(1))
	check(t, "own first", w.ok("ready", "--claim").out, "3\n")
	w.ok("unlock", "3")
	check(t, "not what others have", w.ok("ready", "--claim").out, "2\n")
	check(t, "the same again", w.ok("ready", "--claim").out, "2\n")
	check(t, "ready", w.ok("ready", "-q").out, "2\n3\n")
	check(t, "locked by me", w.ok("list", "--locked-by", "@me", "-q").out, "2\n")
	check(t, "locked by bob", w.ok("list", "--locked-by", "bob", "--format", "%(id) %(lock) %(lock_token)").out, "1 bob 2\n")
}

func TestUnconfirmedClaim(t *testing.T) {
	w := newWorld(t)
	w.ok("new", "a")
	w.hub.undecided = true
	r := w.run("lock", "1")
	check(t, "status", r.code, frame.ExitUnconfirmed)
	contains(t, "stderr", r.err, "error: issue 1 is claimed, but the hub has not confirmed it yet")
	check(t, "check", w.run("lock", "check", "1").code, frame.ExitUnconfirmed)
	contains(t, "list", w.ok("list").out, "alice-laptop-abcd (unconfirmed)")
	contains(t, "show", w.ok("show", "1").out, "claimed by alice-laptop-abcd", "unconfirmed")
	check(t, "new --lock", w.run("new", "b", "--lock").code, frame.ExitUnconfirmed)
	check(t, "take back", w.ok("unlock", "1").err, "withdrew the claim on 1 'a'\n")
}

func TestFsck(t *testing.T) {
	w := newWorld(t)
	w.hub.fsck = tracker.FsckReport{Logs: 2, Events: 7, Sequence: 3}
	r := w.ok("fsck")
	check(t, "sound", r.out+r.err, "checked 2 logs, 7 events and 3 steps of the ledger\n")
	w.hub.fsck.Findings = []tracker.Finding{{Kind: "bad-step", Seq: 2, Step: "0123456789abcdef", Text: "result"}, {Kind: "rejected", Agent: "bob", Seq: 4, Text: "a\tb"}}
	r = w.run("fsck", "--full")
	check(t, "status", r.code, frame.ExitNo)
	check(t, "stdout", r.out, "bad-step\t\t2\t0123456789ab\tresult\nrejected\tbob\t4\t\ta\\tb\n")
	check(t, "-z", w.run("fsck", "-z").out, "bad-step\t\t2\t0123456789abcdef\tresult\x00rejected\tbob\t4\t\ta\\tb\x00")
	d := w.json("fsck")
	var doc answer.Fsck
	if err := json.Unmarshal(d.Data, &doc); err != nil || len(doc.Findings) != 2 || doc.Findings[0].Agent != nil || *doc.Findings[1].Seq != 4 {
		t.Errorf("%v %+v", err, doc)
	}
}
