package hubs

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/memory"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// linkTo is a link of a new clone to a hub in memory.
func linkTo(t *testing.T, h *memory.Hub) *Link {
	var net memory.Network
	net.Put("/srv/hub.git", h)
	conf := refs.Config{{Scope: "local", Key: "remote.origin.url", Value: "/srv/hub.git"}}
	dir := t.TempDir()
	clone, err := memory.NewClone(dir, refs.SHA1, &net, conf)
	if err != nil {
		t.Fatal(err)
	}
	replica, _, err := clone.OpenReplica(context.Background(), true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { replica.Close() })
	c := Open(filepath.Join(dir, "contact.json"), time.Now)
	hub, chosen := Choose(conf, c, false, dir)
	if chosen != nil {
		t.Fatal(chosen)
	}
	return &Link{Hub: hub, Contact: c, Replica: replica, Conf: conf, Silence: time.Minute, Now: time.Now, Pace: PaceOf(hub, filepath.Join(dir, "pace.json"), time.Now)}
}

func TestHasRoom(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		branches []string
		head     bool // the user has a commit
		want     fail.Code
	}{
		{[]string{"main"}, true, ""},
		{nil, true, "empty-remote"},
		{nil, false, "empty-remote/no-commit"},
		{[]string{"crosslink/agents/bob"}, true, "empty-remote"},
		{[]string{"main", "crosslink"}, true, "branch-in-the-way"},
		{[]string{"main", "crosslink/agents"}, true, "branch-in-the-way"},
		{[]string{"main", "crosslink/meta/x"}, true, "branch-in-the-way"},
		{[]string{"main", "crosslink/agents/alice/x"}, true, "branch-in-the-way"},
		{[]string{"main", "crosslink/agents/alice2"}, true, ""},
	} {
		h := memory.NewHub(refs.SHA1)
		id, err := refs.WriteCommit(context.Background(), h.Local, map[string][]byte{"a": []byte("a")}, nil, refs.CommitInfo{Author: "x", When: time.Now(), Message: "x\n"})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range c.branches {
			h.Put("refs/heads/"+b, id)
		}
		heads, err := linkTo(t, h).HasRoom(context.Background(), "alice", func(context.Context, string) bool { return c.head })
		e, refused := errors.AsType[*fail.Error](err)
		if refused && e.Code != c.want || !refused && (err != nil || c.want != "" || len(heads) != len(c.branches)) {
			t.Errorf("%q: %v, %v, want %q", c.branches, heads, err, c.want)
		}
	}
}

func TestToldRefusals(t *testing.T) {
	t.Parallel()
	kind := func(uint64) string { return " (comment)" }
	for _, c := range []struct {
		r     Refusal
		onHub uint64
		code  fail.Code
		text  string
	}{
		{Refusal{High: 9, Why: "no"}, 4, "refused/range", "one of the events 5 to 9"},
		{Refusal{Low: 8, High: 9, Why: "no"}, 4, "refused/event", "event 9 of 'alice' (comment): no"},
		{Refusal{High: 5, Why: "no"}, 4, "refused/event", "event 5"},
		{Refusal{High: 1, Why: "no"}, 0, "refused/log", "the log of 'alice'"},
		{Refusal{High: 5, Why: "no", About: abouts[syncer.AboutLog]}, 4, "refused/log", "the log of 'alice'"},
		{Refusal{Low: 8, High: 9, Why: "declined (error: refused 'x': rule 'clock', line 3: it is ahead)"}, 4, "refused/clock", "event 9"},
		{Refusal{High: 9, Why: "declined (error: refused 'x': rule 'clock', line 3: it is ahead)"}, 4, "refused/clock", "one of the events 5 to 9"},
		{Refusal{High: 5, Why: "cannot lock ref 'x': '/x.lock': File exists"}, 4, "refused/locked", "cannot change"},
	} {
		if n := c.r.Told("alice", c.onHub, kind); n.Code != c.code || !strings.Contains(n.Text, c.text) {
			t.Errorf("%+v: %+v", c.r, n)
		}
	}
}

// A sync that found nothing to do need not look again while nothing that it follows
// from has moved.
func TestIdleStamp(t *testing.T) {
	t.Parallel()
	l := linkTo(t, memory.NewHub(refs.SHA1))
	idle := map[string]refs.OID{"refs/incoming/meta": "1", "refs/hub/meta": "1", "refs/hub/agents/alice": "2", "refs/incoming/agents/alice": "2", "refs/heads/crosslink/agents/alice": "2"}
	stamp := l.IdleStamp(idle, "refs/lost/", "alice")
	if stamp == "" || stamp == l.IdleStamp(idle, "refs/lost/", "bob") {
		t.Errorf("%q", stamp)
	}
	for ref, want := range map[string]bool{ // whether the stamp stays as it is
		"refs/presence/x":                   true,
		"refs/lost/3":                       false,
		"refs/incoming/agents/bob":          false,
		"refs/hub/agents/bob":               false,
		"refs/heads/crosslink/agents/alice": false,
		"refs/heads/crosslink/meta":         false,
	} {
		was, known := idle[ref]
		idle[ref] = "3"
		if got := l.IdleStamp(idle, "refs/lost/", "alice"); (got == stamp) != want {
			t.Errorf("%s: %q, was %q", ref, got, stamp)
		}
		if delete(idle, ref); known {
			idle[ref] = was
		}
	}
	l.Contact.Refusals = map[string]Refusal{"agents/bob": {Tip: "3", At: time.Now()}}
	idle["refs/hub/agents/bob"] = "3"
	if l.IdleStamp(idle, "refs/lost/", "alice") == "" {
		t.Error("a log that the hub does not take back keeps every sync from its rest")
	}
}
