package gate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/archive"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/replay"
)

// A pushed archive is valid if
//
//   - the hub's tip is on its first-parent chain;
//   - every later step is valid (package archive, as every reader judges it);
//   - each added log is the one on the hub, and the ledger covers its last line;
//   - the agent of such a log holds no lock and waits for none;
//   - the commits in the push are steps, or logs.
//
// The branch of a log may be deleted if the archive, as it is after the push, contains all
// its lines. A branch may only be created again with all lines that the ledger covers.

// archiveRule is the prefix of rule names before the reasons of package archive.
const archiveRule = "archive-"

// Rules about an archived log, besides those of package archive.
const (
	archiveHolds  = archiveRule + "holds"   // the agent holds a lock, or waits for one
	archiveNotNow = archiveRule + "not-end" // the log on the hub has other lines, or more
	archiveLacks  = archiveRule + "lacks"   // a branch that is created again lacks lines that the ledger covers
)

func (g *gate) judgeArchive(c Command) (*Refusal, error) {
	fresh, edge := g.reach(c.New)
	if r, err := g.forward(c, edge); r != nil || err != nil {
		return r, err
	}
	decided, err := g.decided()
	if err != nil {
		return ledgerFault(err)
	}
	steps, err := g.newSteps(c)
	if err != nil {
		return nil, err
	}
	if steps == nil {
		return refuse(FastForward, cureSync, "the archive on the hub is not on its first-parent chain"), nil
	}
	was, err := g.validArchive(c.Old)
	if err != nil {
		return nil, err
	}
	a, err := g.readArchive(decided, c.New, was)
	if err != nil {
		return nil, err
	}
	for _, b := range a.Bad { // steps from before the gate was installed may be invalid
		if steps[b.ID] {
			return refuse(archiveRule+b.Reason, cureSync, "step %.12s of the archive is not valid: %s", b.ID, b.Detail), nil
		}
	}
	for _, agent := range slices.Sorted(maps.Keys(a.Logs)) {
		if r, err := g.mayFold(decided, agent, a.Logs[agent]); r != nil || err != nil {
			return r, err
		}
	}
	r, err := g.strays(c, slices.DeleteFunc(fresh, func(id refs.OID) bool { return steps[id] }))
	if r == nil && err == nil {
		g.noteArchive(c.New, a.Step)
	}
	return r, err
}

// newSteps returns the steps of a pushed archive; nil if the hub's archive is not on its
// first-parent chain.
func (g *gate) newSteps(c Command) (map[refs.OID]bool, error) {
	steps := map[refs.OID]bool{}
	for id := c.New; id != c.Old; {
		if _, comes := g.incoming[id]; !comes && c.Old != "" {
			return nil, nil
		}
		steps[id] = true
		h, err := g.commit(id)
		if err != nil {
			return nil, err
		}
		if id = ""; len(h.Parents) > 0 {
			id = h.Parents[0]
		}
	}
	return steps, nil
}

// readArchive judges the steps of an archive after a valid step.
func (g *gate) readArchive(decided *ledger.Ledger, tip, from refs.OID) (replay.Archive, error) {
	covers := func(agent string, seq uint64, hash string) (bool, error) {
		return g.coversEnd(decided, agent, seq, hash)
	}
	return replay.ReadArchive(g.ctx, g.repo, replay.ArchiveRequest{Hub: g.meta.Hub, Tip: tip, From: from, Covers: covers, Revoked: g.meta.Ends})
}

// decided returns the decisions of the ledger that the hub has after the push.
func (g *gate) decided() (*ledger.Ledger, error) {
	r, v, err := g.chainOn()
	if tip := g.after[ledgerRef]; err == nil && tip != g.before[ledgerRef] {
		v, err = r.Read(string(tip))
	}
	return v.Ledger, err
}

// coversEnd reports whether the ledger covers a line: as the last one of the log, or as
// one before it in the log on the hub.
func (g *gate) coversEnd(decided *ledger.Ledger, agent string, seq uint64, hash string) (bool, error) {
	at := decided.Position(agent)
	if at.Seq <= seq {
		return at == ledger.Position{Seq: seq, Hash: hash}, nil
	}
	tip := g.after[agentPrefix+agent]
	if tip == "" {
		return false, nil
	}
	ok, err := g.holds(tip, agent, pin{at.Seq, at.Hash})
	if ok && err == nil {
		ok, err = g.holds(tip, agent, pin{seq, hash})
	}
	return ok, err
}

// mayFold refuses a log that was added to the archive and is valid there, but has not
// ended on the hub.
func (g *gate) mayFold(decided *ledger.Ledger, agent string, tip refs.OID) (*Refusal, error) {
	if on := g.after[agentPrefix+agent]; on != "" && on != tip {
		there, err := g.commit(on)
		if err != nil {
			return nil, err
		}
		folded, err := g.commit(tip)
		if err != nil {
			return nil, err
		}
		if there.Tree != folded.Tree {
			return refuse(archiveNotNow, cureSync, "the log of '%s' on the hub is not the one that would be archived", agent), nil
		}
	}
	for issue, k := range decided.Locks {
		if k.Agent == agent || slices.ContainsFunc(decided.Queue[issue], func(w ledger.Waiter) bool { return w.Agent == agent }) {
			return refuse(archiveHolds, cureSync, "'%s' holds a lock or waits for one", agent), nil
		}
	}
	return nil, nil
}

// judgeDeletion judges the deletion of the branch of a log.
func (g *gate) judgeDeletion(c Command, agent string) (*Refusal, error) {
	if c.Old == "" {
		return nil, nil // git also allows it
	}
	refused := refuse(Deletion, cureMirror, "a log's branch can be deleted only after the log was archived")
	if event.ValidAgentID(agent) != nil {
		return refused, nil
	}
	tip, err := g.validArchive(g.after[archiveRef])
	if err != nil || tip == "" {
		return refused, err
	}
	held, err := g.archivedTree(tip, agent)
	if err != nil || held == "" {
		return refused, err
	}
	log, err := g.commit(c.Old)
	if err != nil || held == log.Tree {
		return nil, err
	}
	decided, err := g.decided() // a branch that was set back: rare, so reading the whole archive is acceptable
	if err != nil {
		return nil, err
	}
	a, err := g.readArchive(decided, tip, "")
	if err != nil || a.Logs[agent] == "" {
		return refused, err
	}
	rel, err := refs.IsPrefix(g.ctx, g.repo, agent, c.Old, a.Logs[agent])
	if err != nil || rel == refs.Prefix {
		return nil, err
	}
	return refused, nil
}

// comesBack refuses a new branch of an archived log that lacks lines which the ledger
// covers: no clone would accept it, and all would warn.
func (g *gate) comesBack(c Command, agent string, covered pin) (*Refusal, error) {
	tip := g.after[archiveRef]
	if c.Old != "" || tip == "" {
		return nil, nil
	}
	if held, err := g.archivedTree(tip, agent); err != nil || held == "" {
		return nil, err
	}
	if ok, err := g.holds(c.New, agent, covered); err != nil || ok {
		return nil, err
	}
	return refuse(archiveLacks, cureSync, "the archive holds events of '%s' that this branch lacks", agent), nil
}

// validArchive returns the nearest valid step of the hub's archive, "" for none.
func (g *gate) validArchive(tip refs.OID) (refs.OID, error) {
	if tip == "" {
		return "", nil
	}
	if step, known := g.steps[tip]; known {
		return step, nil
	}
	if readNotes(g.o.NotesPath, g.meta.Hub).Archive == string(tip) {
		return tip, nil
	}
	decided, err := g.decided()
	if err != nil {
		return "", err
	}
	a, err := g.readArchive(decided, tip, "")
	if err != nil {
		return "", err
	}
	g.noteArchive(tip, a.Step)
	return a.Step, nil
}

// noteArchive stores the nearest valid step of an archive. The next push only uses it if it
// is the archive's tip by the hub's current refs, because the rest of this push may be
// refused.
func (g *gate) noteArchive(tip, step refs.OID) {
	g.steps[tip] = step
	if step == tip && g.after[ledgerRef] == g.before[ledgerRef] && g.after[metaRef] == g.before[metaRef] {
		readNotes(g.o.NotesPath, g.meta.Hub).setArchive(string(tip))
	}
}

// archivedTree returns the tree of an agent's log in the archive, "" if it is missing.
func (g *gate) archivedTree(tip refs.OID, agent string) (refs.OID, error) {
	h, err := g.commit(tip)
	if err != nil {
		return "", err
	}
	at := h.Tree
	for name := range strings.SplitSeq(archive.Path(agent), "/") {
		data, err := g.object(at, refs.Tree, archiveTreeLimit)
		if err != nil {
			return "", err
		}
		list, err := refs.ParseTree(g.repo.Format(), data)
		if err != nil {
			return "", fmt.Errorf("tree '%s': %w: %w", at, err, refs.ErrCorrupt)
		}
		i := slices.IndexFunc(list, func(e refs.TreeEntry) bool { return e.Name == name && e.Mode == refs.ModeTree })
		if i < 0 {
			return "", nil
		}
		at = list[i].OID
	}
	return at, nil
}

// archiveTreeLimit bounds one directory of the archive.
const archiveTreeLimit = 16 << 20

// claimed returns the tips of the logs in the archive that the hub would have after the
// push, whether it is valid or not: that is judged separately.
func (g *gate) claimed() (map[string]refs.OID, error) {
	all := func(string, uint64, string) (bool, error) { return true, nil }
	ended := func(string, uint64) bool { return true }
	a, err := replay.ReadArchive(g.ctx, g.repo, replay.ArchiveRequest{Hub: g.meta.Hub, Tip: g.archive, Covers: all, Revoked: ended})
	return a.Logs, refs.IgnoreMissing(err)
}

// findArchive reports invalid steps of the hub's archive: from before the gate was
// installed, or made by the owner of the hub.
func (h *hub) findArchive(ctx context.Context, environ []string, find finder) error {
	repo := git.NewServer(h.outer.CommonDir, h.outer.Format, environ)
	defer repo.Close()
	g := newGate(ctx, repo, Options{Now: time.Now(), NotesPath: notesPath(h.outer.CommonDir), Namespace: aboveOf(environ)})
	if err := g.look(nil); err != nil {
		return err
	}
	tip := g.before[archiveRef]
	if tip == "" {
		return nil
	}
	if err := g.readMeta(); err != nil || g.meta == nil || g.meta.refused != nil {
		return nil // reported with meta
	}
	var a replay.Archive
	decided, err := g.decided()
	if err == nil {
		a, err = g.readArchive(decided, tip, "")
	}
	switch {
	case err != nil:
		find(fail.Problem, "archive/unreadable", fail.Fields{"ref": g.o.Namespace + archiveRef}, "the archive of retired logs cannot be checked: %v", err)
	case a.Passed > 0:
		b, how := a.Bad[len(a.Bad)-1], fail.Problem
		if a.Step == tip { // a later step repaired it
			how = fail.Note
		}
		find(how, "archive", fail.Fields{"step": string(b.ID)}, "the archive of retired logs has invalid steps: %d, the last is %.12s (%s); every clone ignores them", a.Passed, b.ID, b.Detail)
	}
	return nil
}
