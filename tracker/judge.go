package tracker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/trust"
)

// claims is what a meta tip says, read as far as it can be.
type claims struct {
	trust.Claims
	there bool
	err   error // why it cannot be read
}

func (t *Tracker) readClaims(ctx context.Context, tip refs.OID) claims {
	c := claims{there: tip != ""}
	if !c.there {
		return c
	}
	files, err := refs.ReadFiles(ctx, t.clone.Local(), tip, replay.MetaLimit)
	if err != nil {
		c.err = err
		return c
	}
	c.Claims = trust.Claimed(files["hub.json"])
	switch {
	case c.Level < 2:
		c.err = errors.New("'hub.json' says no level")
	case c.Level == replay.FormatVersion:
		_, c.err = trust.DecodeMeta(files["hub.json"])
	}
	return c
}

// adoption judges the refs of one fetch.
type adoption struct {
	t            *Tracker
	known, fresh claims
	level        int              // the hub's, as it is believed after this
	meta         string           // why the fresh meta is not believed
	metas        replay.MetaState // what it says, if it is
	pinned       string           // this hub's id, where the fresh meta is another's
}

// readMetas looks at the two chains. What is said of each is what its nearest
// valid commit says: a tip that nobody believes says nothing. trusted is the
// commit believed here, "" at first contact.
func (a *adoption) readMetas(ctx context.Context, trusted, known, fresh refs.OID) error {
	chain := a.t.clone.Reads.Replays().Metas(ctx)
	if trusted != "" {
		if err := chain.Accept(trusted); err != nil {
			return err
		}
	}
	err := a.compareMetas(ctx, chain, chain.Tip, known, fresh)
	if err == nil && a.metas.Hearsay && a.meta == "" {
		err = a.compareMetas(ctx, chain, chain.At, known, fresh)
	}
	return err
}

// compareMetas does so with what judges a tip.
func (a *adoption) compareMetas(ctx context.Context, chain *replay.MetaChain, at func(refs.OID) (replay.MetaState, error), known, fresh refs.OID) error {
	a.known, a.fresh = a.t.readClaims(ctx, known), a.t.readClaims(ctx, fresh)
	said := func(c *claims, tip refs.OID) (replay.MetaState, error) {
		if tip == "" {
			return replay.MetaState{}, nil
		}
		st, err := at(tip)
		if err != nil && ctx.Err() == nil {
			c.err = err // an object is missing: what is known stands
			return replay.MetaState{}, nil
		}
		if err == nil && st.Roll != nil {
			*c = claims{Claims: trust.Claims{Level: st.Roll.Meta.Version, Hub: st.Roll.Meta.Hub, Seq: st.Roll.Meta.Seq}, there: true}
		}
		return st, err
	}
	was, err := said(&a.known, known)
	if err != nil {
		return err
	}
	a.metas, err = said(&a.fresh, fresh)
	if b := a.metas.Bad; b != nil && errors.Is(b.Err, replay.ErrLongMeta) {
		a.fresh.err = b.Err // whatever its tip says
	}
	if err == nil && a.metas.Roll == nil && a.fresh.Level == replay.FormatVersion && a.metas.Bad != nil {
		a.meta = fmt.Sprintf("the hub's meta is not to be believed: %v", a.metas.Bad.Err)
	}
	if err != nil || was.Roll == nil || a.metas.Roll == nil {
		return err
	}
	on, err := chain.Holds(fresh, was.Commit, "")
	if err == nil && !on && was.Commit != a.metas.Commit {
		a.meta = "the hub's meta does not continue the one known here, which stands"
	}
	return err
}

// settle judges meta first: the level decides how all else is judged.
func (a *adoption) settle(v2 bool) {
	known := a.known.err == nil && a.known.there
	switch {
	case !a.fresh.there:
		if a.level = a.known.Level; a.level == 0 && v2 {
			a.level = 2
		}
		return
	case a.fresh.err != nil:
		a.meta = fmt.Sprintf("the hub's meta cannot be read: %v", a.fresh.err)
	case !known:
	case a.fresh.Level < a.known.Level && a.known.Level >= replay.FormatVersion:
		a.meta = fmt.Sprintf("the hub's meta is of level %d, lower than the one known here (%d), which stands", a.fresh.Level, a.known.Level)
	case a.known.Level < replay.FormatVersion:
	case a.fresh.Seq < a.known.Seq:
		a.meta = fmt.Sprintf("the hub's meta is older (%d) than the one known here (%d), which stands", a.fresh.Seq, a.known.Seq)
	}
	a.level = a.fresh.Level
	if a.meta != "" {
		a.level = a.known.Level
	}
}

// other is the id of the hub whose meta this is, if it is not the one that was
// pinned: then nothing of it is ours, its logs and its ledger neither.
func (a *adoption) other(pinned string) string {
	if a.known.err == nil && a.known.there {
		if pinned = a.known.Hub; a.known.Level < replay.FormatVersion {
			return ""
		}
	}
	if !a.fresh.there || a.fresh.err != nil || pinned == "" || a.fresh.Hub == pinned || a.fresh.Level < replay.FormatVersion {
		return ""
	}
	return fail.Truncate(a.fresh.Hub)
}

// ours reports whether a ref beside another hub's meta is of this hub.
func (a *adoption) ours(ctx context.Context, name string, old, fresh refs.OID) (bool, error) {
	if name == replay.LedgerName && old != "" {
		on, err := ledger.NewReader(replay.NewSteps(ctx, a.t.clone.Local(), ""), "").Extends(string(fresh), string(old))
		return on, ignoreMissing(err)
	}
	id, isLog := strings.CutPrefix(name, replay.Agents)
	if !isLog {
		return false, nil
	}
	hub, err := replay.FirstHub(ctx, a.t.clone.Local(), id, fresh)
	return hub == a.pinned, err
}

// judge says whether an incoming ref is believed, and if not, why not; a ref
// that is none of the tracker's is passed over without a word. Believed with a
// problem: something that was believed before goes, and is kept aside.
func (a *adoption) judge(ctx context.Context, name string, old, fresh refs.OID) (take bool, problem string, err error) {
	legacy := a.level == 2 || a.level == 3
	id, isLog := strings.CutPrefix(name, replay.Agents)
	switch {
	case name == replay.MetaName:
		return a.meta == "", a.meta, nil
	case name == replay.LedgerName && !legacy:
		return a.t.judgeLedger(ctx, old, fresh)
	case !isLog:
		return name == replay.LedgerName || name == replay.Level2Name && legacy, "", nil
	case legacy:
		if err := event.ValidAgentID3(id); err != nil {
			return false, fmt.Sprintf("the log '%s' is ignored: %v", fail.Truncate(id), err), nil
		}
		return true, "", nil
	}
	if err := event.ValidAgentID(id); err != nil {
		return false, fmt.Sprintf("the log '%s' is ignored: %v", fail.Truncate(id), err), nil
	}
	if old == "" {
		return true, "", nil
	}
	rel, err := refs.IsPrefix(ctx, a.t.clone.Local(), id, old, fresh)
	if err != nil && !errors.Is(err, refs.ErrMissing) {
		return false, "", fmt.Errorf("compare the log of '%s' with the one known: %w", id, err)
	}
	switch rel {
	case refs.Prefix, refs.Equal:
		seq, litter, err := a.litter(ctx, id, old, fresh)
		if err != nil || litter == "" {
			return err == nil, "", err
		}
		return false, fmt.Sprintf("the hub's log of '%s' goes on behind event %d with what is no event: %s", id, seq, litter), nil
	case refs.Extends:
		if was, err := a.goodPart(ctx, id, old, 0); err != nil || was.Trails {
			if err != nil {
				return false, "", err
			}
			return a.mended(ctx, id, old, fresh)
		}
		return false, fmt.Sprintf("the hub is behind: its log of '%s' lacks lines that were on it before; the ones known here stand", id), nil
	}
	return a.mended(ctx, id, old, fresh)
}

// litter says why what stands directly behind the lines of old in fresh, which
// holds them all, is no line of this log; "" if it is one, or nothing stands there.
// Anybody who may push can put such a thing there: taken for the log it would
// stop its writer.
func (a *adoption) litter(ctx context.Context, id string, old, fresh refs.OID) (seq uint64, why string, err error) {
	was, err := refs.ReadLog(ctx, a.t.clone.Local(), id, old, math.MaxUint64)
	if err != nil || was.Bad != "" || len(was.Lines) == 0 {
		return 0, "", err // the one believed has its own fault
	}
	seq = was.Last()
	last, err := event.Decode(bytes.Clone(was.At(seq)))
	if err != nil || last.Seq != seq {
		return 0, "", nil
	}
	is, err := refs.ReadLog(ctx, a.t.clone.Local(), id, fresh, seq+1)
	if err != nil {
		return 0, "", err
	}
	next := is.At(seq + 1)
	if next == nil {
		return seq, is.Bad, nil
	}
	chain := event.Chain{Hub: last.Hub, Agent: id, Seq: seq, Hash: event.Hash(last.Raw), Time: last.Time}
	if _, err := chain.Next(bytes.Clone(next)); err != nil && !replay.IsNewer(err) {
		return seq, err.Error(), nil
	}
	return seq, "", nil
}

// mended judges a log that does not simply go on: where the one believed so
// far ends early, by its own fault, one that holds its good lines and more, or
// ends as it should, is its repair.
func (a *adoption) mended(ctx context.Context, id string, old, fresh refs.OID) (take bool, problem string, err error) {
	was, err := a.goodPart(ctx, id, old, 0)
	if err != nil {
		return false, "", err
	}
	is, err := a.goodPart(ctx, id, fresh, was.Seq)
	switch {
	case err != nil:
		return false, "", err
	case was.Newer: // what stands there cannot be told from its repair
		return false, fmt.Sprintf("the hub's log of '%s' was rewritten; the one known here stands", id), nil
	case is.Seq < was.Seq || is.At != was.Hash:
		forked, err := a.prove(ctx, id, old, fresh)
		if err != nil || forked {
			return false, fmt.Sprintf("the hub's log of '%s' was rewritten with its own key: it has forked; the one known here stands", id), err
		}
		return false, fmt.Sprintf("the hub's log of '%s' was rewritten; the one known here stands", id), nil
	case was.Ended == "" && is.Ended != "" && is.Seq == was.Seq:
		return false, fmt.Sprintf("the hub's log of '%s' goes on behind event %d with what is no event: %s", id, is.Seq, is.Ended), nil
	}
	return true, "", nil
}

// goodPart walks a log as far as it is good, by what is believed before the fetch.
func (a *adoption) goodPart(ctx context.Context, id string, tip refs.OID, seq uint64) (replay.Part, error) {
	hub := a.known.Hub
	if hub == "" {
		hub = a.fresh.Hub
	}
	s, err := a.t.clone.Reads.Load(ctx)
	if err != nil {
		return replay.Part{}, err
	}
	return a.t.goodPart(ctx, s, hub, id, tip, seq)
}

// goodPart walks a log as far as it is good, and continued signed as s has it.
func (t *Tracker) goodPart(ctx context.Context, s *reading.Snapshot, hub, id string, tip refs.OID, seq uint64) (replay.Part, error) {
	r := replay.PartRequest{Hub: hub, Agent: id, Tip: tip, At: seq}
	if s.Roll != nil && s.Roll.Newer() == 0 {
		if d := s.Decided(); d.Err == nil && d.View.Ledger != nil {
			r.Roll, r.Position = s.Roll, d.View.Ledger.Position(id)
		}
	}
	return replay.GoodPart(ctx, t.clone.Local(), r)
}
