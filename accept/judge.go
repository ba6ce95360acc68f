package accept

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Claims is the content of a meta tip, as far as it can be read.
type Claims struct {
	trust.Claims
	There bool
	Err   error // why it cannot be read
}

// ReadClaims reads a meta tip; "" means that there is none.
func ReadClaims(ctx context.Context, local refs.Local, tip refs.OID) Claims {
	c := Claims{There: tip != ""}
	if !c.There {
		return c
	}
	files, err := refs.ReadFiles(ctx, local, tip, replay.MetaLimit)
	if err != nil {
		c.Err = err
		return c
	}
	c.Claims = trust.Claimed(files["hub.json"])
	switch {
	case c.Level < 2:
		c.Err = errors.New("'hub.json' says no level")
	case c.Level == replay.FormatVersion:
		_, c.Err = trust.DecodeMeta(files["hub.json"])
	}
	return c
}

// judge judges the refs of one fetch.
type judge struct {
	Fetch
	Answer
	reads *reading.Reader
	local refs.Local
	have  map[string]refs.OID // the refs of the replica

	logs, untaken int // the number of logs, and of those beyond the limit

	known, fresh Claims
	level        int              // the hub's level after this fetch
	migration    *trust.Migration // of the hub known here from an older format version; nil if there was none
	level2       bool             // it is a hub of level 2
	meta         string           // why the fetched meta is not accepted
	metas        replay.MetaState // its content, if it is accepted
	pinned       string           // this hub's id, if the fetched meta has another
}

// readMetas reads both meta chains. The nearest valid commit of a chain is what counts; an
// invalid tip has no effect. trusted is the commit accepted here, "" at first contact.
func (j *judge) readMetas(ctx context.Context, trusted, known, fresh refs.OID) error {
	chain := j.reads.Replays().Metas(ctx)
	if trusted != "" {
		if err := chain.Accept(trusted); err != nil {
			return err
		}
	}
	err := j.compareMetas(ctx, chain, chain.Tip, known, fresh)
	if err == nil && j.metas.Hearsay && j.meta == "" {
		err = j.compareMetas(ctx, chain, chain.At, known, fresh)
	}
	return err
}

// compareMetas does the same with a function that judges a tip.
func (j *judge) compareMetas(ctx context.Context, chain *replay.MetaChain, at func(refs.OID) (replay.MetaState, error), known, fresh refs.OID) error {
	j.known, j.fresh = ReadClaims(ctx, j.local, known), ReadClaims(ctx, j.local, fresh)
	said := func(c *Claims, tip refs.OID) (replay.MetaState, error) {
		if tip == "" {
			return replay.MetaState{}, nil
		}
		st, err := at(tip)
		if err != nil && ctx.Err() == nil {
			c.Err = err // an object is missing: the known state remains
			return replay.MetaState{}, nil
		}
		if err == nil && st.Roll != nil {
			*c = Claims{Claims: trust.Claims{Level: st.Roll.Meta.Version, Hub: st.Roll.Meta.Hub, Seq: st.Roll.Meta.Seq}, There: true}
		}
		return st, err
	}
	was, err := said(&j.known, known)
	if err != nil {
		return err
	}
	if j.migration = nil; was.Roll != nil {
		j.migration = was.Roll.Meta.Migrated
	}
	j.metas, err = said(&j.fresh, fresh)
	if b := j.metas.Bad; b != nil && errors.Is(b.Err, replay.ErrLongMeta) {
		j.fresh.Err = b.Err // whatever the tip contains
	}
	if err == nil && j.metas.Roll == nil && j.fresh.Level == replay.FormatVersion && j.metas.Bad != nil {
		j.meta = fmt.Sprintf("the hub's meta data is invalid: %v", j.metas.Bad.Err)
	}
	if err != nil || was.Roll == nil || j.metas.Roll == nil {
		return err
	}
	on, err := chain.Holds(fresh, was.Commit, "")
	if err == nil && !on && was.Commit != j.metas.Commit {
		j.meta = "the hub's meta data does not continue the data known here, which is kept"
	}
	return err
}

// settle judges meta first, because its level decides how everything else is judged.
func (j *judge) settle() {
	known := j.known.Err == nil && j.known.There
	switch {
	case !j.fresh.There:
		if j.level = j.known.Level; j.level == 0 && j.level2 {
			j.level = 2
		}
		return
	case j.fresh.Err != nil:
		j.meta = fmt.Sprintf("the hub's meta data cannot be read: %v", j.fresh.Err)
	case !known:
	case j.fresh.Level < j.known.Level && j.known.Level >= replay.FormatVersion:
		j.meta = fmt.Sprintf("the hub's meta data has level %d, lower than the level known here (%d), which is kept", j.fresh.Level, j.known.Level)
	case j.known.Level < replay.FormatVersion:
	case j.fresh.Seq < j.known.Seq:
		j.meta = fmt.Sprintf("the hub's meta data is older (%d) than the data known here (%d), which is kept", j.fresh.Seq, j.known.Seq)
	}
	j.level = j.fresh.Level
	if j.meta != "" {
		j.level = j.known.Level
	}
}

// other is the id of the hub that this meta belongs to, if it is not the expected one. Then
// none of its data is accepted, neither logs nor ledger.
func (j *judge) other(pinned string) string {
	if back := j.takenBack(); back > 0 {
		return hubs.BeforeMigration(back)
	}
	if j.known.Err == nil && j.known.There {
		if pinned = j.known.Hub; j.known.Level < replay.FormatVersion {
			return ""
		}
	}
	if !j.fresh.There || j.fresh.Err != nil || pinned == "" || j.fresh.Hub == pinned || j.fresh.Level < replay.FormatVersion {
		return ""
	}
	return fail.Truncate(j.fresh.Hub)
}

// takenBack is the format version of an old hub that is back after a migration that this
// clone knows; 0 if there is none. A hub of level 2 has no meta.
func (j *judge) takenBack() int {
	switch {
	case j.migration == nil || !j.Whole:
		return 0
	case j.fresh.There && j.fresh.Err == nil && (j.fresh.Level == 2 || j.fresh.Level == 3):
		return j.fresh.Level
	case !j.fresh.There && j.have[j.Root+replay.LedgerName] == "" && j.level2:
		return 2
	}
	return 0
}

// ours reports whether a ref belongs to this hub, although the meta beside it is of
// another.
func (j *judge) ours(ctx context.Context, name string, old, fresh refs.OID) (bool, error) {
	if name == replay.LedgerName && old != "" {
		on, err := ledger.NewReader(replay.NewSteps(ctx, j.local, ""), "").Extends(string(fresh), string(old))
		return on, refs.IgnoreMissing(err)
	}
	id, isLog := strings.CutPrefix(name, replay.Agents)
	if !isLog {
		return false, nil
	}
	hub, err := replay.FirstHub(ctx, j.local, id, fresh)
	return hub == j.pinned, err
}

// ref decides whether to accept a fetched ref, and if not, why not. A ref that is not one
// of the tracker's is silently ignored. If it returns true and a problem, accepted data is
// replaced and kept aside.
func (j *judge) ref(ctx context.Context, name string, old, fresh refs.OID) (take bool, problem string, err error) {
	legacy := j.level == 2 || j.level == 3
	id, isLog := strings.CutPrefix(name, replay.Agents)
	switch {
	case name == replay.MetaName:
		return j.meta == "", j.meta, nil
	case name == replay.LedgerName && !legacy:
		if l := j.known.Level; l == 2 || l == 3 {
			old = "" // not a step: the hub was migrated since
		}
		return judgeLedger(ctx, j.local, old, fresh)
	case !isLog:
		return name == replay.LedgerName || name == replay.Level2Name && legacy, "", nil
	case legacy:
		if err := event.ValidAgentID3(id); err != nil {
			return false, fmt.Sprintf("the log '%s' is ignored: %v", fail.Truncate(id), err), nil
		}
		return true, "", nil
	}
	if err := event.ValidAgentID(id); err != nil {
		if j.leftBehind(id) {
			return false, "", nil
		}
		return false, fmt.Sprintf("the log '%s' is ignored: %v", fail.Truncate(id), err), nil
	}
	if old == "" {
		return true, "", nil
	}
	rel, err := refs.IsPrefix(ctx, j.local, id, old, fresh)
	if err != nil && !errors.Is(err, refs.ErrMissing) {
		return false, "", fmt.Errorf("compare the log of '%s' with the one known: %w", id, err)
	}
	switch rel {
	case refs.Prefix, refs.Equal:
		seq, litter, err := j.litter(ctx, id, old, fresh)
		if err != nil || litter == "" {
			return err == nil, "", err
		}
		return false, fmt.Sprintf("the hub's log of '%s' has invalid data after event %d: %s", id, seq, litter), nil
	case refs.Extends:
		if was, err := j.goodPart(ctx, id, old, 0); err != nil || was.Trails {
			if err != nil {
				return false, "", err
			}
			return j.repaired(ctx, id, old, fresh)
		}
		return false, fmt.Sprintf("the hub's log of '%s' was set back: events that it had before are missing; this clone keeps them", id), nil
	}
	return j.repaired(ctx, id, old, fresh)
}

// leftBehind reports whether a log belongs to the hub that this one was migrated from,
// whose agent ids may have more forms. Its lines are in the base.
func (j *judge) leftBehind(id string) bool {
	if j.metas.Roll == nil || j.metas.Roll.Meta.Migrated == nil {
		return false
	}
	_, pinned := j.metas.Roll.Meta.Migrated.Logs[id]
	return pinned
}

// litter checks the data directly after the lines of old in fresh, which contains them all.
// It returns why this data is not a line of the log; "" if it is one, or there is none.
// Anybody with push access can append such data, and accepting it would block the log's
// writer.
func (j *judge) litter(ctx context.Context, id string, old, fresh refs.OID) (seq uint64, why string, err error) {
	was, err := refs.ReadLog(ctx, j.local, id, old, math.MaxUint64)
	if err != nil || was.Bad != "" || len(was.Lines) == 0 {
		return 0, "", err // the accepted log has a fault of its own
	}
	seq = was.Last()
	last, err := event.Decode(bytes.Clone(was.At(seq)))
	if err != nil || last.Seq != seq {
		return 0, "", nil
	}
	is, err := refs.ReadLog(ctx, j.local, id, fresh, seq+1)
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

// repaired judges a log that does not simply continue the accepted one. If the accepted one
// ends early because of a fault, a log that contains its good lines and more, or ends
// properly, is its repair.
func (j *judge) repaired(ctx context.Context, id string, old, fresh refs.OID) (take bool, problem string, err error) {
	was, err := j.goodPart(ctx, id, old, 0)
	if err != nil {
		return false, "", err
	}
	is, err := j.goodPart(ctx, id, fresh, was.Seq)
	switch {
	case err != nil:
		return false, "", err
	case was.Newer: // a newer line cannot be distinguished from its repair
		return false, fmt.Sprintf("the hub's log of '%s' was rewritten; this clone keeps the log it knows", id), nil
	case is.Seq < was.Seq || is.At != was.Hash:
		forked, err := j.prove(ctx, id, old, fresh)
		if err != nil || forked {
			return false, fmt.Sprintf("the hub's log of '%s' was rewritten with the agent's own key: the log has forked; this clone keeps the log it knows", id), err
		}
		return false, fmt.Sprintf("the hub's log of '%s' was rewritten; this clone keeps the log it knows", id), nil
	case was.Ended == "" && is.Ended != "" && is.Seq == was.Seq:
		return false, fmt.Sprintf("the hub's log of '%s' has invalid data after event %d: %s", id, is.Seq, is.Ended), nil
	}
	return true, "", nil
}

// goodPart walks the valid beginning of a log, judged by the state before the fetch.
func (j *judge) goodPart(ctx context.Context, id string, tip refs.OID, seq uint64) (replay.Part, error) {
	hub := j.known.Hub
	if hub == "" {
		hub = j.fresh.Hub
	}
	s, err := j.reads.Load(ctx)
	if err != nil {
		return replay.Part{}, err
	}
	return GoodPart(ctx, j.local, s, hub, id, tip, seq)
}

// GoodPart returns the valid beginning of a log, including only lines that continue its
// signatures as s requires.
func GoodPart(ctx context.Context, local refs.Local, s *reading.Snapshot, hub, id string, tip refs.OID, seq uint64) (replay.Part, error) {
	r := replay.PartRequest{Hub: hub, Agent: id, Tip: tip, At: seq}
	if s.Roll != nil && s.Roll.Newer() == 0 {
		if d := s.Decided(); d.Err == nil && d.View.Ledger != nil {
			r.Roll, r.Position = s.Roll, d.View.Ledger.Position(id)
		}
	}
	return replay.GoodPart(ctx, local, r)
}
