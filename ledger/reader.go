package ledger

import (
	"errors"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
)

// The walk along the chain. The rules are:
//   - the chain of a tip is its first parents down to the commit that has none;
//   - steps are judged one by one from there; the base of a step is its nearest
//     valid ancestor, before the first valid one Empty;
//   - a bad step is skipped and reported; its commit counts in `sequence`.
//
// So a view follows from the tip's id alone.

// View is a chain as a reader sees it.
type View struct {
	Tip    string  // the commit it was read from; "" = there is no chain yet
	Step   string  // the nearest valid step at or below the tip; "" = none
	Ledger *Ledger // after that step
	Since  uint64  // commits from Step to Tip: bad steps
	Bad    []Bad   // bad steps judged for the first time by this reader, oldest first
}

// Sequence returns the tip's sequence, bad steps counted; 0 where there is no
// chain.
func (v View) Sequence() uint64 {
	if v.Ledger == nil {
		return v.Since
	}
	return v.Ledger.Sequence + v.Since
}

// Bad is a step that no reader accepts.
type Bad struct {
	ID       string
	Sequence uint64
	Reason   string
}

// Reader judges chains and remembers what it has judged. It is not safe for
// concurrent use.
type Reader struct {
	src    Source
	hub    string
	judged map[string]View // by tip, without Bad
	recent []string        // tips that are forgotten after a while
}

// NewReader returns a reader of one hub's chains.
func NewReader(src Source, hub string) *Reader {
	return &Reader{src: src, hub: hub, judged: map[string]View{}}
}

const (
	waypoint = 64 // every so many steps stay remembered, for lost branches
	remember = 16 // and so many of the tips that were asked for
)

// Resume tells the reader of a view that an earlier one has returned; its
// ledger is what Decode gives for the files of its Step. Read then judges only
// what is after it.
func (r *Reader) Resume(v View) {
	v.Bad = nil
	r.judged[v.Tip] = v
}

// Knows reports whether Read need not judge anything for the view of a tip.
func (r *Reader) Knows(tip string) bool {
	_, known := r.judged[tip]
	return known
}

// Read returns the view of a tip, "" for a hub without a chain. With ErrNewer
// it is that of what was decided by rules that are known.
func (r *Reader) Read(tip string) (View, error) {
	v, err := r.read(tip)
	if err == nil && !slices.Contains(r.recent, tip) {
		r.recent = append(r.recent, tip)
		if len(r.recent) > remember {
			delete(r.judged, r.recent[0])
			r.recent = r.recent[1:]
		}
	}
	return v, err
}

// commit is one of the chain on the way up.
type commit struct {
	id      string
	parents []string
}

func (r *Reader) read(tip string) (View, error) {
	v := View{Ledger: Empty(r.hub)}
	var todo []commit
	for id := tip; id != ""; {
		if known, ok := r.judged[id]; ok {
			v = known
			break
		}
		parents, err := r.src.Parents(id)
		if err != nil {
			return View{}, fmt.Errorf("read ledger step '%s': %w", id, err)
		}
		todo = append(todo, commit{id, parents})
		if id = ""; len(parents) > 0 {
			id = parents[0]
		}
	}
	for i, c := range slices.Backward(todo) {
		below := v
		if err := r.take(&v, c); err != nil {
			if !errors.Is(err, ErrNewer) {
				below = View{}
			}
			return below, fmt.Errorf("check ledger step '%s': %w", c.id, err)
		}
		if i == 0 || (len(todo)-i)%waypoint == 0 {
			keep := v
			keep.Bad = nil
			r.judged[c.id] = keep
		}
	}
	return v, nil
}

// take judges the next commit of a view.
func (r *Reader) take(v *View, c commit) error {
	l, err := r.judge(&step{id: c.id, parents: c.parents, base: v.Ledger, since: v.Since})
	v.Tip = c.id
	var why bad
	switch {
	case err == nil:
		v.Step, v.Ledger, v.Since = c.id, l, 0
	case errors.As(err, &why):
		v.Since++
		v.Bad = append(v.Bad, Bad{c.id, v.Sequence(), string(why)})
	default:
		return err
	}
	return nil
}

// Extends reports whether the commit old is on the chain of tip.
func (r *Reader) Extends(tip, old string) (bool, error) {
	found := old == ""
	err := r.walk(tip, func(c commit) bool { found = found || c.id == old; return !found })
	return found, err
}

// walk calls f for the commits of a chain, newest first, until it says stop.
func (r *Reader) walk(tip string, f func(commit) bool) error {
	for id := tip; id != ""; {
		parents, err := r.src.Parents(id)
		if err != nil {
			return fmt.Errorf("read ledger step '%s': %w", id, err)
		}
		if !f(commit{id, parents}) {
			break
		}
		if id = ""; len(parents) > 0 {
			id = parents[0]
		}
	}
	return nil
}

// Granted returns the lock that a claim was given on the chain of tip, whether
// it has ended since or not; false if it was void, waits or is not covered yet.
// The steps above the ones this reader knows are judged: for a claim that was
// just made, resume it from before.
func (r *Reader) Granted(tip string, issue event.UUID, agent string, claimSeq uint64) (l Lock, granted bool, err error) {
	var unread error
	err = r.walk(tip, func(c commit) bool {
		v, err := r.read(c.id)
		if err != nil {
			unread = err
			return false
		}
		l, granted = v.Ledger.Locks[issue]
		granted = granted && l.Agent == agent && l.ClaimSeq == claimSeq
		return !granted && v.Ledger.Position(agent).Seq >= claimSeq
	})
	if err = errors.Join(err, unread); err != nil || !granted {
		return Lock{}, false, err
	}
	return l, true, nil
}

// Holds reports whether tip includes the decisions up to the commit old: old is on the chain
// of tip, or on that of a lost branch that a valid merge step, directly or through other
// branches, has merged. If not, the hub has lost decisions.
func (r *Reader) Holds(tip, old string) (bool, error) {
	if ok, err := r.Extends(tip, old); ok || err != nil {
		return ok, err
	}
	seen := map[string]bool{}
	for branches := []string{tip}; len(branches) > 0; {
		branch := branches[0]
		branches = branches[1:]
		var merges []commit
		err := r.walk(branch, func(c commit) bool {
			if seen[c.id] {
				return false
			}
			seen[c.id] = true
			if len(c.parents) > 1 {
				merges = append(merges, c)
			}
			return true
		})
		if err != nil {
			return false, err
		}
		for _, m := range merges {
			v, err := r.read(m.id)
			if err != nil {
				return false, err
			}
			if v.Step == m.id && v.Ledger.Merged != "" {
				branches = append(branches, v.Ledger.Merged)
			}
		}
		if seen[old] {
			return true, nil
		}
	}
	return false, nil
}

// lost reads the branch that a merge step on the given tip brings back.
func (r *Reader) lost(onto, tip string) (*Lost, error) {
	ours := map[string]bool{}
	if err := r.walk(onto, func(c commit) bool { ours[c.id] = true; return true }); err != nil {
		return nil, err
	}
	if ours[tip] {
		return nil, bad(BadMerge) // nothing was lost
	}
	v, err := r.read(tip)
	if err != nil {
		return nil, err
	}
	x := &Lost{ID: tip, Ledger: v.Ledger, Sequence: v.Sequence(), Over: map[string]uint64{}}
	fork := ""
	err = r.walk(tip, func(c commit) bool {
		if ours[c.id] {
			fork = c.id
		}
		return fork == ""
	})
	if err != nil || fork == "" {
		return x, err
	}
	f, err := r.read(fork)
	x.Fork = f.Sequence()
	return x, err
}
