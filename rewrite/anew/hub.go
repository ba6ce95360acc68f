package anew

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/rewrite"
	"github.com/git-crosslink/git-crosslink/trust"
	"github.com/git-crosslink/git-crosslink/trust/keys"
)

// Hub is a hub as a clone knows it. The rules of writing it again are
// (docs/decisions/0017-a-detached-fork-is-written-again.md):
//
//   - every line is written again under the new id: same events, times, sequence
//     and author; signatures end, as with lines written before there was a hub;
//   - the ledger is decided again, step by step, from the same lines: what comes
//     out is compared, and unless every number and lock is what it was nothing
//     is written;
//   - meta begins again and says where it comes from (trust.Origin), then what
//     the old one said of who may write (meta.go);
//   - the logs go forward from the old ones; meta and ledger have to be replaced,
//     for their first commits have no past.
type Hub struct {
	ID    string
	Meta  refs.OID     // its last meta commit
	State *trust.State // what that says; nil if it says nothing that can be judged
	Steps ledger.View  // the last step that is believed
	Reads *ledger.Reader
	Logs  map[string]Log
}

// Log is one agent's log on the hub.
type Log struct {
	Tip     refs.OID // on the hub
	Lines   uint64
	Verdict *trust.Verdict // nil: all lines count
	Read    func(context.Context) ([]*event.Envelope, error)
}

// Writer is the agent that writes the log again.
type Writer struct {
	Local   refs.Local
	Agent   string // whose the new hub is
	Address string // of its commits
	Now     time.Time
	Admin   func(*trust.State) (keys.Signer, error) // the key that signs the meta after a state
}

// Written is the hub that was written.
type Written struct {
	Hub          string              // its id
	Refs         map[string]refs.OID // its branches, by name below crosslink/
	State        *trust.State
	Logs, Events int
}

// Write writes the hub again. founding are the files of the first meta commit of a
// new hub.
func (w Writer) Write(ctx context.Context, was Hub, founding map[string][]byte) (*Written, error) {
	first, err := trust.FirstMeta(founding)
	if err != nil {
		return nil, fmt.Errorf("make the hub's meta: %w", err)
	}
	meta, first, err := w.begin(ctx, was, first, founding)
	if err != nil {
		return nil, err
	}
	r := &run{Writer: w, was: was, hub: first.Meta.Hub, tips: map[string]refs.OID{}, chains: map[string]event.Chain{}, hashes: map[string]hashes{}}
	n := &Written{Hub: r.hub, Refs: map[string]refs.OID{replay.MetaName: meta}}
	step, err := r.ledger(ctx, meta)
	if err != nil {
		return nil, err
	}
	if step != "" {
		n.Refs[replay.LedgerName] = step
	}
	for _, id := range slices.Sorted(maps.Keys(was.Logs)) {
		l := was.Logs[id]
		tip, err := r.upTo(ctx, id, l.Lines)
		if err != nil {
			return nil, err
		}
		if tip == "" {
			continue
		}
		// forward from the old log, which so stays to be found
		tip, err = refs.Recommit(ctx, w.Local, tip, []refs.OID{l.Tip, tip}, w.commit(id, w.Now, "%s detached to hub %s", id, r.hub))
		if err != nil {
			return nil, err
		}
		n.Refs[replay.Agents+id] = tip
		n.Logs, n.Events = n.Logs+1, n.Events+int(l.Lines)
	}
	second, state, err := r.takeOver(ctx, meta, first)
	if err != nil {
		return nil, err
	}
	if n.State = state; second != "" {
		n.Refs[replay.MetaName] = second
	}
	return n, nil
}

func (w Writer) commit(author string, when time.Time, format string, args ...any) refs.CommitInfo {
	return refs.CommitInfo{Address: w.Address, Author: author, When: when, Message: "crosslink: " + fmt.Sprintf(format, args...) + "\n\n[skip ci]\n"}
}

// run writes logs again, as far as each step of the ledger needs them.
type run struct {
	Writer
	was    Hub
	hub    string
	tips   map[string]refs.OID
	chains map[string]event.Chain
	hashes map[string]hashes
}

// hashes are those of the lines of a log that was written again.
type hashes []string

// upTo writes the log of an agent up to a sequence and returns its tip.
func (r *run) upTo(ctx context.Context, id string, seq uint64) (refs.OID, error) {
	l, here := r.was.Logs[id]
	c := r.chains[id]
	c.Hub, c.Agent = r.hub, id
	if !here || seq > l.Lines {
		return "", notHere(id, seq)
	}
	if c.Seq >= seq {
		return r.tips[id], nil
	}
	all, err := l.Read(ctx)
	if err != nil || uint64(len(all)) < seq {
		return "", cmp.Or(err, notHere(id, seq))
	}
	c, lines, err := rewrite.Lines(all[c.Seq:seq], rewrite.Plan{On: c, KeepKeys: true})
	if err != nil {
		return "", err
	}
	r.chains[id] = c
	for _, line := range lines {
		r.hashes[id] = append(r.hashes[id], event.Hash(line))
	}
	r.tips[id], err = refs.AppendLog(ctx, r.Local, id, r.tips[id], lines, r.commit(id, c.Time.Std(), "%s up to %d for hub %s", id, seq, r.hub))
	return r.tips[id], err
}

func notHere(id string, seq uint64) error {
	return fmt.Errorf("the log of '%s' is not here up to event %d", id, seq)
}

// refuse says why a hub cannot be written again.
func refuse(why string) error {
	return &fail.Error{Kind: fail.Fatal, Code: "cannot-detach", Message: "the ledger cannot be written again under another id: " + why + "; nothing was detached"}
}
