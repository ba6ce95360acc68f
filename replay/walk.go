package replay

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// maxHeld bounds the bytes of lines that a read keeps in memory so that they need
// not be read again when they are handed on. Decoded they take three times that.
const maxHeld = 4 << 20

// held counts the lines of one read.
type held struct {
	n    atomic.Int64  // bytes kept in memory
	read *atomic.Int64 // in all; may be nil
}

// work is the state of reading one log, once, from its first line or from where an earlier
// read ended.
type work struct {
	agent    string
	old      *Cursor // of the read before; nil: none
	cur      Cursor
	hub      string // whose lines they are
	position ledger.Position

	judge *trust.Log // nil: every line counts
	read  bool       // lines after from are to be read
	from  uint64     // the last line that is known
	same  bool       // the lines of old are a beginning of these, or the reverse

	held   *held
	lines  []*event.Envelope // those after from, unless they were too many
	tooFew bool              // not all of them are held
	newer  bool              // it ended at a line that a newer program wrote
	at     map[uint64]string // hashes of lines that were asked for
	marks  []trust.Mark      // about signatures, if the log was judged
}

// begin makes the log one that is read from its first line.
func (w *work) begin(judge *trust.Log) {
	c := &w.cur
	c.Seq, c.Hash, c.Time, c.Shown, c.Covered, c.Ended, c.Missing = 0, "", 0, 0, 0, "", false
	c.Undecided, c.Proofs = nil, nil
	w.judge, w.read, w.from, w.same = judge, true, 0, w.old == nil || w.old.Seq == 0
	w.lines, w.tooFew = nil, false
}

// take decodes the next line and reports whether more are wanted.
func (w *work) take(line []byte) bool {
	if w.held != nil && w.held.read != nil {
		w.held.read.Add(1)
	}
	c := &w.cur
	chain := event.Chain{Hub: w.hub, Agent: w.agent, Seq: c.Seq, Hash: c.Hash, Time: c.Time}
	e, err := chain.Next(line)
	if err != nil {
		c.Ended, w.newer = err.Error(), IsNewer(err)
		return false
	}
	c.Seq, c.Hash, c.Time, c.Shown = chain.Seq, chain.Hash, chain.Time, e.Shown()
	if w.judge != nil {
		w.judge.Feed(e)
	}
	if c.Seq == w.position.Seq && c.Hash == w.position.Hash {
		w.cover()
	}
	if w.old != nil && c.Seq == w.old.Seq && c.Hash == w.old.Hash {
		w.same = true
	}
	if _, ask := w.at[c.Seq]; ask {
		w.at[c.Seq] = c.Hash
	}
	if c.Seq > w.position.Seq && ledger.Decides(e) {
		c.noteUndecided(e)
	}
	if _, ok := e.Body.(*event.AgentForked); ok {
		if p := trust.ProofIn(e); p != nil {
			c.Proofs = append(c.Proofs, Proof{e.Seq, string(p.A.Raw), string(p.B.Raw)})
		}
	}
	if w.held == nil || w.tooFew || w.held.n.Add(int64(len(line))) > maxHeld {
		w.lines, w.tooFew = nil, true
		return true
	}
	w.lines = append(w.lines, e)
	return true
}

// cover notes that the ledger covers the lines so far.
func (w *work) cover() {
	if w.cur.Covered = w.cur.Seq; w.judge != nil {
		w.judge.Cover()
	}
}

// walkAll reads logs, each from where it is, several at a time.
func walkAll(ctx context.Context, l refs.Local, all []*work) error {
	if len(all) == 0 {
		return nil
	}
	want := make([]refs.LogRequest, len(all))
	for i, w := range all {
		want[i] = refs.LogRequest{Agent: w.agent, Tip: w.cur.View, From: w.from + 1}
	}
	d := newDecoding(all)
	got, err := refs.WalkLogs(ctx, l, want, func(i int, seq uint64, line []byte) bool {
		if seq <= all[i].from {
			return true // of a level-3 file, or before those that are new
		}
		return d.add(i, line)
	})
	d.end()
	if err != nil {
		return fmt.Errorf("read the logs: %w", err)
	}
	for i, w := range all {
		c := &w.cur
		if c.Ended == "" {
			c.Ended = got[i].Bad
		}
		c.Missing = got[i].Missing || got[i].Unreadable
		if c.Foreign && c.Hub == "" {
			c.Ended = ""
		}
	}
	return nil
}

// lastSeq is the sequence of the last line of a tip, 0 if there is none.
func lastSeq(ctx context.Context, l refs.Local, agent string, tip refs.OID) (last uint64, err error) {
	_, err = refs.WalkLogs(ctx, l, []refs.LogRequest{{Agent: agent, Tip: tip, From: math.MaxUint64}}, func(_ int, seq uint64, _ []byte) bool {
		last = max(last, seq)
		return true
	})
	return last, err
}

// lineAt is one line of a tip, nil if there is none.
func lineAt(ctx context.Context, l refs.Local, agent string, tip refs.OID, at uint64) (line []byte, err error) {
	_, err = refs.WalkLogs(ctx, l, []refs.LogRequest{{Agent: agent, Tip: tip, From: at}}, func(_ int, seq uint64, b []byte) bool {
		if seq == at {
			line = append([]byte{}, b...)
		}
		return seq < at
	})
	return line, err
}

// IsNewer reports whether a line could not be read because a newer program wrote it. Such
// a line belongs to the log: it is kept and never replaced.
func IsNewer(err error) bool {
	var le *event.LineError
	return errors.As(err, &le) && le.Reason == event.Newer
}
