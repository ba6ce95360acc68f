package tracker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/internal/note"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// What is in refs/hub has been seen on the hub and judged; a step built here is
// only an object until then.

// undecidedFor is how long a fact may lie undecided on the hub before
// anybody's sync decides it, counted from when this clone first saw it; up to
// hubs.Jitter more, so that not all do it at once.
const (
	undecidedFor = 30 * time.Second
)

// decided is the ledger as this replica has judged it.
type decided struct {
	reader *ledger.Reader
	metas  *replay.MetaChain
	view   ledger.View
	tip    refs.OID // ref it was read from
	lost   []refs.OID
	bad    []ledger.Bad // steps that are not believed
	err    error        // why it could not be judged: then nothing is shown as decided, and nothing decided
}

// judged is the note that lets the next command judge only what is new.
type judged struct {
	Hub   string `json:"hub"`
	Tip   string `json:"tip"`
	Step  string `json:"step"`
	Since uint64 `json:"since"`
	// Bad are the steps below Tip that are not believed, the newest replay.MaxBad.
	Bad []ledger.Bad `json:"bad,omitempty"`
}

// stepFiles caches files of the ledger's last step beside the replica.
func (t *Tracker) stepFiles() *replay.StepFiles {
	path := filepath.Join(t.outer.CommonDir, "crosslink", "ledger.files")
	return &replay.StepFiles{Format: t.local().Format(),
		Load: func() []byte {
			b, err := statefile.Read(path, replay.MaxStep)
			if err != nil {
				return nil
			}
			return b
		},
		Save: func(b []byte) { _ = statefile.Write(path, b) }, // not kept, it costs the next command time
	}
}

func (t *Tracker) judgedPath() string {
	return filepath.Join(t.outer.CommonDir, "crosslink", "judged.json")
}

// judgeOf returns what reads what was decided, for a snapshot that asks.
func (t *Tracker) judgeOf(ctx context.Context) func(*snapshot) decided {
	return func(s *snapshot) decided {
		d := decided{view: ledger.View{Ledger: ledger.Empty(s.hubID())}}
		state := &replay.State{Hub: s.hubID(), Roll: s.roll, MetaCommit: s.metaCommit}
		if s.read != nil && s.read.Hub == state.Hub {
			state = s.read
		}
		d.reader, d.metas = t.reader().Judge(ctx, state)
		d.tip, d.lost, d.bad, d.err = state.Ledger.Ref, state.Lost(), state.Ledger.Bad, state.Ledger.Err
		if d.err == nil || s.newerRules() { // what is known to be decided; locks show nothing of it
			view, err := t.reader().View(ctx, state)
			if d.err == nil {
				d.err = err
			}
			d.view = view
		}
		return d
	}
}

// judgedBefore is what an earlier command has judged. A note that is missing or
// wrong only means that the chain is judged from its root again.
func (t *Tracker) judgedBefore(hubID string) replay.LedgerState {
	var j judged
	if note.Read(t.judgedPath(), maxJudged, &j) != nil || j.Hub != hubID || !t.isCommit(j.Tip) || j.Step != "" && !t.isCommit(j.Step) {
		return replay.LedgerState{}
	}
	t.judged = j.Tip
	return replay.LedgerState{Tip: j.Tip, Step: j.Step, Since: j.Since, Bad: j.Bad}
}

func (t *Tracker) isCommit(id string) bool { return t.local().Format().Valid(refs.OID(id)) }

// noteJudged keeps what was judged of the ledger, and tells of steps that are not
// believed.
func (t *Tracker) noteJudged(was, s *replay.State) {
	if bad := t.reader().NewBad(); len(bad) > 0 {
		b := bad[len(bad)-1]
		t.tellOnce(fail.Notice{Code: "bad-step", Text: fmt.Sprintf("%s not believed (the last: %s, %s); decisions go on over them", badSteps(len(bad)), b.ID[:min(12, len(b.ID))], b.Reason)})
	}
	if l := &s.Ledger; l.Err == nil && l.Tip != "" && l.Tip != t.judged && l.Tip != was.Ledger.Tip {
		t.judged = l.Tip
		t.keepCache(t.judgedPath(), judged{s.Hub, l.Tip, l.Step, l.Since, l.Bad})
	}
}

// tips are the logs a step may cover: what the hub was seen to have, or gets
// in the same push.
func (s *snapshot) tips(push refs.Push) map[string]string {
	going := map[string]refs.OID{}
	for _, r := range push.Refs {
		going[r.Dst] = r.Src
	}
	tips := map[string]string{}
	for id, l := range s.logs {
		if l.verdict != nil && l.verdict.Forked {
			continue // what is covered of it stays, nothing is added
		}
		tip, seq := l.hub, l.hubSeq
		if src, ok := going[headRoot+agentLogs+id]; ok {
			tip, seq = src, l.chain.Seq
		}
		if tip != "" && seq > s.position(l) {
			tips[id] = string(tip)
		}
	}
	return tips
}

// draft makes the next step over the tips; nil if there is nothing to decide.
func (t *Tracker) draft(ctx context.Context, s *snapshot, meta refs.OID, tips map[string]string) (*ledger.Draft, error) {
	awaited := s.awaited(tips)
	if meta == "" || !s.lostSteps() && !awaited {
		return nil, nil
	}
	d := s.ledger()
	if d.err != nil {
		return nil, nil
	}
	plan := ledger.Plan{On: d.view, Meta: string(meta), By: t.author(s), At: event.TimeOf(t.now()), Logs: tips, UpTo: s.countedUpTo(tips)}
	if base := d.view.Ledger.Meta; base != "" {
		// a step may have been decided under a meta that is not on its branch:
		// others go on under that, or one such step would stop everybody
		onBranch, err := d.metas.Descends(refs.OID(base), meta)
		if err != nil {
			return nil, err
		}
		if !onBranch {
			plan.Meta = base
		}
	}
	for _, lost := range d.lost {
		held, err := d.reader.Holds(d.view.Tip, string(lost))
		if err != nil {
			return nil, err
		}
		if !held {
			plan.Lost = string(lost)
			break
		}
	}
	if plan.Lost == "" && !awaited {
		return nil, nil
	}
	if plan.On.Tip == "" {
		root, err := t.root(ctx, s)
		if err != nil {
			return nil, err
		}
		if plan.On, err = d.reader.Read(string(root)); err != nil {
			return nil, err
		}
	}
	return d.reader.Next(plan)
}

// awaited reports whether one of the logs may have a line that a step answers. Of
// one that diverged the hub has other lines than are in view.
func (s *snapshot) awaited(tips map[string]string) bool {
	for id := range tips {
		if l := s.logs[id]; l.diverged || len(l.open) > 0 {
			return true
		}
	}
	return false
}

// decide writes the next step over the tips; "" if there is nothing to decide.
// No ref moves.
func (t *Tracker) decide(ctx context.Context, s *snapshot, meta refs.OID, tips map[string]string) (refs.OID, error) {
	draft, err := t.draft(ctx, s, meta, tips)
	if err != nil || draft == nil {
		return "", err
	}
	if err := t.signStep(ctx, s, draft.Ledger); err != nil {
		return "", err
	}
	var parents []refs.OID
	for _, p := range draft.Parents {
		parents = append(parents, refs.OID(p))
	}
	return refs.WriteChanges(ctx, t.local(), refs.OID(draft.On.Step), draft.Files(), parents, refs.CommitInfo{
		Address: t.committer(), Author: t.author(s), When: t.now(), Message: fmt.Sprintf("crosslink: ledger %d\n\n[skip ci]\n", draft.Ledger.Sequence)})
}

// dropFound forgets lost tips that the ledger holds again.
func (t *Tracker) dropFound(ctx context.Context, s *snapshot, tip refs.OID) error {
	var ups []refs.Update
	d := s.ledger()
	for _, lost := range d.lost {
		held, err := d.reader.Holds(string(tip), string(lost))
		if err != nil {
			return err
		}
		if held { // else its merge step is the next one
			ups = append(ups, refs.Update{Ref: lostRoot + string(lost), Old: lost})
		}
	}
	return ignoreConflict(t.local().Swap(ctx, ups))
}

// undecided reports whether one of an agent's lines awaits a decision. Lines that
// another process of the clone has appended since are not asked for.
func (s *snapshot) undecided(agent string, lines []*event.Envelope) bool {
	return slices.ContainsFunc(s.pending(agent), func(e *event.Envelope) bool {
		return e.Seq >= lines[0].Seq && e.Seq <= lines[len(lines)-1].Seq
	})
}

// pending are the lines of the agent that a step has still to answer. What
// would change nothing (the release of a lock that is not held, a claim that
// was taken back before anybody saw it) is answered by no step of its own.
func (s *snapshot) pending(agent string) []*event.Envelope {
	l, now := s.logs[agent], s.decidedState()
	if l == nil {
		return nil
	}
	var lines []*event.Envelope
	for _, e := range l.open {
		switch b := e.Body.(type) {
		case *event.IssueCreated, *event.MilestoneCreated, *event.LockClaimed:
			lines = append(lines, e)
		case *event.IssueDeleted:
			if now.Locks[b.UUID].Token > 0 {
				lines = append(lines, e)
			}
		case *event.LockBroken:
			if k := now.Locks[b.Issue]; k.Token > 0 && k.Token == b.Token {
				lines = append(lines, e)
			}
		case *event.LockReleased:
			lines = slices.DeleteFunc(lines, func(o *event.Envelope) bool {
				c, claim := o.Body.(*event.LockClaimed)
				return claim && c.Issue == b.Issue
			})
			if now.Locks[b.Issue].Agent == agent || s.waits(b.Issue, agent) {
				lines = append(lines, e)
			}
		}
	}
	return lines
}

// onItsWay are the agent's lines that a write waits for which wrote none, from the
// first one on that a step has still to answer or the hub has still to get.
func (t *Tracker) onItsWay(ctx context.Context, s *snapshot, agent string, o EmitOptions) ([]*event.Envelope, error) {
	l := s.logs[agent]
	if l == nil {
		return nil, nil
	}
	from := l.chain.Seq
	if o.Wait {
		from = l.hubSeq
	}
	if p := s.pending(agent); o.Lock && len(p) > 0 {
		from = min(from, p[0].Seq-1)
	}
	if from >= l.chain.Seq {
		return nil, nil
	}
	after := event.Chain{Hub: l.chain.Hub, Agent: agent}
	if e, err := t.lineAt(ctx, l, from); err != nil {
		return nil, err
	} else if e != nil {
		after.Seq, after.Hash, after.Time = e.Seq, event.Hash(e.Raw), e.Time
	}
	return t.linesAfter(ctx, l, after)
}

// waiting reports whether it is this clone's turn to decide what others left
// undecided, or to bring back what the hub lost.
func (t *Tracker) waiting(ctx context.Context) (bool, error) {
	s, err := t.load(ctx)
	if err != nil || !s.bound || !s.writable() {
		return false, err
	}
	draft, err := t.draft(ctx, s, s.metaCommit, s.tips(refs.Push{}))
	if err != nil {
		return false, err
	}
	if draft != nil && draft.Ledger.Merged != "" {
		return true, nil
	}
	if !t.contact.NoMeta && t.contact.Other == "" {
		if back, err := t.ledgerBack(s); err != nil || back != "" {
			return back != "", err
		}
	}
	for _, id := range s.agents() { // what was written here waits for nobody
		if draft != nil && s.logs[id].here != "" && !s.logs[id].diverged && len(s.pending(id)) > 0 {
			return true, nil
		}
	}
	return t.overdue(draft != nil), nil
}

// root writes the first commit of a chain, which decides nothing.
func (t *Tracker) root(ctx context.Context, s *snapshot) (refs.OID, error) {
	l, err := ledger.Root(s.hubID(), nil, t.author(s), event.TimeOf(t.now()))
	if err != nil {
		return "", err
	}
	return refs.WriteChanges(ctx, t.local(), "", l.Files(), nil, refs.CommitInfo{
		Address: t.committer(), Author: t.author(s), When: t.now(), Message: "crosslink: ledger begins\n\n[skip ci]\n"})
}

// author signs a step: the agent of this worktree, else any that writes here.
func (t *Tracker) author(s *snapshot) string {
	if t.agent != "" {
		return t.agent
	}
	for _, id := range s.agents() {
		if s.logs[id].here != "" {
			return id
		}
	}
	return ""
}

// overdue reports whether facts that others left undecided on the hub have
// lain there for long enough to decide them.
func (t *Tracker) overdue(undecided bool) bool {
	since := t.contact.Undecided
	switch {
	case !undecided:
		if !since.IsZero() {
			_ = t.contact.Remember(func(c *hubs.Note) { c.Undecided = time.Time{} })
		}
		return false
	case since.IsZero():
		_ = t.contact.Remember(func(c *hubs.Note) { c.Undecided = t.now().Add(rand.N(hubs.Jitter)) })
		return false
	}
	return t.now().Sub(since) > undecidedFor
}

// judgeLedger says whether an incoming ledger is believed. Taken with a
// problem means that decisions known here are not part of it: they are kept
// aside until a merge step has brought them back.
func (t *Tracker) judgeLedger(ctx context.Context, old, fresh refs.OID) (take bool, problem string, err error) {
	if old == "" {
		return true, "", nil
	}
	r := ledger.NewReader(replay.NewSteps(ctx, t.local(), ""), "") // only walks parents
	if on, err := r.Extends(string(fresh), string(old)); err != nil || on {
		return true, "", ignoreMissing(err)
	}
	if behind, err := r.Extends(string(old), string(fresh)); err != nil || behind {
		return false, "the hub's ledger is behind: it was set back; what was decided stands and goes back with the next push", ignoreMissing(err)
	}
	return true, "the hub has lost decisions that it had acknowledged; the next sync brings them back, and a number given twice gets an alias", nil
}

// ignoreMissing: a chain whose objects are not all here is judged, or not,
// when it is read.
func ignoreMissing(err error) error {
	if errors.Is(err, refs.ErrMissing) {
		return nil
	}
	return err
}

// badSteps says how many there are.
func badSteps(n int) string {
	if n == 1 {
		return "1 step of the ledger is"
	}
	return fmt.Sprintf("%d steps of the ledger are", n)
}
