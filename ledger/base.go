package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/event/canon"
)

// base.json: what a hub started from that its logs do not hold. The rules are:
//   - it comes with the root step and is never altered; state.json holds its hash;
//   - hub_version says what it was made of: a hub of level 2 or 3 that was migrated,
//     one of level 4 that this one continues, or 0, a tracker of another kind that
//     was imported. source is a commit of that hub, or the blob that was imported;
//   - the values are registers with the key (created_at, "", 0), lower than any
//     event's, over which its lines are applied;
//   - its numbers live only here: no lines in numbers/, no creation demanded;
//     `last` starts at next − 1; no number stands twice;
//   - of a hub of level 3 it holds the lines that its checkpoint does not, or may not,
//     hold: they are events of the hub as they were, and the old logs are not read;
//   - level-3 locks are not taken over: they are by number and leaked;
//   - one canonical line plus LF, keys in byte order, absent when empty.

// MaxBase is the longest base.json that is read, in bytes.
const MaxBase = event.MaxBase

const basePath = "base.json"

// Base is base.json. Locks is always nil; the numbers of issues are in Numbers, those of
// milestones in Milestones.
type Base struct {
	HubVersion int    // of the hub it was made of: 2, 3 or 4; 0: it was imported
	Source     string // id of the commit it was read from, or of the blob
	event.Base
}

// base is a Base as a ledger keeps it.
type base struct {
	Base
	milestones map[event.UUID]uint64
	taken      map[uint64]bool // issue numbers
	takenM     map[uint64]bool
	raw        []byte
	hash       string
}

var errBase = errors.New("base.json is not of the canonical form")

func readBase(data []byte) (*base, error) {
	line, ok := bytes.CutSuffix(data, []byte("\n"))
	if !ok || len(data) > MaxBase {
		return nil, errBase
	}
	v, err := canon.Parse(line)
	if err != nil {
		return nil, fmt.Errorf("base.json is %w", err)
	}
	r := newReader(v)
	b := &base{raw: data, hash: event.Hash(data), milestones: map[event.UUID]uint64{}, taken: map[uint64]bool{}, takenM: map[uint64]bool{}}
	b.Deleted = r.uuids("deleted")
	b.HubVersion = int(r.uint("hub_version", 0))
	r.lines(&b.Base.Base)
	b.NextIssue, b.NextMilestone = r.uint("next_issue", 1), r.uint("next_milestone", 1)
	b.Numbers = map[event.UUID]uint64{}
	number := func(name string, n, next uint64, taken map[uint64]bool) {
		// Room above, so that `last` of an honest hub never reaches the limit
		// of an integer.
		if n >= next || next > canon.MaxUint/2 || taken[n] {
			r.fail()
		}
		taken[n] = true
	}
	numbers, _ := r.sub("numbers", true)
	numbers.each(func(name string, v canon.Value) {
		n, ok := v.Uint()
		if !ok || n == 0 {
			r.fail()
		}
		b.Numbers[r.uuid(name)] = n
		number(name, n, b.NextIssue, b.taken)
	})
	issues, _ := r.sub("issues", true)
	issues.each(func(name string, v canon.Value) {
		i := issues.child(v).issue(r.uuid(name))
		i.Number = b.Numbers[i.UUID]
		b.Issues = append(b.Issues, i)
	})
	milestones, _ := r.sub("milestones", true)
	milestones.each(func(name string, v canon.Value) {
		m := milestones.child(v).milestone(r.uuid(name))
		if m.Number != 0 {
			b.milestones[m.UUID] = m.Number
			number(name, m.Number, b.NextMilestone, b.takenM)
		}
		b.Milestones = append(b.Milestones, m)
	})
	b.Source = r.str("source")
	r.end(isOID(b.Source) && slices.Contains([]int{0, 2, 3, 4}, b.HubVersion) && b.NextIssue <= canon.MaxUint/2 && b.NextMilestone <= canon.MaxUint/2)
	if r.failed() {
		return nil, errBase
	}
	return b, nil
}

// sorted returns numbers that have no creation, by number.
func sorted(m map[event.UUID]uint64) []Numbered {
	out := make([]Numbered, 0, len(m))
	for u, n := range m {
		out = append(out, Numbered{Number: n, UUID: u})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Number < out[j].Number })
	return out
}

// uuids reads a set: sorted, each once.
func (r *reader) uuids(name string) (out []event.UUID) {
	for _, s := range r.strs(name) {
		out = append(out, r.uuid(s))
	}
	return out
}

// strs reads a sorted list without duplicates; an empty one is absent.
func (r *reader) strs(name string) (out []string) {
	v, ok := r.take(name)
	if !ok {
		return nil
	}
	for _, x := range v.Items() {
		s, ok := x.Str()
		if !ok || len(out) > 0 && out[len(out)-1] >= s {
			r.fail()
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		r.fail()
	}
	return out
}

// children reads an optional object of objects by uuid.
func (r *reader) children(name string, f func(u event.UUID, c *reader)) {
	o, ok := r.sub(name, false)
	if !ok {
		return
	}
	o.each(func(name string, v canon.Value) { f(r.uuid(name), o.child(v)) })
	if len(o.v.Members()) == 0 {
		r.fail()
	}
}

// oneOf reads a text of a closed list.
func oneOf[T ~string](r *reader, name string, list ...T) T {
	s := T(r.str(name))
	if !slices.Contains(list, s) {
		r.fail()
	}
	return s
}
