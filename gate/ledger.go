package gate

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// A pushed checkpoint is valid if
//
//   - the hub's tip is on its first-parent chain, so that no decision is lost;
//   - it starts from the base that meta names, or from nothing if meta names none: the hub's
//     founder vouches for the authors and times of a base;
//   - every later step is valid (ledger.Reader judges it as every reader does);
//   - the lines that it covers are on the hub: each position it moved is a line of a log that
//     the hub has, or gets in the same push. A step carries its inputs, so without this rule
//     covering a forged log could make it the agent's log;
//   - the meta under which it was decided is on the hub's own chain;
//   - the commits in the push are steps, logs or meta.

// pin is a position of the ledger.
type pin struct {
	seq  uint64
	hash string
}

// pins are the positions that the ledger on the hub covers, by agent.
type pins map[string]pin

// chainOn returns a reader of the ledger's chain that has already judged the hub's
// own steps, and the view of their tip.
func (g *gate) chainOn() (*ledger.Reader, ledger.View, error) {
	src := replay.NewSteps(g.ctx, g.repo, g.meta.Hub)
	r := ledger.NewReader(src, g.meta.Hub)
	old := string(g.before[ledgerRef])
	notes := readNotes(g.o.NotesPath, g.meta.Hub)
	if n, ok := notes.of(old); ok {
		if v, ok := n.view(src, g.meta.Hub); ok {
			r.Resume(v)
		}
	}
	v, err := r.Read(old)
	if err == nil {
		notes.add(v)
	}
	return r, v, err
}

// pins returns the positions that the ledger on the hub covers; none if there is no ledger
// or it cannot be read.
func (g *gate) pins() (pins, error) {
	if g.pinned != nil {
		return g.pinned, nil
	}
	g.pinned = pins{}
	if g.before[ledgerRef] == "" {
		return g.pinned, nil
	}
	_, v, err := g.chainOn()
	if err != nil {
		if unreadable(err) != nil || errors.Is(err, ledger.ErrNewer) {
			return g.pinned, nil // logs are then judged as if there were no ledger
		}
		return nil, err
	}
	for agent, p := range v.Ledger.Positions() {
		g.pinned[agent] = pin{p.Seq, p.Hash}
	}
	return g.pinned, nil
}

func (g *gate) judgeLedger(c Command) (*Refusal, error) {
	fresh, edge := g.reach(c.New)
	if r, err := g.forward(c, edge); r != nil || err != nil {
		return r, err
	}
	r, was, err := g.chainOn()
	if err != nil {
		return ledgerFault(err)
	}
	onChain, err := r.Extends(string(c.New), string(c.Old))
	if err != nil {
		return ledgerFault(err)
	}
	if !onChain {
		return refuse(FastForward, cureSync, "the ledger on the hub is not on its first-parent chain"), nil
	}
	is, err := r.Read(string(c.New))
	if err != nil {
		return ledgerFault(err)
	}
	if len(is.Bad) > 0 {
		b := is.Bad[0]
		x := refuse("ledger-"+b.Reason, cureSync, "step %d (%s) does not follow from the events it covers", b.Sequence, b.ID[:12])
		return x, nil
	}
	if is.Ledger.BaseHash() != g.meta.Base {
		return refuse("ledger-"+ledger.BadBase, cureSync, "it does not start from the state that 'crosslink/meta' names"), nil
	}
	if why, err := g.underMeta(is); why != nil || err != nil {
		return why, err
	}
	if why, err := g.covers(was, is); why != nil || err != nil {
		return why, err
	}
	if why, err := g.strays(c, fresh); why != nil || err != nil {
		return why, err
	}
	notes := readNotes(g.o.NotesPath, g.meta.Hub)
	notes.add(was)
	notes.add(is)
	return nil, nil
}

func ledgerFault(err error) (*Refusal, error) {
	if errors.Is(err, ledger.ErrNewer) {
		return refuse("ledger-"+ledger.OtherRules, cureUpdate, "%v", err), nil
	}
	return nil, err
}

// underMeta refuses a ledger whose last step was decided under meta that the
// hub does not have.
func (g *gate) underMeta(is ledger.View) (*Refusal, error) {
	meta := refs.OID(is.Ledger.Meta)
	if meta == "" {
		return nil, nil // a root
	}
	for _, id := range g.meta.chain {
		if id == meta {
			return nil, nil
		}
	}
	return refuse(NotOnHub, cureSync, "it was decided under a 'crosslink/meta' that is not on the hub (%.12s)", plain(string(meta))), nil
}

// covers refuses a ledger that moved a position beyond every log on the hub.
func (g *gate) covers(was, is ledger.View) (*Refusal, error) {
	now, claimed := is.Ledger.Positions(), sync.OnceValues(g.claimed)
	for _, agent := range slices.Sorted(maps.Keys(now)) {
		p := now[agent]
		if was.Ledger.Position(agent) == p {
			continue
		}
		ok, tip := false, g.after[agentPrefix+agent]
		var err error
		if tip == "" {
			var archived map[string]refs.OID
			archived, err = claimed()
			tip = archived[agent]
		}
		if tip != "" && err == nil {
			ok, err = g.holds(tip, agent, pin{p.Seq, p.Hash})
		}
		if err != nil {
			return nil, err
		}
		if !ok {
			r := refuse(NotOnHub, cureSync, "it covers line %d of '%s', which the log on the hub does not contain", p.Seq, plain(agent))
			return r, nil
		}
	}
	return nil, nil
}

// strays checks commits in the push of the ledger that are on no branch: the inputs of
// steps of a branch that the hub lost. Only judges of the ledger read them, so only their
// shape matters.
func (g *gate) strays(c Command, fresh []refs.OID) (*Refusal, error) {
	known := map[refs.OID]bool{}
	for name, tip := range g.after {
		if name == metaRef || strings.HasPrefix(name, agentPrefix) {
			ids, _ := g.reach(tip)
			for _, id := range ids {
				known[id] = true
			}
		}
	}
	w := treeWalk{g: g, seen: map[string]bool{}, allow: anyPlace}
	for _, id := range fresh {
		if known[id] {
			continue
		}
		h, err := g.commit(id)
		if err != nil {
			return nil, err
		}
		w.n = 0
		if r, err := w.tree("", h.Tree); r != nil || err != nil {
			if r != nil {
				r.Why = fmt.Sprintf("in commit %s, %s", id[:12], r.Why)
			}
			return r, err
		}
	}
	return nil, nil
}

// anyPlace checks that an entry belongs to a step, a log or meta.
func anyPlace(p string, e entry) string {
	dir := p == "events" || shardPath().MatchString(p) || ledger.HasDir(p)
	switch {
	case dir && e.mode != refs.ModeTree:
		return "is not a directory"
	case !dir && e.mode != refs.ModeBlob:
		return "is not a plain file"
	case dir, segmentPath().MatchString(p), ledger.HasFile(p), metaFile(p), p == "events.log":
		return ""
	}
	return "is not part of a tracker"
}
