package ledger_test

import (
	"maps"
	"slices"
)

// A simulated hub: refs that move by fast-forward, pushes that are atomic or
// not, and everything that can go wrong with one. What it does with a call is
// said by its fault function.

const (
	checkpointRef = "checkpoint"
	metaRef       = "meta"
	agentRefs     = "agents/"
)

// fault is what goes wrong with one call.
type fault int

const (
	none       fault = iota
	down             // fetch, push: no connection
	refused          // push: the hub says no for no reason we know
	unanswered       // push: applied, the answer is lost
	vanished         // push: not applied, no answer
	late             // push: no answer, applied while others continue
	torn             // push: of a hub without --atomic: only the last ref lands
	stale            // fetch: an older state of the hub
	faults
)

var faultNames = [faults]string{"none", "down", "refused", "unanswered", "vanished", "late", "torn", "stale"}

var (
	fetchFaults = []fault{none, down, stale}
	pushFaults  = []fault{none, refused, unanswered, vanished, late, torn}
)

type outcome int

const (
	accepted outcome = iota
	rejected
	noAnswer
)

type update struct{ ref, to string }

type hub struct {
	w       *world
	refs    map[string]string
	history []map[string]string // every state the refs ever had
	delayed []delayedPush
	fault   func(of []fault) fault
	fired   [faults]int
	calls   int
	changed func() // after each change of a ref
}

type delayedPush struct {
	updates []update
	old     map[string]string
	after   int // calls
}

func newHub(w *world) *hub {
	h := &hub{w: w, refs: map[string]string{metaRef: w.meta}, fault: func([]fault) fault { return none }, changed: func() {}}
	h.history = append(h.history, maps.Clone(h.refs))
	return h
}

// begin is the start of every call: late pushes arrive, and it is said what
// goes wrong with this one.
func (h *hub) begin(of []fault) fault {
	h.calls++
	still := h.delayed[:0]
	for _, p := range h.delayed {
		switch {
		case p.after > h.calls:
			still = append(still, p)
		default:
			// The hub compares with what it had when the push began.
			h.apply(p.updates, p.old)
		}
	}
	h.delayed = still
	f := h.fault(of)
	h.fired[f]++
	return f
}

func (h *hub) fetch() (map[string]string, bool) {
	switch h.begin(fetchFaults) {
	case down:
		return nil, false
	case stale:
		return maps.Clone(h.history[max(0, len(h.history)-3)]), true
	}
	return maps.Clone(h.refs), true
}

// push moves all refs or none; meta is the one that was last seen there.
func (h *hub) push(updates []update, meta string) outcome {
	f := h.begin(pushFaults)
	switch f {
	case refused:
		return rejected
	case down, vanished:
		return noAnswer
	case late:
		h.delayed = append(h.delayed, delayedPush{updates, maps.Clone(h.refs), h.calls + 2})
		return noAnswer
	case torn:
		updates = updates[len(updates)-1:]
	}
	ok := h.refs[metaRef] == meta && h.apply(updates, h.refs)
	switch {
	case f == unanswered:
		return noAnswer
	case f == torn:
		return rejected
	case !ok:
		return rejected
	}
	return accepted
}

func (h *hub) apply(updates []update, old map[string]string) bool {
	old = maps.Clone(old)
	for _, u := range updates {
		if h.refs[u.ref] != old[u.ref] || !h.w.descends(u.to, h.refs[u.ref]) {
			return false
		}
	}
	for _, u := range updates {
		h.refs[u.ref] = u.to
	}
	h.note()
	return true
}

func (h *hub) note() {
	h.history = append(h.history, maps.Clone(h.refs))
	h.changed()
}

// rewind restores an old backup.
func (h *hub) rewind(back int) {
	h.refs = maps.Clone(h.history[max(0, len(h.history)-1-back)])
	h.note()
}

// lose removes a ref, or puts it back to what it was.
func (h *hub) lose(ref string, back int) {
	h.refs = maps.Clone(h.refs)
	if id := h.history[max(0, len(h.history)-1-back)][ref]; id != "" && back > 0 {
		h.refs[ref] = id
	} else {
		delete(h.refs, ref)
	}
	h.note()
}

// logs returns the agents that have a log there.
func logs(refs map[string]string) []string {
	var out []string
	for r := range refs {
		if len(r) > len(agentRefs) && r[:len(agentRefs)] == agentRefs {
			out = append(out, r[len(agentRefs):])
		}
	}
	slices.Sort(out)
	return out
}
