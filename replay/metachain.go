package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// The meta chain, as package trust judges it, over the objects of a replica. The
// rules are:
//   - the chain is the first parents from a tip down to its root. It is judged
//     from the root up, each commit on the nearest valid one below it;
//   - a commit that is not valid (unsigned, not by an admin, not the next one)
//     is skipped, as a bad step of the ledger is: anybody who can push can put
//     one there, an admin continues above it, and nobody has to force a push;
//   - what this clone has accepted is not judged again, and every later meta must
//     be on top of it (TrustedMeta).
//
// So what a tip says follows from its id alone.

// TrustedMeta is the ref of the meta commit that this clone has accepted: at
// first contact the newest valid one it sees, then whatever continues that.
const TrustedMeta = "refs/trusted/meta"

// MetaLimit bounds the files of a meta commit.
const MetaLimit = 16 << 20

// MaxMeta bounds how many meta commits are read above the accepted one, or from
// the first one on; a variable for its test. A hub whose chain is longer is not
// judged by new clones, and not written to.
var MaxMeta = 100_000

// ErrLongMeta says that a meta chain is longer than MaxMeta.
var ErrLongMeta = errors.New("its chain has more")

// MaxBadMeta is how many invalid commits BadMeta.Texts names, the newest.
const MaxBadMeta = 20

// MetaState is what a meta commit says, together with those below it.
type MetaState struct {
	Commit refs.OID     // the nearest valid one at or below it; "" if there is none
	Roll   *trust.State // of Commit; nil if there is none
	Bad    *BadMeta     // invalid ones above Commit, newest first; nil: none
	before bool         // it and all below it are of an older format version
}

// BadMeta is a list of meta commits that are not valid, newest first.
type BadMeta struct {
	Commit refs.OID
	Err    error    // a *trust.Fault, or why it cannot be read as a meta commit
	Below  *BadMeta // the one before it; shared by all states above that
	n      int      // length of the list
}

func (b *BadMeta) String() string {
	return fmt.Sprintf("the meta commit %.12s is not believed: %v", b.Commit, b.Err)
}

// Texts describes them, oldest first; of many only the newest.
func (b *BadMeta) Texts() []string {
	var all []string
	for ; b != nil && len(all) < MaxBadMeta; b = b.Below {
		all = append(all, b.String())
	}
	if b != nil {
		all = append(all, fmt.Sprintf("%d more meta commits below are not believed", b.n))
	}
	slices.Reverse(all)
	return all
}

// and returns the list with one more.
func (b *BadMeta) and(commit refs.OID, err error) *BadMeta {
	n := 1
	if b != nil {
		n = b.n + 1
	}
	return &BadMeta{commit, err, b, n}
}

// MetaChain judges meta commits, each once. It is not safe for concurrent use.
type MetaChain struct {
	ctx   context.Context
	local refs.Local
	known map[refs.OID]MetaState
}

// NewMetaChain returns a judge that knows no commit yet. It outlives ctx.
func NewMetaChain(ctx context.Context, l refs.Local) *MetaChain {
	return &MetaChain{context.WithoutCancel(ctx), l, map[refs.OID]MetaState{}}
}

// Accept takes a commit as valid without looking below it.
func (c *MetaChain) Accept(commit refs.OID) error {
	files, err := refs.ReadFiles(c.ctx, c.local, commit, MetaLimit)
	if err != nil {
		return fmt.Errorf("read the meta commit '%s': %w", commit, err)
	}
	roll, err := trust.Believed(files)
	if err != nil {
		return fmt.Errorf("read the meta commit '%s': %w", commit, err)
	}
	c.AcceptRoll(commit, roll)
	return nil
}

// AcceptRoll is Accept of a commit that was read before.
func (c *MetaChain) AcceptRoll(commit refs.OID, roll *trust.State) {
	c.known[commit] = MetaState{Commit: commit, Roll: roll}
}

// At returns the state of a commit. An error is this repository's fault: what is
// there and wrong is in the state.
func (c *MetaChain) At(id refs.OID) (MetaState, error) {
	type todo struct {
		id   refs.OID
		root bool
	}
	var up []todo
	st := MetaState{before: true}
	for tip := id; ; {
		if len(up) == MaxMeta {
			return MetaState{Bad: (*BadMeta)(nil).and(tip, fmt.Errorf("%w than %d commits, which is more than is read", ErrLongMeta, MaxMeta))}, nil
		}
		if known, ok := c.known[id]; ok {
			st = known
			break
		}
		h, err := refs.ReadHead(c.ctx, c.local, id)
		if err != nil {
			if own := ownFault(err); own != nil {
				return MetaState{}, fmt.Errorf("read the meta commit '%s': %w", id, own)
			}
			return MetaState{Bad: (*BadMeta)(nil).and(id, err)}, nil
		}
		up = append(up, todo{id, len(h.Parents) == 0})
		if len(h.Parents) == 0 {
			break
		}
		id = h.Parents[0]
	}
	for _, x := range slices.Backward(up) {
		var err error
		if st, err = c.step(st, x.id, x.root); err != nil {
			return MetaState{}, err
		}
		c.known[x.id] = st
	}
	return st, nil
}

// step judges one commit on the state below it.
func (c *MetaChain) step(st MetaState, id refs.OID, root bool) (MetaState, error) {
	files, err := refs.ReadFiles(c.ctx, c.local, id, MetaLimit)
	if own := ownFault(err); own != nil {
		return MetaState{}, fmt.Errorf("read the meta commit '%s': %w", id, own)
	}
	level := 0
	if err == nil {
		level = trust.Claimed(files["hub.json"]).Level
	}
	older := st.before && (level == 2 || level == 3)
	var roll *trust.State
	switch {
	case err != nil || older:
	case st.Roll != nil:
		roll, err = st.Roll.Next(files)
	case root || st.before:
		roll, err = trust.FirstMeta(files)
	default:
		err = errors.New("it has no beginning")
	}
	switch {
	case older:
		return st, nil
	case err != nil:
		return MetaState{st.Commit, st.Roll, st.Bad.and(id, err), false}, nil
	}
	return MetaState{Commit: id, Roll: roll}, nil
}

// Holds reports whether old is among the first parents of tip, or tip itself.
func (c *MetaChain) Holds(tip, old refs.OID) (bool, error) {
	for range MaxMeta {
		if tip == old {
			return true, nil
		}
		h, err := refs.ReadHead(c.ctx, c.local, tip)
		if err != nil || len(h.Parents) == 0 {
			return false, ownFault(err)
		}
		tip = h.Parents[0]
	}
	return false, nil
}

// Descends reports whether tip is a valid meta commit on top of from; "" is any.
func (c *MetaChain) Descends(from, tip refs.OID) (bool, error) {
	st, err := c.At(tip)
	if err != nil || st.Commit != tip || st.Roll == nil {
		return false, err
	}
	if from == "" || from == tip {
		return true, nil
	}
	return c.Holds(tip, from)
}

// ownFault keeps an error that is the fault of this repository or machine (an
// object that is missing or damaged here, a git that died), and drops one that
// says how something is malformed: that is a verdict.
func ownFault(err error) error {
	if errors.Is(err, refs.ErrMissing) || errors.Is(err, refs.ErrCorrupt) || errors.Is(err, refs.ErrStorage) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
