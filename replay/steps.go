package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Steps implements ledger.Source over the objects of a repository. It reads only by object
// id, so it returns the same answers in every clone and on a server. It is not safe for
// concurrent use.
type Steps struct {
	// Metas checks the meta commits that the steps name.
	Metas *MetaChain
	// Cache has files of the step that an earlier process read; it may be nil.
	Cache *StepFiles

	ctx    context.Context
	local  refs.Local
	hub    string
	heads  map[string]refs.CommitHead
	blobs  map[refs.OID][]byte   // of the last tree read: the next one shares most
	signed map[string]*signedLog // by agent, as far as a policy asked for them
}

var _ ledger.Source = (*Steps)(nil)

// maxStepFiles bounds the tree of a step: a file for each 64 numbers and 256
// of positions.
const maxStepFiles = 1 << 18

// maxStepFile bounds one file of a step; base.json may be as long as a
// level-3 checkpoint.
const maxStepFile = ledger.MaxBase

// MaxStep is the maximum size of all files of a step together.
const MaxStep = 2 * maxStepFile

// NewSteps returns the source of a hub's ledger. It remains usable after ctx ends. If hub
// is "", only Parents can be used.
func NewSteps(ctx context.Context, l refs.Local, hub string) *Steps {
	return &Steps{ctx: context.WithoutCancel(ctx), local: l, hub: hub, heads: map[string]refs.CommitHead{}, blobs: map[refs.OID][]byte{},
		Metas: NewMetaChain(ctx, l), signed: map[string]*signedLog{}}
}

func (s *Steps) head(id string) (refs.CommitHead, error) {
	if h, ok := s.heads[id]; ok {
		return h, nil
	}
	h, err := refs.ReadHead(s.ctx, s.local, refs.OID(id))
	if err == nil {
		s.heads[id] = h
	}
	return h, err
}

// Parents implements ledger.Source.
func (s *Steps) Parents(id string) ([]string, error) {
	h, err := s.head(id)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, p := range h.Parents {
		ids = append(ids, string(p))
	}
	return ids, nil
}

// Files implements ledger.Source.
func (s *Steps) Files(id string) (map[string][]byte, bool, error) {
	names, whole, err := refs.ListFiles(s.ctx, s.local, refs.OID(id), maxStepFiles)
	if err != nil || !whole {
		return nil, false, err
	}
	var want []refs.OID
	asked := map[refs.OID]bool{}
	for name, oid := range names {
		if !ledger.HasFile(name) {
			return nil, false, nil
		}
		if _, ok := s.blobs[oid]; !ok && !asked[oid] {
			want, asked[oid] = append(want, oid), true
		}
	}
	want = s.Cache.get(want, s.blobs)
	if whole, err = s.readBlobs(want); err != nil || !whole {
		return nil, false, err
	}
	files, keep := make(map[string][]byte, len(names)), make(map[refs.OID][]byte, len(names))
	for name, oid := range names {
		files[name], keep[oid] = s.blobs[oid], s.blobs[oid]
	}
	s.blobs = keep
	s.Cache.keep(keep, len(want))
	return files, true, nil
}

// readBlobs reads files of a step, as long as they are of a step's size
// together; whole is false if they are not.
func (s *Steps) readBlobs(want []refs.OID) (whole bool, err error) {
	total := 0
	tooMuch := errors.New("too much")
	err = s.local.Read(s.ctx, want, maxStepFile, func(i int, o refs.Object, err error) error {
		if total += len(o.Data); errors.Is(err, refs.ErrTooLarge) || err == nil && (o.Kind != refs.Blob || total > MaxStep) {
			return tooMuch
		}
		if err == nil { // what cannot be read now may be there the next time
			s.blobs[want[i]] = o.Data
		}
		return err
	})
	if errors.Is(err, tooMuch) {
		return false, nil
	}
	return err == nil, err
}

// Lines implements ledger.Source. The line at the position after covers all lines
// before it by its hash.
func (s *Steps) Lines(tip, agent string, after ledger.Position, upTo uint64) iter.Seq2[*event.Envelope, error] {
	return func(yield func(*event.Envelope, error) bool) {
		if event.ValidAgentID(agent) != nil {
			return
		}
		chain, ended := event.Chain{Hub: s.hub, Agent: agent}, false
		got, err := refs.WalkLogs(s.ctx, s.local, []refs.LogRequest{{Agent: agent, Tip: refs.OID(tip), From: max(after.Seq, 1)}}, func(_ int, seq uint64, line []byte) bool {
			if seq == 0 || seq < after.Seq {
				return true // of a level-3 file, or known
			}
			if chain.Seq < after.Seq {
				ended = !goesOn(&chain, after, line)
				return !ended
			}
			e := (*event.Envelope)(nil)
			if ended = chain.Seq >= upTo; !ended {
				var err error
				e, err = chain.Next(bytes.Clone(line))
				ended = err != nil || !yield(e, nil)
			}
			return !ended
		})
		switch { // a problem of this repository says nothing about a step
		case err != nil || ended:
		case got[0].Missing:
			err = fmt.Errorf("log of '%s' at '%s': %w", agent, tip, refs.ErrMissing)
		case got[0].Unreadable:
			err = fmt.Errorf("log of '%s' at '%s': %s: %w", agent, tip, got[0].Bad, refs.ErrCorrupt)
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// goesOn lets a chain continue from a position, if that is the line's.
func goesOn(c *event.Chain, after ledger.Position, line []byte) bool {
	at, err := event.Decode(line)
	if err != nil || event.Hash(line) != after.Hash || at.Seq != after.Seq {
		return false
	}
	c.Seq, c.Hash, c.Time = at.Seq, after.Hash, at.Time
	return true
}

// Meta implements ledger.Source: a meta commit is one that its own chain makes
// valid, and it must continue from.
func (s *Steps) Meta(id, from string) (ledger.Policy, bool, error) {
	if !s.local.Format().Valid(refs.OID(id)) {
		return nil, false, nil
	}
	ok, err := s.Metas.Descends(refs.OID(from), refs.OID(id))
	if err != nil || !ok {
		return nil, false, err
	}
	st, err := s.Metas.At(refs.OID(id))
	if err != nil || st.Roll.Meta.Hub != s.hub || st.Roll.Newer() > 0 {
		return nil, false, err
	}
	return &stepPolicy{s, st.Roll}, true, nil
}

// stepPolicy is what a meta commit says about the steps decided under it.
type stepPolicy struct {
	steps *Steps
	roll  *trust.State
}

// Covers implements ledger.Policy.
func (p *stepPolicy) Covers(tip, agent string, after ledger.Position) (ledger.Coverage, error) {
	c := &coverage{stepPolicy: p, agent: agent, from: after, seq: after.Seq}
	if p.roll.Meta.Signing != trust.Require {
		return c, nil
	}
	var err error
	c.judge, err = p.judge(tip, agent, after)
	return c, err
}

// judge returns the judge, after a position, of a log where signatures are required.
// Which keys are in force there, the lines from the log's start say. It is nil if the
// position is not in the log.
func (p *stepPolicy) judge(tip, agent string, at ledger.Position) (*trust.Log, error) {
	known := p.steps.signed[agent]
	if known == nil {
		known = &signedLog{}
		p.steps.signed[agent] = known
	}
	if known.end.at == at {
		known.base = known.end
	}
	if at.Seq > 0 && known.base.at == at {
		if l, ok := p.roll.Resume(agent, known.base.point, trust.LogOptions{}); ok {
			return l, nil
		}
	}
	l, last := p.roll.Log(agent, trust.LogOptions{}), ledger.Position{}
	for e, err := range p.steps.Lines(tip, agent, ledger.Position{}, at.Seq) {
		if err != nil {
			return nil, err
		}
		l.Feed(e)
		if last.Seq++; last.Seq == at.Seq {
			last.Hash = event.Hash(e.Raw)
		}
	}
	if last != at {
		return nil, nil
	}
	known.base.note(at, l)
	return l, nil
}

// signedLog is where the judging of a log can be resumed: after a step that others
// may be built on, and after the lines that were read last.
type signedLog struct{ base, end signedAt }

type signedAt struct {
	at    ledger.Position
	point trust.Checkpoint
}

func (s *signedAt) note(at ledger.Position, l *trust.Log) {
	if point, ok := l.Checkpoint(); ok {
		*s = signedAt{at, point}
	}
}

// coverage is ledger.Coverage of one log.
type coverage struct {
	*stepPolicy
	agent string
	from  ledger.Position
	judge *trust.Log // where signatures are required
	seq   uint64
	last  *event.Envelope
	other bool // another log than the one that was revoked
}

// Feed implements ledger.Coverage.
func (c *coverage) Feed(e *event.Envelope) {
	c.seq, c.last = c.seq+1, e
	if c.judge != nil {
		c.judge.Feed(e)
	}
	if r := c.roll.Meta.Revoked[c.agent]; c.seq == r.AfterSeq && event.Hash(e.Raw) != r.Hash {
		c.other = true
	}
}

// UpTo implements ledger.Coverage.
func (c *coverage) UpTo() uint64 {
	r, revoked := c.roll.Meta.Revoked[c.agent]
	required := c.roll.Meta.Signing == trust.Require && c.last != nil
	switch {
	case required && c.judge == nil:
		return c.from.Seq
	case required:
		c.steps.signed[c.agent].end.note(ledger.Position{Seq: c.seq, Hash: event.Hash(c.last.Raw)}, c.judge)
		return c.judge.Verdict().Fed
	case !c.roll.Meta.Open && !c.roll.Signers.Lists(trust.Principal(c.agent)):
		return 0
	case !revoked:
		return 1<<53 - 1
	case c.other:
		return c.from.Seq
	}
	return r.AfterSeq
}

// Accepts implements ledger.Policy.
func (p *stepPolicy) Accepts(l *ledger.Ledger) bool {
	return p.roll.CheckStep(l.WrittenBy, l.SignedBy, l.Signature, l.Signed()) == nil
}

// Rules implements ledger.Policy.
func (p *stepPolicy) Rules() uint64 { return p.roll.Meta.Rules() }
