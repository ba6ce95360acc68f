package replay

import (
	"errors"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// What was judged of meta tips, for the next process. Anybody who can push can put
// many commits on top of the chain that are not valid; each is read once by a clone.
// The rules are:
//   - a tip is noted that is not a meta commit accepted here;
//   - a note says that commits are not valid, and never makes one valid: it counts
//     for what is above the accepted commit, and for chains without a valid one;
//   - a step of the ledger names any commit, not a tip: what is not valid of the
//     chain below it is noted by marks, one for each markEach commits, so that the
//     next step that names one of them costs no more than that many;
//   - of another chain it says which commit there is valid. That is hearsay: enough
//     to refuse a tip. Before a clone believes one, it judges it.
//
// So who can write a note can hide the news of a hub from this clone, and nothing else.

// MetaNote is the saved verdict on a meta tip.
type MetaNote struct {
	Tip    refs.OID      `json:"tip"`
	Commit refs.OID      `json:"commit,omitempty"` // the nearest valid one
	Bad    int           `json:"bad,omitempty"`    // how many above it are not
	Newest []MetaBadNote `json:"newest,omitempty"` // of those
	Stuck  bool          `json:"stuck,omitempty"`  // nothing above is judged either
	Long   *MetaLong     `json:"long,omitempty"`   // for there are too many
	Lacks  refs.OID      `json:"lacks,omitempty"`  // a commit that is not in the chain
	Marks  []refs.OID    `json:"marks,omitempty"`  // each markEach-th of those that are not, newest first
	Named  bool          `json:"named,omitempty"`  // Tip is what a step names: only Bad and Marks are noted
}

// MetaBadNote is an invalid commit.
type MetaBadNote struct {
	Commit refs.OID `json:"commit"`
	Why    string   `json:"why"`
}

// MetaLong is how a chain was counted.
type MetaLong struct {
	Above refs.OID `json:"above,omitempty"` // the commit that was accepted
	Limit int      `json:"limit"`           // MaxMeta
}

// maxMetaNotes is how many tips are noted: the hub's, one that was refused, and
// the user's own copies of both.
const maxMetaNotes = 4

// maxMetaNamed is how many commits are noted that steps name.
const maxMetaNamed = 4

// Recall loads the notes of an earlier process, and drops incorrect ones.
func (c *MetaChain) Recall(notes []MetaNote) {
	f := c.local.Format()
	for _, n := range notes[:min(len(notes), maxMetaNotes+maxMetaNamed)] {
		ok := f.Valid(n.Tip) && (n.Commit == "" || f.Valid(n.Commit)) && (n.Lacks == "" || f.Valid(n.Lacks)) &&
			n.Bad >= 0 && n.Bad <= 2*MaxMeta && len(n.Marks) <= n.Bad/markEach && (!n.Stuck || n.Bad > 0 && n.Commit == "")
		if n.Named {
			ok = ok && n.Bad > 0 && !n.Stuck && n.Long == nil && len(n.Newest) == 0
		} else {
			ok = ok && len(n.Newest) == min(n.Bad, MaxBadMeta+1)
		}
		if ok && !slices.ContainsFunc(n.Newest, func(b MetaBadNote) bool { return !f.Valid(b.Commit) }) && !slices.ContainsFunc(n.Marks, func(id refs.OID) bool { return !f.Valid(id) }) {
			c.keep(n)
		}
	}
}

// keep adds a note after those that there are, unless there are enough of its kind.
func (c *MetaChain) keep(n MetaNote) {
	most, same := maxMetaNotes, 0
	if n.Named {
		most = maxMetaNamed
	}
	for _, o := range c.notes {
		if o.Named == n.Named {
			same++
		}
	}
	if same < most {
		c.notes = append(c.notes, n)
	}
}

// first makes a note the newest of its kind.
func (c *MetaChain) first(n MetaNote) {
	was := c.notes
	c.notes = []MetaNote{n}
	for _, o := range was {
		if o.Tip != n.Tip || o.Named != n.Named {
			c.keep(o)
		}
	}
}

// Notes returns the notes to save.
func (c *MetaChain) Notes() []MetaNote {
	return slices.DeleteFunc(slices.Clone(c.notes), func(n MetaNote) bool { return n.Tip == c.accepted })
}

// Tip is At for the tip of a branch, and saves a note. The state may be Hearsay.
func (c *MetaChain) Tip(tip refs.OID) (MetaState, error) {
	st, err := c.at(tip, true)
	if err != nil || st.before {
		return st, err
	}
	n := MetaNote{Tip: tip, Commit: st.Commit, Bad: st.Bad.Len(), Stuck: st.stuck, Marks: st.Bad.marked()}
	for b := st.Bad; b != nil && len(n.Newest) <= MaxBadMeta; b = b.Below {
		n.Newest = append(n.Newest, MetaBadNote{b.Commit, b.why()})
	}
	if st.long() {
		n.Long = &MetaLong{c.accepted, MaxMeta}
	}
	if was := c.note(tip); was != nil {
		n.Lacks = was.Lacks
	}
	c.first(n)
	return st, nil
}

// marked are the marks of a list.
func (b *BadMeta) marked() (ids []refs.OID) {
	if b == nil {
		return nil
	}
	for m := b.marks; m != nil; m = m.below {
		ids = append(ids, m.commit)
	}
	return ids
}

// ofStep is At of a commit that a step of the ledger names. It is noted if it is not
// valid and far from all that is known. Of the commits that are not valid the state
// may say only how many there are.
func (c *MetaChain) ofStep(id refs.OID) (MetaState, error) {
	read := len(c.named)
	st, err := c.walk(id, c.named, func(id refs.OID) (MetaState, bool) {
		known, ok := c.known[id]
		if ok = ok && !known.Hearsay; !ok {
			known, ok = c.named[id]
		}
		if !ok {
			known, ok = c.mark(id)
		}
		return known, ok
	})
	if far := len(c.named)-read > markEach; err == nil && far && !st.before && !st.stuck && st.Commit != id {
		c.first(MetaNote{Tip: id, Commit: st.Commit, Bad: st.Bad.Len(), Marks: st.Bad.marked(), Named: true})
	}
	return st, err
}

// mark is the state of a commit of which a note says that it is not valid.
func (c *MetaChain) mark(id refs.OID) (MetaState, bool) {
	for _, n := range c.notes {
		of := n.Bad
		if i := slices.Index(n.Marks, id); n.Tip != id && i < 0 || n.Stuck || n.Long != nil || n.Bad == 0 {
			continue
		} else if n.Tip != id {
			of = (len(n.Marks) - i) * markEach
		}
		st := MetaState{Commit: n.Commit}
		if n.Commit != "" {
			base, ok := c.known[n.Commit]
			if !ok || base.Commit != n.Commit || base.Hearsay {
				continue
			}
			st.Roll = base.Roll
		}
		st.Bad = &BadMeta{Commit: id, Err: errors.New("it was found not to be valid before"), n: of, marks: n.marks(of)}
		return st, true
	}
	return MetaState{}, false
}

// marks are those at the first n of the commits that are not valid.
func (n *MetaNote) marks(first int) (list *metaMark) {
	for i, id := range slices.Backward(n.Marks) {
		if at := (len(n.Marks) - i) * markEach; at <= first {
			list = &metaMark{id, at, list}
		}
	}
	return list
}

func (c *MetaChain) note(tip refs.OID) *MetaNote {
	i := slices.IndexFunc(c.notes, func(n MetaNote) bool { return n.Tip == tip && !n.Named })
	if i < 0 {
		return nil
	}
	return &c.notes[i]
}

// noted is the state of a commit as a note has it. Hearsay only where that is asked
// for.
func (c *MetaChain) noted(id refs.OID, hearsay bool) (MetaState, bool) {
	n := c.note(id)
	if n == nil || n.Long != nil && *n.Long != (MetaLong{c.accepted, MaxMeta}) {
		return MetaState{}, false
	}
	st := MetaState{Commit: n.Commit, stuck: n.Stuck}
	if n.Commit != "" {
		base, ok := c.known[n.Commit]
		if ok = ok && base.Commit == n.Commit; !ok && hearsay {
			base, ok = c.believed(n.Commit)
		}
		if !ok || base.Hearsay && !hearsay {
			return MetaState{}, false
		}
		st.Roll, st.Hearsay = base.Roll, base.Hearsay
	}
	n.bad(&st)
	return st, true
}

// believed is the state of a commit if it is valid.
func (c *MetaChain) believed(commit refs.OID) (MetaState, bool) {
	files, err := refs.ReadFiles(c.ctx, c.local, commit, MetaLimit)
	if err != nil {
		return MetaState{}, false
	}
	roll, err := trust.Believed(files)
	return MetaState{Commit: commit, Roll: roll, Hearsay: true}, err == nil
}

// bad fills in the commits that are not valid.
func (n *MetaNote) bad(st *MetaState) {
	for i, b := range slices.Backward(n.Newest) {
		err := errors.New(b.Why)
		if n.Long != nil {
			err = fmt.Errorf("%w than %d commits, more than this program reads", ErrLongMeta, MaxMeta)
		}
		st.Bad = &BadMeta{b.Commit, err, st.Bad, n.Bad - i, n.marks(n.Bad - i)}
	}
}
