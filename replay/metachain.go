package replay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

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
// So what a tip says follows from its id alone, and what was judged of one holds
// forever: MetaNotes keep it from one process to the next.

// TrustedMeta is the ref of the meta commit that this clone has accepted: at first contact
// the newest valid one, later its valid successors.
const TrustedMeta = "refs/trusted/meta"

// MetaLimit bounds the files of a meta commit.
const MetaLimit = 16 << 20

// MaxMeta is the maximum number of meta commits that are read after the accepted one, or
// from the first one; a variable for its test. New clones cannot check a hub with a longer
// chain, and do not write to it.
var MaxMeta = 100_000

// ErrLongMeta means that a meta chain is longer than MaxMeta.
var ErrLongMeta = errors.New("its chain has more")

// MaxBadMeta is how many invalid commits BadMeta.Texts lists; it lists the newest.
const MaxBadMeta = 20

// MetaState is the state of a meta commit and of the chain before it.
type MetaState struct {
	Commit refs.OID     // the nearest valid one at or below it; "" if there is none
	Roll   *trust.State // of Commit; nil if there is none
	Bad    *BadMeta     // invalid ones above Commit, newest first; nil: none

	// Hearsay reports that Commit is valid only according to a saved note; see MetaNote.
	Hearsay bool

	before bool // it and all below it are of an older format version
	stuck  bool // nothing above it is judged either: Bad says why
}

// BadMeta is a list of meta commits that are not valid, newest first.
type BadMeta struct {
	Commit refs.OID
	Err    error    // a *trust.Fault, or why it cannot be read as a meta commit
	Below  *BadMeta // the one before it; shared by all states above that
	n      int      // length of the list
	marks  *metaMark
}

// markEach is how many invalid commits lie between two marks.
const markEach = 64

// metaMark is a list of every markEach-th commit of a BadMeta, newest first.
type metaMark struct {
	commit refs.OID
	n      int // its place in that list, from the oldest
	below  *metaMark
}

func (b *BadMeta) String() string {
	return fmt.Sprintf("the meta commit %.12s is ignored: %s", b.Commit, b.why())
}

// maxWhy bounds the bytes of the reason why a commit is invalid, because it may quote a
// stranger.
const maxWhy = 300

func (b *BadMeta) why() string {
	why := b.Err.Error()
	return strings.ToValidUTF8(why[:min(len(why), maxWhy)], "")
}

// Texts describes the commits, oldest first; if there are many, only the newest.
func (b *BadMeta) Texts() []string {
	var all []string
	for ; b != nil && len(all) < MaxBadMeta; b = b.Below {
		all = append(all, b.String())
	}
	if b != nil {
		all = append(all, fmt.Sprintf("%d more meta commits below are ignored", b.n))
	}
	slices.Reverse(all)
	return all
}

// Len returns the number of invalid commits.
func (b *BadMeta) Len() int {
	if b == nil {
		return 0
	}
	return b.n
}

// and returns the list with one more.
func (b *BadMeta) and(commit refs.OID, err error) *BadMeta {
	next := &BadMeta{Commit: commit, Err: err, Below: b, n: b.Len() + 1}
	if b != nil {
		next.marks = b.marks
	}
	if next.n%markEach == 0 {
		next.marks = &metaMark{commit, next.n, next.marks}
	}
	return next
}

// MetaChain checks meta commits, each once. It is not safe for concurrent use.
type MetaChain struct {
	ctx      context.Context
	local    refs.Local
	known    map[refs.OID]MetaState
	named    map[refs.OID]MetaState // of commits that steps of the ledger name, and those below
	below    map[refs.OID]refs.OID  // first parents, as far as they were read
	accepted refs.OID
	notes    []MetaNote // of tips, those asked for last first
}

// NewMetaChain returns a MetaChain that has checked no commit yet. It remains usable after
// ctx ends.
func NewMetaChain(ctx context.Context, l refs.Local) *MetaChain {
	return &MetaChain{ctx: context.WithoutCancel(ctx), local: l, known: map[refs.OID]MetaState{}, named: map[refs.OID]MetaState{}, below: map[refs.OID]refs.OID{}}
}

// Accept marks a commit as valid without checking earlier ones.
func (c *MetaChain) Accept(commit refs.OID) error {
	if st, ok := c.known[commit]; ok && st.Commit == commit && !st.Hearsay {
		c.accept(commit)
		return nil
	}
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

// AcceptRoll is Accept for a commit that was already read.
func (c *MetaChain) AcceptRoll(commit refs.OID, roll *trust.State) {
	c.known[commit] = MetaState{Commit: commit, Roll: roll}
	c.accept(commit)
}

// accept forgets which chains were too long: they are counted from what is accepted.
func (c *MetaChain) accept(commit refs.OID) {
	if c.accepted != commit {
		c.accepted = commit
		for _, m := range []map[refs.OID]MetaState{c.known, c.named} {
			maps.DeleteFunc(m, func(_ refs.OID, st MetaState) bool { return st.long() })
		}
	}
}

// len is how many commits are read for it, Commit and those above.
func (st MetaState) len() int {
	if st.Commit == "" {
		return st.Bad.Len()
	}
	return st.Bad.Len() + 1
}

func (st MetaState) long() bool { return st.stuck && errors.Is(st.Bad.Err, ErrLongMeta) }

// stuckAt is the state of a chain of which nothing can be judged.
func stuckAt(id refs.OID, why error) MetaState {
	return MetaState{Bad: (*BadMeta)(nil).and(id, why), stuck: true}
}

// At returns the state of a commit. An error means that this repository could not be read;
// faults of the commit are in the state.
func (c *MetaChain) At(tip refs.OID) (MetaState, error) { return c.at(tip, false) }

func (c *MetaChain) at(tip refs.OID, hearsay bool) (MetaState, error) {
	return c.walk(tip, c.known, func(id refs.OID) (MetaState, bool) {
		known, ok := c.known[id]
		if ok = ok && (hearsay || !known.Hearsay); !ok {
			if known, ok = c.noted(id, hearsay); ok {
				c.known[id] = known
			}
		}
		return known, ok
	})
}

// walk is At with what look knows of commits. It adds what it finds to judged.
func (c *MetaChain) walk(tip refs.OID, judged map[refs.OID]MetaState, look func(refs.OID) (MetaState, bool)) (MetaState, error) {
	var up []refs.OID
	st, root := MetaState{before: true}, false
	for id := tip; !root; id = c.below[id] {
		known, ok := look(id)
		if ok && !known.stuck && (len(up) == 0 || len(up)+known.len() <= MaxMeta) {
			st = known
			break
		}
		if !ok && len(up) < MaxMeta {
			var err error
			if root, err = c.readBelow(id); err == nil {
				up = append(up, id)
				continue
			} else if own := ownFault(err); own != nil {
				return MetaState{}, fmt.Errorf("read the meta commit '%s': %w", id, own)
			}
			known = stuckAt(id, err)
		} else if !known.stuck {
			known = stuckAt(tip, fmt.Errorf("%w than %d commits, more than this program reads", ErrLongMeta, MaxMeta))
		}
		judged[tip] = known
		return known, nil
	}
	for _, id := range slices.Backward(up) {
		var err error
		if st, err = c.step(st, id, c.below[id] == ""); err != nil {
			return MetaState{}, err
		}
		judged[id] = st
	}
	return st, nil
}

// readBelow reads the first parent of a commit, unless that is known. root: it has
// none.
func (c *MetaChain) readBelow(id refs.OID) (root bool, err error) {
	if below, ok := c.below[id]; ok {
		return below == "", nil
	}
	h, err := refs.ReadHead(c.ctx, c.local, id)
	if err != nil {
		return false, err
	}
	c.below[id] = ""
	if len(h.Parents) > 0 {
		c.below[id] = h.Parents[0]
	}
	return len(h.Parents) == 0, nil
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
		return MetaState{Commit: st.Commit, Roll: st.Roll, Bad: st.Bad.and(id, err), Hearsay: st.Hearsay}, nil
	}
	return MetaState{Commit: id, Roll: roll, Hearsay: st.Hearsay}, nil
}

// Holds reports whether the commit old is tip or one of its first-parent ancestors. It
// stops at floor; "" means no bound. If the tip is one that notes are kept for, the answer
// is noted.
func (c *MetaChain) Holds(tip, old, floor refs.OID) (bool, error) {
	at := tip
	for range MaxMeta {
		if st := c.known[at]; at == old || st.Commit == old && !st.Hearsay {
			return true, nil
		}
		if n := c.note(at); at == floor || n != nil && n.Lacks == old {
			break
		}
		root, err := c.readBelow(at)
		if own := ownFault(err); own != nil {
			return false, own
		}
		if err != nil || root {
			break
		}
		at = c.below[at]
	}
	if n := c.note(tip); n != nil {
		n.Lacks = old
	}
	return false, nil
}

// Descends reports whether tip is a valid meta commit after from; "" accepts any.
func (c *MetaChain) Descends(from, tip refs.OID) (bool, error) {
	st, err := c.ofStep(tip)
	if err != nil || st.Commit != tip || st.Roll == nil {
		return false, err
	}
	if from == "" || from == tip {
		return true, nil
	}
	return c.Holds(tip, from, "")
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
