package ledger_test

import (
	"crypto/sha256"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
)

// The world of the tests: commits by id, as a git object database has them.
// Hubs and agents (hub_test.go, agent_test.go) hold ids of it.

const hubID = "6f1c1f7e-3c5a-4d0e-9d7b-1c2d3e4f5a6b"

// commit is a step, a log's tip or a meta commit, whichever part is set.
type commit struct {
	parents []string
	files   map[string][]byte // a step
	forged  bool              // written by nobody honest
	agent   string            // a log
	lines   []*event.Envelope
	hashes  []string
	policy  ledger.Policy // meta
	broken  bool          // a tree that is not that of a step
}

type world struct {
	t       testing.TB
	commits map[string]*commit
	meta    string // the first meta commit
	uuids   int
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, commits: map[string]*commit{}}
	w.meta = w.add(&commit{policy: ledger.Free{}})
	return w
}

// add gives a commit its id.
func (w *world) add(c *commit) string {
	id := fmt.Sprintf("%040x", len(w.commits)+1)
	w.commits[id] = c
	return id
}

func (w *world) uuid() event.UUID {
	w.uuids++
	h := sha256.Sum256(fmt.Appendf(nil, "uuid %d", w.uuids))
	return event.UUID(h[:16])
}

// Parents, Files, Lines and Meta are ledger.Source.

func (w *world) Parents(id string) ([]string, error) {
	c, ok := w.commits[id]
	if !ok {
		return nil, fmt.Errorf("there is no commit '%s'", id)
	}
	return c.parents, nil
}

func (w *world) Files(id string) (map[string][]byte, bool, error) {
	c := w.commits[id]
	return c.files, c.files != nil && !c.broken, nil
}

func (w *world) Lines(tip, agent string, after ledger.Position, upTo uint64) iter.Seq2[*event.Envelope, error] {
	return func(yield func(*event.Envelope, error) bool) {
		c, ok := w.commits[tip]
		if !ok {
			yield(nil, fmt.Errorf("there is no commit '%s'", tip))
			return
		}
		n := uint64(len(c.lines))
		if c.agent != agent || after.Seq > n || after.Seq > 0 && c.hashes[after.Seq-1] != after.Hash {
			return
		}
		for _, e := range c.lines[after.Seq:max(min(upTo, n), after.Seq)] {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (w *world) Meta(id, from string) (ledger.Policy, bool, error) {
	for at := id; from != "" && at != from; {
		c, ok := w.commits[at]
		if !ok || c.policy == nil || len(c.parents) == 0 {
			return nil, false, nil
		}
		at = c.parents[0]
	}
	c, ok := w.commits[id]
	if !ok || c.policy == nil {
		return nil, false, nil
	}
	return c.policy, true, nil
}

// descends reports whether old is an ancestor of id, as a fast-forward asks.
func (w *world) descends(id, old string) bool {
	if old == "" || id == old {
		return true
	}
	// Commits are numbered as they are made: ancestors are smaller.
	seen := map[string]bool{}
	for todo := []string{id}; len(todo) > 0; {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, p := range w.commits[at].parents {
			if p == old {
				return true
			}
			if p > old && !seen[p] {
				seen[p] = true
				todo = append(todo, p)
			}
		}
	}
	return false
}

// writer is a log in the making.
type writer struct {
	w     *world
	chain event.Chain
	tip   string
}

func (w *world) writer(agent string) *writer {
	return &writer{w: w, chain: event.Chain{Hub: hubID, Agent: agent}}
}

// say appends one event stamped now (or later, if seen is) and commits it.
func (a *writer) say(now, seen event.Time, b event.Body) *event.Envelope {
	a.w.t.Helper()
	e := &event.Envelope{Body: b}
	if _, err := a.chain.Stamp(e, now, seen); err != nil {
		a.w.t.Fatal(err)
	}
	return a.commit(e)
}

// raw appends a line whose event has these bytes.
func (a *writer) raw(now event.Time, eventJSON string) *event.Envelope {
	a.w.t.Helper()
	prev := ""
	if a.chain.Hash != "" {
		prev = `,"prev":"` + a.chain.Hash + `"`
	}
	line := fmt.Sprintf(`{"v":4,"hub":"%s","agent_id":"%s","agent_seq":%d,"timestamp":"%s"%s,"event":%s}`,
		hubID, a.chain.Agent, a.chain.Seq+1, now, prev, eventJSON)
	e, err := a.chain.Next([]byte(line))
	if err != nil {
		a.w.t.Fatal(err)
	}
	return a.commit(e)
}

func (a *writer) commit(e *event.Envelope) *event.Envelope {
	c := &commit{agent: a.chain.Agent}
	if a.tip != "" {
		old := a.w.commits[a.tip]
		c.parents, c.lines, c.hashes = []string{a.tip}, old.lines, old.hashes
	}
	c.lines, c.hashes = append(slices.Clip(c.lines), e), append(slices.Clip(c.hashes), event.Hash(e.Raw))
	a.tip = a.w.add(c)
	return e
}

// at is the n-th second of the tests' time.
func at(n int) event.Time { return event.Time(1_772_000_000_000_000_000 + int64(n)*1_000_000_000) }

// root commits a root step.
func (w *world) root(by string) string {
	w.t.Helper()
	l, err := ledger.Root(hubID, nil, by, at(0))
	if err != nil {
		w.t.Fatal(err)
	}
	return w.add(&commit{files: l.Files()})
}

// write commits a draft, with the whole tree, as git would have it.
func (w *world) write(d *ledger.Draft) string {
	w.t.Helper()
	files := map[string][]byte{}
	if d.On.Step != "" {
		maps.Copy(files, w.commits[d.On.Step].files)
	}
	maps.Copy(files, d.Files())
	return w.add(&commit{parents: d.Parents, files: files})
}

// cold reads a tip from the root.
func (w *world) cold(tip string) ledger.View {
	w.t.Helper()
	v, err := ledger.NewReader(w, hubID).Read(tip)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// words tells what a ledger holds, for comparing and for reading.
func words(l *ledger.Ledger) string {
	var b strings.Builder
	fmt.Fprintf(&b, "sequence %d", l.Sequence)
	for _, x := range l.Issues() {
		fmt.Fprintf(&b, "; issue %d %s %s/%d", x.Number, x.UUID.String()[:4], x.Agent, x.Seq)
	}
	for _, x := range l.Milestones() {
		fmt.Fprintf(&b, "; milestone %d %s %s/%d", x.Number, x.UUID.String()[:4], x.Agent, x.Seq)
	}
	for _, u := range sortedKeys(l.Locks) {
		k := l.Locks[u]
		fmt.Fprintf(&b, "; lock %s %s/%d token %d", u.String()[:4], k.Agent, k.ClaimSeq, k.Token)
		for _, q := range l.Queue[u] {
			fmt.Fprintf(&b, ", waits %s/%d", q.Agent, q.ClaimSeq)
		}
	}
	fmt.Fprintf(&b, "; aliases %v %v", l.IssueAliases, l.MilestoneAliases)
	for _, a := range slices.Sorted(maps.Keys(l.Positions())) {
		fmt.Fprintf(&b, "; %s@%d", a, l.Position(a).Seq)
	}
	return b.String()
}

func sortedKeys[V any](m map[event.UUID]V) []event.UUID {
	return slices.SortedFunc(maps.Keys(m), func(a, b event.UUID) int { return slices.Compare(a[:], b[:]) })
}
