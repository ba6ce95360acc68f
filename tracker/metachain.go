package tracker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// The meta chain, as trust judges it, over the replica's objects. The rules
// are:
//   - it is the first parents from a tip down to its root, and is judged from
//     there, each commit on the nearest valid one below it;
//   - a commit that is not valid (unsigned, not by an admin, not the next one)
//     is passed over, as a bad step of the ledger is: who can push can put one
//     there, an admin goes on above it, and nobody has to be forced;
//   - what is believed here once is not judged again, and every later meta has
//     to be on top of it (trustedMeta).
//
// So what a tip says follows from its id alone.

// trustedMeta is the meta commit that this clone believes: at first contact
// the newest valid one of what it sees, then whatever continues it.
const trustedMeta = "refs/trusted/meta"

// maxMeta bounds how many meta commits are walked above what is believed here,
// or from the first one on; a variable for its test. A hub whose chain is longer
// is not judged by whoever comes new, and not written to.
var maxMeta = 100_000

var errLongMeta = errors.New("its chain has more")

// maxBadMeta is how many commits that nobody believes are named, the newest.
const maxBadMeta = 20

// metaState is what a meta commit leaves.
type metaState struct {
	commit refs.OID    // the nearest valid one at or below it; "" = there is none
	roll   *trust.Roll // of that
	bad    *badMeta    // passed over above that, the newest; nil: none
	before bool        // it and all below it are of an older level
}

// badMeta is a meta commit that nobody believes.
type badMeta struct {
	commit refs.OID
	err    error    // a *trust.Fault, or why it cannot be read as a meta commit
	below  *badMeta // the one before it; shared by all states above that
	n      int      // how many there are, with it
}

func (b *badMeta) String() string {
	return fmt.Sprintf("the meta commit %.12s is not believed: %v", b.commit, b.err)
}

// texts says them, oldest first, of many only the newest.
func (b *badMeta) texts() []string {
	var all []string
	for ; b != nil && len(all) < maxBadMeta; b = b.below {
		all = append(all, b.String())
	}
	if b != nil {
		all = append(all, fmt.Sprintf("%d more meta commits below are not believed", b.n))
	}
	slices.Reverse(all)
	return all
}

// behind is a list with one more.
func (b *badMeta) behind(commit refs.OID, err error) *badMeta {
	n := 1
	if b != nil {
		n = b.n + 1
	}
	return &badMeta{commit, err, b, n}
}

// metaChain judges meta commits, each once.
type metaChain struct {
	ctx   context.Context
	local refs.Local
	known map[refs.OID]metaState
}

func newMetaChain(ctx context.Context, l refs.Local) *metaChain {
	return &metaChain{context.WithoutCancel(ctx), l, map[refs.OID]metaState{}}
}

// believe takes a commit for valid without looking below it.
func (c *metaChain) believe(commit refs.OID) error {
	files, err := refs.ReadFiles(c.ctx, c.local, commit, metaLimit)
	if err != nil {
		return fmt.Errorf("read the meta commit '%s': %w", commit, err)
	}
	roll, err := trust.Believed(files)
	if err != nil {
		return fmt.Errorf("read the meta commit '%s': %w", commit, err)
	}
	c.known[commit] = metaState{commit: commit, roll: roll}
	return nil
}

// at returns the state of a commit. An error is this side's: what is there and
// wrong is in the state.
func (c *metaChain) at(id refs.OID) (metaState, error) {
	type todo struct {
		id   refs.OID
		root bool
	}
	var up []todo
	st := metaState{before: true}
	for tip := id; ; {
		if len(up) == maxMeta {
			return metaState{bad: (*badMeta)(nil).behind(tip, fmt.Errorf("%w than %d commits, which is more than is read", errLongMeta, maxMeta))}, nil
		}
		if known, ok := c.known[id]; ok {
			st = known
			break
		}
		h, err := refs.ReadHead(c.ctx, c.local, id)
		if err != nil {
			if own := ownFault(err); own != nil {
				return metaState{}, fmt.Errorf("read the meta commit '%s': %w", id, own)
			}
			return metaState{bad: (*badMeta)(nil).behind(id, err)}, nil
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
			return metaState{}, err
		}
		c.known[x.id] = st
	}
	return st, nil
}

// step judges one commit on the state below it.
func (c *metaChain) step(st metaState, id refs.OID, root bool) (metaState, error) {
	files, err := refs.ReadFiles(c.ctx, c.local, id, metaLimit)
	if own := ownFault(err); own != nil {
		return metaState{}, fmt.Errorf("read the meta commit '%s': %w", id, own)
	}
	level := 0
	if err == nil {
		level = trust.Claimed(files["hub.json"]).Level
	}
	older := st.before && (level == 2 || level == 3)
	var roll *trust.Roll
	switch {
	case err != nil || older:
	case st.roll != nil:
		roll, err = st.roll.Next(files)
	case root || st.before:
		roll, err = trust.FirstMeta(files)
	default:
		err = errors.New("it has no beginning")
	}
	switch {
	case older:
		return st, nil
	case err != nil:
		return metaState{st.commit, st.roll, st.bad.behind(id, err), false}, nil
	}
	return metaState{commit: id, roll: roll}, nil
}

// holds reports whether old is on the first parents of tip.
func (c *metaChain) holds(tip, old refs.OID) (bool, error) {
	for range maxMeta {
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

// descends reports whether tip is a valid meta commit and continues from, ""
// for any.
func (c *metaChain) descends(from, tip refs.OID) (bool, error) {
	st, err := c.at(tip)
	if err != nil || st.commit != tip || st.roll == nil {
		return false, err
	}
	if from == "" || from == tip {
		return true, nil
	}
	return c.holds(tip, from)
}

// ownFault keeps an error that is this repository's or this machine's (an
// object that is missing or damaged here, a git that died), and drops one that
// says how something read is malformed: that is a verdict, no fault.
func ownFault(err error) error {
	var ge *refs.GitError
	if errors.Is(err, refs.ErrMissing) || errors.Is(err, refs.ErrCorrupt) || errors.As(err, &ge) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
