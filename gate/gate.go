// Package gate is the server's check of a push: which changes of the tracker's branches a
// hub accepts, if its owner can install hooks.
//
// Clients verify everything themselves and skip invalid data. The gate refuses such data,
// and informs the pusher. The rules are:
//
//   - only the tracker's own refs are checked; the gate ignores every other ref;
//   - data on the hub stays: no rewind, no changed line, and no deletion except of the branch
//     of a log that the archive contains;
//   - only new data is checked: new commits, new lines, new steps. Older data was checked when
//     it arrived, or arrived before the gate was installed;
//   - meta comes first, because it contains the rules; then the logs; then the ledger, which
//     may cover only lines that the hub's logs then have; then the archive, which may include
//     only logs that the ledger covers; deletions last;
//   - the core decides (event.Chain, ledger.Reader, trust); the gate adds checks that only a
//     server can make: shape, size, order of arrival, the server's clock;
//   - everything pushed is hostile: reads are bounded, one log at a time.
//
// It sees core and edges, as tracker does, but a server has no clone, no replica and no
// state, only a push to judge.
package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/replay"
)

// Command is one ref of a push.
type Command struct {
	Ref      string
	Old, New refs.OID // "": the ref does not exist, before or after
}

// Options are the parameters of a check.
type Options struct {
	Now       time.Time        // the server's clock
	NotesPath string           // file with stored verdicts; "" means none
	Namespace string           // prefix of every ref in the repository (git namespaces), ending in '/'
	Pusher    *PushCertificate // the pusher, if the server asks for certificates; nil binds nobody
	Limits    Limits           // the zero value limits nothing
}

// maxCommits bounds the commits of one push; a variable for its test.
var maxCommits = 100_000

const (
	heads       = refs.HubPrefix
	agentPrefix = heads + "agents/"
	metaRef     = heads + "meta"
	ledgerRef   = heads + "checkpoint"
	archiveRef  = heads + replay.ArchiveName
	presence    = "refs/crosslink/presence/"
	replace     = "refs/replace"
)

// Private are the namespaces that the program uses only inside a replica, and that `push
// --mirror` of a replica would upload. refs/replace is not one of them: it would replace
// the tracker's objects for all readers.
var Private = []string{"refs/crosslink/", refs.IncomingPrefix, "refs/hub/", "refs/lost/", "refs/forked/", refs.ArchivedPrefix, refs.OuterPrefix,
	"refs/trusted/", "refs/before/", refs.PresenceHere, replace + "/"}

// Ours reports whether the gate checks a ref.
func Ours(ref string) bool {
	return strings.HasPrefix(ref, heads) || ref+"/" == heads || caseTwin(ref) || namespaced(ref) ||
		slices.ContainsFunc(Private, func(p string) bool { return strings.HasPrefix(ref, p) })
}

// caseTwin reports whether a ref is not checked by its name, but becomes one of the checked
// refs where a file system folds names, on the hub or in a clone.
func caseTwin(ref string) bool {
	folded := refs.FoldName(ref)
	return folded != ref && slices.ContainsFunc(guarded(), func(p string) bool { return isBelow(folded, p) && !isBelow(ref, p) })
}

// isBelow reports whether a ref is dir or below it.
func isBelow(ref, dir string) bool {
	rest, ok := strings.CutPrefix(ref, dir)
	return ok && (rest == "" || rest[0] == '/')
}

// namespaced reports whether a ref belongs to another git namespace (gitnamespaces(7)) in
// which the gate would check it. A push to that namespace is judged by its rules; a push
// under the full name would bypass them.
func namespaced(ref string) bool {
	const above = "refs/namespaces/"
	ref = refs.FoldName(ref) // as a file system may
	in := false
	for {
		rest, ok := strings.CutPrefix(ref, above)
		if !ok {
			return in && Ours(ref)
		}
		in = true
		if _, ref, ok = strings.Cut(rest, "/"); !ok {
			return false
		}
	}
}

// gate judges one push.
type gate struct {
	ctx  context.Context
	repo *git.Server
	o    Options

	before   map[string]refs.OID     // the tracker's refs before the push
	after    map[string]refs.OID     // and after it, as far as they are accepted
	incoming map[refs.OID][]refs.OID // commits in the push → parents
	meta     *metaState              // the rules; nil: there is no hub
	archive  refs.OID                // the archive after the push
	steps    map[refs.OID]refs.OID   // judged tips of archives → their nearest valid step; "" means none
	pinned   pins                    // positions that the ledger on the hub covers
	newest   event.Time              // newest time that lines on the hub explain; -1: not computed yet
	brought  int64                   // bytes of the push that were read so far
	signs    *signsOfLife            // nil: not counted yet
}

func newGate(ctx context.Context, repo *git.Server, o Options) *gate {
	return &gate{ctx: ctx, repo: repo, o: o, before: map[string]refs.OID{}, after: map[string]refs.OID{}, steps: map[refs.OID]refs.OID{}, newest: -1}
}

// Check checks a push and returns what it refuses, at most one refusal for each ref. It
// skips refs that are not the tracker's. An error means that nothing could be checked.
func Check(ctx context.Context, repo *git.Server, push []Command, o Options) ([]*Refusal, error) {
	g := newGate(ctx, repo, o)
	var mine []Command
	for _, c := range push {
		if Ours(c.Ref) {
			mine = append(mine, c)
		}
	}
	if len(mine) == 0 {
		return nil, nil
	}
	if err := g.look(mine); err != nil {
		return nil, err
	}
	// Meta decides how logs are judged, and logs decide what a step may cover.
	slices.SortStableFunc(mine, func(a, b Command) int { return a.rank() - b.rank() })
	refused, mine := g.names(mine)
	if err := g.arrive(mine); err != nil {
		return nil, err
	}
	if g.incoming == nil {
		for _, c := range mine {
			refused = append(refused, on(c, refuse(TooMuch, cureLess, "the push brings more than %d commits", maxCommits)))
		}
		return refused, nil
	}
	if err := g.readMeta(); err != nil {
		return nil, err
	}
	for _, c := range mine {
		r, err := g.judge(c)
		if err != nil {
			if r = unreadable(err); r == nil {
				return nil, fmt.Errorf("check '%s': %w", c.Ref, err)
			}
		}
		if r != nil {
			refused = append(refused, on(c, r))
			continue
		}
		g.after[c.Ref] = c.New
	}
	return refused, nil
}

func on(c Command, r *Refusal) *Refusal {
	r.Ref = c.Ref
	return r
}

// unreadable treats an error about an object as a fault of the push.
func unreadable(err error) *Refusal {
	if tooMuch, ok := errors.AsType[*overLimit](err); ok {
		return tooMuch.refusal()
	}
	if errors.Is(err, refs.ErrMissing) || errors.Is(err, refs.ErrCorrupt) || errors.Is(err, refs.ErrTooLarge) {
		return refuse(Unreadable, cureLess, "%v", err)
	}
	return nil
}

// rank orders the commands of a push: each is judged by the earlier ones.
func (c Command) rank() int {
	switch {
	case c.Ref == metaRef:
		return 0
	case strings.HasPrefix(c.Ref, agentPrefix) && c.New != "":
		return 1
	case c.Ref == ledgerRef:
		return 2
	case c.Ref == archiveRef:
		return 3
	}
	return 4
}

// look reads the hub's refs.
func (g *gate) look(push []Command) error {
	all, err := g.repo.Refs(g.ctx, g.o.Namespace+heads)
	if err != nil {
		return fmt.Errorf("list the hub's refs: %w", err)
	}
	for _, r := range all {
		name := strings.TrimPrefix(r.Name, g.o.Namespace)
		g.before[name], g.after[name] = r.OID, r.OID
	}
	g.archive = g.before[archiveRef]
	for _, c := range push {
		if c.Ref == archiveRef {
			g.archive = c.New
		}
	}
	return nil
}

// names refuses refs with invalid names and returns the others.
func (g *gate) names(push []Command) (refused []*Refusal, rest []Command) {
	logs := map[string]string{} // folded name → name
	for name := range g.before {
		if strings.HasPrefix(name, agentPrefix) {
			logs[refs.FoldName(name)] = name
		}
	}
	for _, c := range push {
		if c.New == "" && (caseTwin(c.Ref) || isBelow(c.Ref, replace)) {
			continue // an existing one may be deleted
		}
		r := g.name(c, logs)
		if r != nil {
			refused = append(refused, on(c, r))
			continue
		}
		rest = append(rest, c)
	}
	return refused, rest
}

func (g *gate) name(c Command, logs map[string]string) *Refusal {
	id, isLog := strings.CutPrefix(c.Ref, agentPrefix)
	clone, isPresence := strings.CutPrefix(c.Ref, presence)
	switch {
	case namespaced(c.Ref):
		return refuse(HiddenRef, cureNamespace, "it is a branch of a tracker in another namespace")
	case isPresence:
		if clone == "" || strings.Trim(clone, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || len(clone) > 64 {
			return refuse(Name, cureNoPush, "'%s' is not the name of a clone", plain(clone))
		}
		return nil
	case isLeftover(c):
		return nil // meta decides whether it may be deleted
	case isLog && c.New == "":
		return nil // the archive decides whether it may be deleted
	case strings.HasPrefix(c.Ref, heads) && c.New == "":
		return refuse(Deletion, cureMirror, "the tracker's branches cannot be deleted")
	case isLog:
		if err := event.ValidAgentID(id); err != nil {
			return refuse(AgentID, cureID, "%v", err)
		}
		if twin := logs[c.Ref]; c.Old == "" && twin != "" && twin != c.Ref {
			return refuse(CaseTwin, cureID, "on some file systems its name is the same as that of the log '%s'", plain(strings.TrimPrefix(twin, agentPrefix)))
		}
		return nil
	case c.Ref == metaRef, c.Ref == ledgerRef, c.Ref == archiveRef:
		return nil
	case caseTwin(c.Ref):
		return refuse(CaseTwin, cureBranch, "on some file systems its name is the same as that of the tracker's branches under 'crosslink/'")
	case c.Ref+"/" == heads:
		return refuse(Name, cureBranch, "a branch 'crosslink' would block the tracker's branches under 'crosslink/'")
	case strings.HasPrefix(c.Ref, heads):
		return refuse(Name, cureBranch, "only branches of the tracker may be under 'crosslink/': agents/<id>, archive, checkpoint, meta")
	}
	if isBelow(c.Ref, replace) {
		return refuse(HiddenRef, cureReplace, "readers would get a different object from the one the tracker names")
	}
	return refuse(HiddenRef, cureNoPush, "these refs are internal to the program")
}

// arrive lists the commits in the push; incoming stays nil if there are too many.
func (g *gate) arrive(push []Command) error {
	var tips []refs.OID
	for _, c := range push {
		if c.New != "" {
			tips = append(tips, c.New)
		}
	}
	if len(tips) == 0 {
		g.incoming = map[refs.OID][]refs.OID{}
		return nil
	}
	var err error
	if g.incoming, err = g.repo.Incoming(g.ctx, tips, maxCommits); err != nil && !errors.Is(err, git.ErrTooMany) {
		return fmt.Errorf("list what the push brings: %w", err)
	}
	return nil
}

// judge judges one ref. An error about an object is a fault of the push.
func (g *gate) judge(c Command) (*Refusal, error) {
	id, isLog := strings.CutPrefix(c.Ref, agentPrefix)
	switch {
	case strings.HasPrefix(c.Ref, presence):
		return g.presence(c)
	case c.Ref == metaRef:
		return g.judgeMeta(c)
	case isLeftover(c):
		return g.judgeLeftover(), nil
	case g.meta == nil:
		return refuse(NoHub, cureHub, "'crosslink/meta' does not exist yet: push it first, or together with the rest"), nil
	case g.meta.refused != nil:
		r := *g.meta.refused
		return &r, nil
	case g.meta.Successor() != "":
		return refuse(Moved, cureSuccessor, "the hub has moved: the tracker continues at '%s'", g.meta.Successor()), nil
	case isLog && c.New == "":
		return g.judgeDeletion(c, id)
	case isLog:
		return g.judgeLog(c, id)
	case c.Ref == archiveRef:
		return g.judgeArchive(c)
	}
	return g.judgeLedger(c)
}

// reach walks the commits of the push below tip. edge are the older commits on which they
// are based.
func (g *gate) reach(tip refs.OID) (fresh, edge []refs.OID) {
	seen := map[refs.OID]bool{tip: true}
	for todo := []refs.OID{tip}; len(todo) > 0; {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		parents, isNew := g.incoming[id]
		if !isNew {
			edge = append(edge, id)
			continue
		}
		fresh = append(fresh, id)
		for _, p := range parents {
			if !seen[p] {
				seen[p] = true
				todo = append(todo, p)
			}
		}
	}
	return fresh, edge
}

// forward refuses a ref that is not based on the hub's own tip.
func (g *gate) forward(c Command, edge []refs.OID) (*Refusal, error) {
	if c.Old == "" || slices.Contains(edge, c.Old) {
		return nil, nil
	}
	ok, err := g.repo.IsAncestor(g.ctx, c.Old, c.New)
	if err != nil || ok {
		return nil, err
	}
	return refuse(FastForward, cureSync, "not a fast-forward: the tracker's branches are never rewound or replaced, not even with --force"), nil
}

// plain makes a stranger's text safe to quote: short, and without characters that control a
// terminal.
func plain(s string) string {
	if len(s) > 160 {
		s = s[:160] + "..."
	}
	return printable(s)
}

// printable replaces every character that is not plain text by '?'.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
