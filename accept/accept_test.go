package accept_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/git-crosslink/git-crosslink/accept"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/memory"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/trust"
)

const (
	hub     = "11111111-1111-4111-8111-111111111111"
	another = "22222222-2222-4222-8222-222222222222"
	alices  = replay.Agents + "alice"
)

// replica is a replica in memory, and what reads it.
type replica struct {
	t     *testing.T
	local refs.Local
	reads *reading.Reader
}

func newReplica(t *testing.T) *replica {
	t.Helper()
	dir := t.TempDir()
	c, err := memory.NewClone(dir, refs.SHA1, &memory.Network{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	opened, _, err := c.OpenReplica(context.Background(), true)
	if err != nil {
		t.Fatal(err)
	}
	return &replica{t, opened.Local(), reading.New(reading.Options{
		Replica:  func() refs.Replica { return opened },
		Home:     dir,
		Presence: func(context.Context, map[string]refs.OID) reading.Presence { return reading.Presence{} },
		BadSteps: func([]ledger.Bad) {},
		Judged:   func(string, any) {},
	})}
}

func (r *replica) set(root, name string, tip refs.OID) {
	r.t.Helper()
	if tip == "" {
		return
	}
	if err := r.local.Swap(context.Background(), []refs.Update{{Ref: root + name, New: tip}}); err != nil {
		r.t.Fatal(err)
	}
}

// meta is the first meta commit of a hub that trusts everybody.
func (r *replica) meta(id string) refs.OID {
	r.t.Helper()
	files := trust.MetaFiles(&trust.Meta{Version: replay.FormatVersion, Hub: id, CreatedAt: 1, Signing: trust.Warn, Open: true, Seq: 1}, &trust.Signers{})
	return r.commit(files)
}

func (r *replica) commit(files map[string][]byte) refs.OID {
	r.t.Helper()
	tip, err := refs.WriteCommit(context.Background(), r.local, files, nil, refs.CommitInfo{Author: "alice", When: time.Unix(1, 0), Message: "x\n"})
	if err != nil {
		r.t.Fatal(err)
	}
	return tip
}

// log is a log of alice with an issue for each title.
func (r *replica) log(id string, titles ...string) refs.OID {
	r.t.Helper()
	chain := event.Chain{Hub: id, Agent: "alice"}
	var lines [][]byte
	for n, title := range titles {
		e := &event.Envelope{Body: &event.IssueCreated{UUID: uuid.NewSHA1(uuid.Nil, []byte(title)), Title: title, Priority: "medium", CreatedBy: "alice"}}
		line, err := chain.Stamp(e, event.Time(n+1), 0)
		if err != nil {
			r.t.Fatal(err)
		}
		lines = append(lines, bytes.Clone(line))
	}
	tip, err := refs.AppendLog(context.Background(), r.local, "alice", "", lines, refs.CommitInfo{Author: "alice", When: time.Unix(1, 0), Message: "x\n"})
	if err != nil {
		r.t.Fatal(err)
	}
	return tip
}

// TestJudge: which parts of a fetch are accepted, and what is reported about the rest.
func TestJudge(t *testing.T) {
	one, two, other := []string{"a"}, []string{"a", "b"}, []string{"a", "c"}
	for _, c := range []struct {
		name         string
		known, fresh []string // titles of alice's log
		meta         string   // of the fetch: the id of a hub; "" is none
		partly       bool
		extra        string // another branch that was fetched

		takes   []string // branches
		other   string
		problem string // "" is none
	}{
		{name: "first contact", fresh: two, meta: hub, takes: []string{alices, replay.MetaName}},
		{name: "a log goes on", known: one, fresh: two, meta: hub, takes: []string{alices}},
		{name: "nothing new", known: two, fresh: two, meta: hub},
		{name: "a log lacks lines", known: two, fresh: one, meta: hub, problem: "the hub's log of 'alice' was set back"},
		{name: "a log was rewritten", known: two, fresh: other, meta: hub, problem: "the hub's log of 'alice' was rewritten"},
		{name: "not all was fetched", known: two, fresh: one, meta: hub, partly: true},
		{name: "no meta, nothing known", fresh: two},
		{name: "another hub", known: one, fresh: two, meta: another, takes: []string{alices}, other: another, problem: "the remote has another tracker"},
		{name: "none of the tracker's", known: one, fresh: one, meta: hub, extra: "strange"},
		{name: "no agent's name", known: one, fresh: one, meta: hub, extra: replay.Agents + "No", problem: "the log 'No' is ignored"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, ctx := newReplica(t), context.Background()
			if c.known != nil {
				r.set(replay.HubRoot, replay.MetaName, r.meta(hub))
				r.set(replay.TrustedMeta, "", r.meta(hub))
				r.set(replay.HubRoot, alices, r.log(hub, c.known...))
			}
			if c.meta != "" {
				r.set(replay.IncomingRoot, replay.MetaName, r.meta(c.meta))
			}
			r.set(replay.IncomingRoot, alices, r.log(hub, c.fresh...))
			if c.extra != "" {
				r.set(replay.IncomingRoot, c.extra, r.commit(nil))
			}
			all, err := r.local.Refs(ctx, "refs/")
			if err != nil {
				t.Fatal(err)
			}
			f := accept.Fetch{Refs: all, Root: replay.IncomingRoot, Whole: !c.partly}
			if c.known != nil {
				f.Hub = hub
			}
			got, err := accept.Judge(ctx, r.reads, r.local, f)
			if err != nil {
				t.Fatal(err)
			}
			var takes []string
			for _, u := range got.Updates {
				if name, ok := strings.CutPrefix(u.Ref, replay.HubRoot); ok {
					takes = append(takes, name)
				}
			}
			if !slices.Equal(takes, c.takes) || got.Other != c.other {
				t.Errorf("takes %q of hub %q; want %q of %q", takes, got.Other, c.takes, c.other)
			}
			var says []string
			for _, p := range got.Problems {
				says = append(says, p.Text)
			}
			if text := strings.Join(says, "\n"); (text == "") != (c.problem == "") || !strings.Contains(text, c.problem) {
				t.Errorf("says %q; want %q", text, c.problem)
			}
			if after, err := r.local.Refs(ctx, "refs/"); err != nil || !slices.Equal(after, all) {
				t.Errorf("a ref has moved: %v %v", after, err)
			}
		})
	}
}
