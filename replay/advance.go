package replay

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// One read. The rules are:
//   - a log is read from the cursor that the read before left, if the lines before
//     that are a beginning of those in view now, and nothing new is said of them;
//   - else that log is read from its first line, and no other;
//   - what counts follows from the meta, the lines in view, the proofs of forks in
//     all logs, and what the ledger covers. Where one of these changed, and no line
//     did, the verdict is made again from the cursor;
//   - a settled log whose tip, meta and covered lines are those of before is not looked at;
//   - another hub, another base or another format version is a read from nothing.
//
// So a read that resumes and one from nothing give the same State.

// advance is one read.
type advance struct {
	*Reader
	ctx        context.Context
	from, next *State
	view       *ledger.View // of next, once it is needed
	moved      bool         // the ledger is another than that of from
	branched   bool         // and does not continue it
	sameMeta   bool         // the meta is that of from
	proofs     map[string][]*trust.Proof
	work       map[string]*work
	held       held
}

// Advance reads the refs from where a State ended; the zero State is the beginning. It
// returns the next State and what has changed. The error ErrLegacy means that the hub has
// an older format version.
func (r *Reader) Advance(ctx context.Context, from *State, now map[string]refs.OID) (*State, *delta.Delta, error) {
	a := &advance{Reader: r, ctx: ctx, from: from, work: map[string]*work{}, held: held{read: &r.lines}}
	a.next = &State{Refs: make(map[string]refs.OID, len(now))}
	for name, oid := range now {
		if Relevant(name) {
			a.next.Refs[name] = oid
		}
	}
	a.next.stamp = Stamp(now)
	if err := a.readMeta(); err != nil {
		return nil, nil, err
	}
	if from.Hub != a.next.Hub || from.Bound != a.next.Bound || from.Level != a.next.Level {
		a.from = &State{}
	}
	if err := a.readLedger(); err != nil {
		return nil, nil, err
	}
	if a.from.Ledger.Base != a.next.Ledger.Base {
		a.from, a.branched = &State{}, false
	}
	a.proofs = a.from.Proofs()
	a.sameMeta = a.from.Logs != nil && a.from.MetaCommit == a.next.MetaCommit
	if err := a.readLogs(); err != nil {
		return nil, nil, err
	}
	for _, w := range a.work {
		a.next.Logs.set(w.agent, &w.cur)
	}
	a.next.Newest = max(a.next.Ledger.BaseTime, a.next.Logs.newest())
	d, err := a.delta()
	return a.next, d, err
}

// roll is who may write, where lines can be judged by it.
func (a *advance) roll() *trust.State {
	if !a.next.judges() {
		return nil
	}
	return a.next.Roll
}

// readLogs reads what is new in all logs, and judges it.
func (a *advance) readLogs() error {
	ids := map[string]bool{}
	a.next.Logs = newLogs(0)
	if was := a.from.Logs; was != nil {
		a.next.Logs = newLogs(len(was.settled))
		a.next.Logs.read = was.read
	}
	for name := range a.next.Refs {
		id, here, isLog := logRef(name)
		switch {
		case !isLog:
		case !here && a.unmoved(id):
			a.next.Logs.keep(id, a.from.Logs)
		default:
			ids[id] = true
		}
	}
	var read []*work
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		w, err := a.start(id)
		if err != nil {
			return fmt.Errorf("compare the two tips of '%s': %w", id, err)
		}
		if a.work[id] = w; w.read {
			read = append(read, w)
		}
	}
	if err := walkAll(a.ctx, a.local, read); err != nil {
		return err
	}
	if err := a.readProven(); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(a.work)) {
		if err := a.finish(a.work[id]); err != nil {
			return err
		}
	}
	return nil
}

// readProven reads the logs again of which a proof is known now that was not, or
// the reverse.
func (a *advance) readProven() error {
	was := a.proofs
	a.proofs = map[string][]*trust.Proof{}
	for _, id := range slices.Sorted(maps.Keys(a.work)) {
		for _, x := range a.work[id].cur.Proofs {
			if p, err := trust.NewProof([]byte(x.A), []byte(x.B)); err == nil {
				a.proofs[p.Agent] = append(a.proofs[p.Agent], p)
			}
		}
	}
	var again []*work
	ids := slices.Collect(maps.Keys(was))
	for id := range a.proofs {
		if was[id] == nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		if a.roll() == nil || a.roll().Inputs(id, was[id]) == a.roll().Inputs(id, a.proofs[id]) {
			continue
		}
		if a.next.Logs.has(id) { // settled so far
			w, err := a.start(id)
			if err != nil {
				return err
			}
			a.next.Logs.drop(id)
			a.work[id] = w
		}
		if w := a.work[id]; w != nil {
			a.begin(w)
			again = append(again, w)
		}
	}
	return walkAll(a.ctx, a.local, again)
}

// unmoved reports whether a log is settled and nothing that its cursor follows from has
// changed.
func (a *advance) unmoved(id string) bool {
	if !a.sameMeta || a.branched || a.from.Logs == nil {
		return false
	}
	was, settled := a.from.Logs.settled[id]
	hub, _ := HubTip(a.next.Refs, id)
	return settled && was.hub == hub && a.next.Refs[HereRoot+Agents+id] == "" && (!a.moved || a.position(id).Seq == was.seq)
}

// begin prepares w to read its log from the first line.
func (a *advance) begin(w *work) {
	if w.position.Seq > 0 && w.position.Hash == "" {
		w.position = a.position(w.agent)
	}
	var judge *trust.Log
	if r := a.roll(); r != nil {
		judge = r.Log(w.agent, trust.LogOptions{Proofs: a.proofs[w.agent]})
	}
	w.begin(judge)
}

// start finds what of a log is to be read.
func (a *advance) start(id string) (*work, error) {
	old, err := a.from.Logs.get(id)
	if err != nil {
		return nil, err
	}
	w := &work{agent: id, old: old, hub: a.next.Hub, held: &a.held}
	here := a.next.Refs[HereRoot+Agents+id]
	hub, _ := HubTip(a.next.Refs, id)
	if w.old != nil {
		w.cur = *w.old
	}
	if a.moved || w.old == nil {
		w.position = a.position(id)
	} else {
		w.position = ledger.Position{Seq: w.old.Position}
	}
	w.cur.Position = w.position.Seq
	sameTips := w.old != nil && w.old.Here == here && w.old.Hub == hub && !w.old.Missing
	samePosition := w.old != nil && w.old.Position == w.position.Seq && (!a.branched || w.position.Seq == 0)
	if !sameTips || !w.old.plain() && !(a.sameMeta && samePosition && !w.old.Torn) {
		if err := a.choose(w, here, hub); err != nil {
			return nil, err
		}
	}
	if w.old == nil || w.position.Seq < w.old.Position {
		a.begin(w)
		return w, nil
	}
	grown, err := a.continues(w)
	if err != nil {
		return nil, err
	}
	if !grown {
		a.begin(w)
		return w, nil
	}
	w.same = true
	if w.old.View == w.cur.View && a.sameMeta && samePosition {
		return w, nil // nothing to judge
	}
	if !samePosition {
		if err := a.cover(w); err != nil {
			return nil, err
		}
	}
	a.resume(w)
	return w, nil
}

// continues reports whether the lines in view begin with those that were read.
func (a *advance) continues(w *work) (bool, error) {
	switch {
	case w.old.View == w.cur.View:
		return !w.old.Missing && w.old.Foreign == w.cur.Foreign, nil
	case w.old.Ended != "" || w.old.Missing || w.old.Foreign || w.cur.Foreign || w.old.View == "":
		return false, nil
	}
	rel, err := refs.IsPrefix(a.ctx, a.local, w.agent, w.old.View, w.cur.View)
	if errors.Is(err, refs.ErrMissing) {
		return false, nil
	}
	return rel == refs.Prefix || rel == refs.Equal, err
}

// cover finds how far the ledger covers what was read of a log.
func (a *advance) cover(w *work) error {
	c := &w.cur
	c.decidedTo(w.position.Seq)
	c.Covered = 0
	switch {
	case w.position.Seq == 0 || w.position.Seq > c.Seq:
	case w.position.Seq == c.Seq:
		if w.position.Hash == c.Hash {
			c.Covered = c.Seq
		}
	default:
		line, err := lineAt(a.ctx, a.local, w.agent, c.View, w.position.Seq)
		if err != nil {
			return err
		}
		if line != nil && event.Hash(line) == w.position.Hash {
			c.Covered = w.position.Seq
		}
	}
	return nil
}

// resume has a log read from its cursor on, if the verdict can be resumed there.
func (a *advance) resume(w *work) {
	c := &w.cur
	if w.position.Seq > c.Seq && w.position.Hash == "" {
		w.position = a.position(w.agent) // lines to come may reach it
	}
	if r := a.roll(); r != nil {
		at, ok := w.old.checkpoint()
		if ok {
			w.judge, ok = r.Resume(w.agent, at, trust.LogOptions{Covered: c.Covered, Proofs: a.proofs[w.agent]})
		}
		if !ok {
			a.begin(w)
			return
		}
	}
	w.from, w.read = c.Seq, w.old.View != c.View
	c.Undecided, c.Proofs = slices.Clip(c.Undecided), slices.Clip(c.Proofs)
}

// finish fills in what follows from the lines of a log.
func (a *advance) finish(w *work) (err error) {
	c := &w.cur
	switch {
	case c.Hub == "":
		c.HubSeq = 0
	case c.Beyond:
		c.HubSeq = c.Common
	case c.Hub == c.View:
		c.HubSeq = c.Seq
	case w.old == nil || w.old.Hub != c.Hub || w.old.View == w.old.Hub || w.old.Beyond:
		if c.HubSeq, err = lastSeq(a.ctx, a.local, w.agent, c.Hub); err != nil {
			return err
		}
	}
	if w.judge == nil && a.roll() != nil && w.old != nil {
		return nil // no new marks for it
	}
	counted, rules := c.Seq, []trust.Mark(nil)
	if w.judge != nil {
		v := w.judge.Verdict()
		counted, rules = v.Fed, v.Marks()
		c.Trails = v.Trails()
		c.setVerdict(w.judge, v)
	}
	w.marks, c.Marks = rules, stampMarks(rules)
	switch {
	case counted == c.Seq:
		c.Newest = c.Time
	case counted == 0:
		c.Newest = 0
	case w.same && w.old != nil && w.old.Counted == counted:
		c.Newest = w.old.Newest
	default:
		line, err := lineAt(a.ctx, a.local, w.agent, c.View, counted)
		if err != nil {
			return err
		}
		e, err := event.Decode(line)
		if err != nil {
			return fmt.Errorf("read event %d of '%s' again: %w", counted, w.agent, err)
		}
		c.Newest = e.Time
	}
	c.Counted = counted
	return nil
}

// stampMarks returns a stamp of the marks of a log's signatures.
func stampMarks(marks []trust.Mark) string {
	if len(marks) == 0 {
		return ""
	}
	h := sha256.New()
	for _, m := range marks {
		fmt.Fprintf(h, "%d %s\n", m.From, m.Rule)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:9])
}
