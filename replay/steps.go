package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Steps is ledger.Source over the objects of a repository. It reads by object id
// only, so the same question has the same answer in every clone, and a clone and
// a server's gate judge alike. It is not safe for concurrent use.
type Steps struct {
	// Metas judges the meta commits that steps were decided under.
	Metas *MetaChain
	// Cache holds files of the step that an earlier process read; it may be nil.
	Cache *StepFiles

	ctx   context.Context
	local refs.Local
	hub   string
	heads map[string]refs.CommitHead
	blobs map[refs.OID][]byte          // of the last tree read: the next one shares most
	logs  map[string][]*event.Envelope // from their first line on, as far as a policy asked for them
}

var _ ledger.Source = (*Steps)(nil)

// maxStepFiles bounds the tree of a step: a file for each 64 numbers and 256
// of positions.
const maxStepFiles = 1 << 18

// maxStepFile bounds one file of a step; base.json may be as long as a
// level-3 checkpoint.
const maxStepFile = ledger.MaxBase

// MaxStep bounds all files of a step together.
const MaxStep = 2 * maxStepFile

// NewSteps returns the source of a hub's ledger. It outlives ctx. With hub ""
// only Parents is of use.
func NewSteps(ctx context.Context, l refs.Local, hub string) *Steps {
	return &Steps{ctx: context.WithoutCancel(ctx), local: l, hub: hub, heads: map[string]refs.CommitHead{}, blobs: map[refs.OID][]byte{},
		Metas: NewMetaChain(ctx, l), logs: map[string][]*event.Envelope{}}
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
func (s *Steps) Lines(tip, agent string, after ledger.Position, upTo uint64) ([]*event.Envelope, error) {
	if event.ValidAgentID(agent) != nil {
		return nil, nil
	}
	log, err := refs.ReadLog(s.ctx, s.local, agent, refs.OID(tip), max(after.Seq, 1))
	if err != nil {
		return nil, err
	}
	if log.Missing {
		return nil, fmt.Errorf("log of '%s' at '%s': %w", agent, tip, refs.ErrMissing)
	}
	chain := event.Chain{Hub: s.hub, Agent: agent}
	lines := log.Lines
	if after.Seq > 0 {
		if log.At(after.Seq) == nil {
			return nil, nil
		}
		lines = lines[after.Seq-log.First:]
		at, err := event.Decode(lines[0])
		if err != nil || event.Hash(lines[0]) != after.Hash || at.Seq != after.Seq {
			return nil, nil
		}
		chain.Seq, chain.Hash, chain.Time = at.Seq, after.Hash, at.Time
		lines = lines[1:]
	}
	var good []*event.Envelope
	for _, line := range lines {
		if chain.Seq >= upTo {
			break
		}
		e, err := chain.Next(line)
		if err != nil {
			break
		}
		good = append(good, e)
	}
	return good, nil
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
func (p *stepPolicy) Covers(tip, agent string, after ledger.Position, lines []*event.Envelope) (uint64, error) {
	m := p.roll.Meta
	r, revoked := m.Revoked[agent]
	switch {
	case m.Signing == trust.Require && len(lines) > 0:
		return p.signedUpTo(tip, agent, after, lines)
	case !m.Open && !p.roll.Signers.Lists(trust.Principal(agent)):
		return 0, nil
	case !revoked:
		return 1<<53 - 1, nil
	}
	if n := r.AfterSeq - after.Seq; r.AfterSeq > after.Seq && n <= uint64(len(lines)) && event.Hash(lines[n-1].Raw) != r.Hash {
		return after.Seq, nil // another log than the one that was revoked
	}
	return r.AfterSeq, nil
}

// signedUpTo is the last line that counts where signatures are required. Which
// keys are in force there, the lines from the log's start say.
func (p *stepPolicy) signedUpTo(tip, agent string, after ledger.Position, lines []*event.Envelope) (uint64, error) {
	s := p.steps
	head := s.logs[agent]
	if n := uint64(len(head)); n < after.Seq || after.Seq > 0 && event.Hash(head[after.Seq-1].Raw) != after.Hash {
		var err error
		if head, err = s.Lines(tip, agent, ledger.Position{}, after.Seq); err != nil {
			return 0, err
		}
	}
	if uint64(len(head)) < after.Seq || after.Seq > 0 && event.Hash(head[after.Seq-1].Raw) != after.Hash {
		return after.Seq, nil
	}
	whole := slices.Concat(head[:after.Seq], lines)
	s.logs[agent] = whole
	l := p.roll.Log(agent, trust.LogOptions{})
	for _, e := range whole {
		l.Feed(e)
	}
	return l.Verdict().Fed, nil
}

// Accepts implements ledger.Policy.
func (p *stepPolicy) Accepts(l *ledger.Ledger) bool {
	return p.roll.CheckStep(l.WrittenBy, l.SignedBy, l.Signature, l.Signed()) == nil
}

// Rules implements ledger.Policy.
func (p *stepPolicy) Rules() uint64 { return p.roll.Meta.Rules() }
