package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Which of the two tips of a log is shown. The rules are:
//   - the one with more lines, if the other is its beginning (by content, never by
//     ancestry);
//   - the hub's, where the one written here is for another hub id, or objects of it
//     are missing;
//   - the one written here, where what the hub has after the lines they share does
//     not count because it is not signed (Beyond);
//   - the one written here, where both hold lines of their own: nobody misses what
//     was acknowledged, and the log is marked (Diverged).

// choose decides which tip of a log is shown.
func (a *advance) choose(w *work, here, hub refs.OID) (err error) {
	c := &w.cur
	c.Here, c.Hub, c.View = here, hub, here
	c.Diverged, c.Beyond, c.Common, c.Foreign, c.Waiting, c.Torn = false, false, 0, false, 0, false
	switch {
	case here == "":
		c.View = hub
		return nil
	case here == hub:
		return nil
	case hub == "":
		c.Foreign, err = a.foreign(w.agent, here)
		return err
	}
	rel, err := refs.IsPrefix(a.ctx, a.local, w.agent, hub, here)
	switch {
	case errors.Is(err, refs.ErrMissing):
		c.View, c.Torn = hub, true
		return nil
	case err != nil:
		return err
	case rel == refs.Prefix || rel == refs.Equal:
		return nil
	}
	if c.Foreign, err = a.foreign(w.agent, here); err != nil {
		return err
	}
	if c.Foreign {
		c.View = hub
		c.Waiting, err = countGood(a.ctx, a.local, w.agent, here)
		return err
	}
	after, err := a.beyond(w.agent, here, hub)
	switch {
	case err != nil:
		return err
	case after > 0:
		c.Beyond, c.Common = true, after
	case rel == refs.Extends:
		c.View = hub
	default:
		c.Diverged = true
		c.Common, err = CommonLines(a.ctx, a.local, w.agent, here, hub)
	}
	return err
}

// plain reports whether the choice follows from the two tips alone.
func (c *Cursor) plain() bool {
	return !c.Torn && !c.Foreign && !c.Beyond && !c.Diverged && (c.Here == "" || c.View == c.Here)
}

// foreign reports whether a log's lines were written for another hub.
func (a *advance) foreign(id string, tip refs.OID) (bool, error) {
	if !a.next.Bound || a.next.Level != FormatVersion {
		return false, nil
	}
	first, err := FirstHub(a.ctx, a.local, id, tip)
	return first != "" && first != a.next.Hub, err
}

// beyond checks whether the hub's log has the first lines of the log written here, followed by
// lines that do not count because they lack a signature. It returns the number of those first
// lines; 0 in all other cases.
func (a *advance) beyond(id string, here, hub refs.OID) (after uint64, err error) {
	p, err := GoodPart(a.ctx, a.local, PartRequest{Hub: a.next.Hub, Agent: id, Tip: hub, Roll: a.roll(), Position: a.position(id)})
	if err != nil || !p.Trails {
		return 0, err
	}
	n, err := CommonLines(a.ctx, a.local, id, here, hub)
	if err != nil || n < p.Seq {
		return 0, err
	}
	return n, nil
}

// FirstHub returns the hub id in the first line of a log; "" if there is none.
func FirstHub(ctx context.Context, l refs.Local, id string, tip refs.OID) (hub string, err error) {
	_, err = refs.WalkLogs(ctx, l, []refs.LogRequest{{Agent: id, Tip: tip, From: 1}}, func(_ int, seq uint64, line []byte) bool {
		if seq == 0 {
			return true
		}
		if e, err := event.Decode(bytes.Clone(line)); err == nil {
			hub = e.Hub
		}
		return false
	})
	return hub, err
}

// countGood counts the good lines of a log, for whatever hub they were written.
func countGood(ctx context.Context, l refs.Local, id string, tip refs.OID) (uint64, error) {
	hub, err := FirstHub(ctx, l, id, tip)
	if err != nil || hub == "" {
		return 0, err
	}
	p, err := GoodPart(ctx, l, PartRequest{Hub: hub, Agent: id, Tip: tip})
	return p.Seq, err
}

func goodLines(ctx context.Context, l refs.Local, chain event.Chain, tip refs.OID, each func(e *event.Envelope) bool) error {
	if tip == "" {
		return nil
	}
	_, err := refs.WalkLogs(ctx, l, []refs.LogRequest{{Agent: chain.Agent, Tip: tip, From: chain.Seq + 1}}, func(_ int, seq uint64, line []byte) bool {
		if seq == 0 || seq <= chain.Seq {
			return true
		}
		e, err := chain.Next(bytes.Clone(line))
		return err == nil && each(e)
	})
	return err
}

// LineAt returns one line of a tip; nil if there is none.
func LineAt(ctx context.Context, l refs.Local, agent string, tip refs.OID, seq uint64) ([]byte, error) {
	if tip == "" || seq == 0 {
		return nil, nil
	}
	return lineAt(ctx, l, agent, tip, seq)
}

// commonChunk is how many lines of two logs are compared at a time.
const commonChunk = 1024

// CommonLines counts the valid lines that two tips of a log have in common, even if they
// were written for different hubs.
func CommonLines(ctx context.Context, l refs.Local, id string, a, b refs.OID) (uint64, error) {
	hub, err := FirstHub(ctx, l, id, a)
	if err != nil || hub == "" {
		return 0, err
	}
	chain := event.Chain{Hub: hub, Agent: id}
	for {
		var lines [2][][]byte
		for i, tip := range []refs.OID{a, b} {
			_, err := refs.WalkLogs(ctx, l, []refs.LogRequest{{Agent: id, Tip: tip, From: chain.Seq + 1}}, func(_ int, seq uint64, line []byte) bool {
				if seq > chain.Seq {
					lines[i] = append(lines[i], bytes.Clone(line))
				}
				return len(lines[i]) < commonChunk
			})
			if err != nil {
				return 0, err
			}
		}
		for n, line := range lines[0] {
			if n >= len(lines[1]) || !bytes.Equal(line, lines[1][n]) {
				return chain.Seq, nil
			}
			if _, err := chain.Next(line); err != nil {
				return chain.Seq, nil
			}
		}
		if len(lines[0]) < commonChunk {
			return chain.Seq, nil
		}
	}
}

// PartRequest asks for the valid beginning of a tip.
type PartRequest struct {
	Hub, Agent string
	Tip        refs.OID
	Roll       *trust.State    // nil: nothing is judged
	Position   ledger.Position // how far the ledger covers the log
	At         uint64          // a line of which the hash is wanted
}

// Part is the valid beginning of a log. In a log that was signed, it has only lines that
// are covered by a signature.
type Part struct {
	event.Chain
	Ended  string // why it stops before its end; "" if it does not
	Newer  bool   // it stops at a line that a newer program wrote
	Trails bool   // it stops where it is not continued signed
	At     string // hash of the line asked for; "" if that is not in the part
}

// GoodPart reads the valid beginning of a tip.
func GoodPart(ctx context.Context, l refs.Local, r PartRequest) (Part, error) {
	w := &work{agent: r.Agent, hub: r.Hub, position: r.Position, at: map[uint64]string{r.At: ""}}
	w.cur.View = r.Tip
	var judge *trust.Log
	if r.Roll != nil {
		judge = r.Roll.Log(r.Agent, trust.LogOptions{})
	}
	w.begin(judge)
	if err := walkAll(ctx, l, []*work{w}); err != nil {
		return Part{}, err
	}
	c := &w.cur
	p := Part{Chain: event.Chain{Hub: r.Hub, Agent: r.Agent, Seq: c.Seq, Hash: c.Hash, Time: c.Time}, Ended: c.Ended, Newer: w.newer, At: w.at[r.At]}
	if judge == nil {
		return p, nil
	}
	v := judge.Verdict()
	if !v.Trails() {
		return p, nil
	}
	line, err := lineAt(ctx, l, r.Agent, r.Tip, v.Kept())
	if err != nil {
		return p, err
	}
	last, err := event.Decode(line)
	if err != nil {
		return p, fmt.Errorf("read event %d of '%s' again: %w", v.Kept(), r.Agent, err)
	}
	p.Seq, p.Hash, p.Time, p.Newer, p.Trails = last.Seq, event.Hash(last.Raw), last.Time, false, true
	if p.Ended = fmt.Sprintf("event %d is not signed", p.Seq+1); r.At > p.Seq {
		p.At = ""
	}
	return p, nil
}
