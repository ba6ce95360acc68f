package tracker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Ref names inside the replica.
const (
	headRoot     = "refs/heads/crosslink/" // written here
	hubRoot      = "refs/hub/"             // last seen on the hub and believed
	incomingRoot = "refs/incoming/"        // last fetched, not looked at yet
	agents       = "agents/"
	metaName     = "meta"
	v2Name       = "hub" // the branch of a level-2 hub

	checkpointName = "checkpoint"
)

// Level is the hub format this program writes.
const Level = 4

// checkpointLimit bounds the files of a level-3 checkpoint.
const checkpointLimit = 256 << 20

// log is one agent's log as this replica sees it.
type log struct {
	agent      string
	here, hub  refs.OID // tips; "" where there is none
	view       refs.OID // the one of the two that holds all lines
	chain      event.Chain
	hubSeq     uint64 // last sequence the hub holds
	lines      []*event.Envelope
	ended      string // why the log stops before its end, "" if it does not
	diverged   bool   // here and hub hold different lines of this hub
	foreign    bool   // here are lines written for another hub id: not in view until bind has rebuilt them
	common     uint64 // how many lines here and hub share, where the hub's goes another way: diverged, or beyond
	beyond     bool   // what the hub has after these lines does not count: it is no part of the log
	waiting    int    // foreign: how many lines
	torn       bool   // objects of here are missing
	missing    bool   // objects of the view are
	legacyOnly bool   // level-3 lines: no chain to go on from

	verdict *trust.Verdict // what of the lines counts; nil: all of it

	end  *logEnd           // in a brief snapshot, which has no lines
	open []*event.Envelope // in a brief snapshot: see snapshot.open
}

// hashAt is the hash of a line, "" where there is none; l may be nil.
func (l *log) hashAt(seq uint64) string {
	if l == nil || seq == 0 || seq > uint64(len(l.lines)) {
		return ""
	}
	return event.Hash(l.lines[seq-1].Raw)
}

// unsent is how many lines the hub does not have.
func (l *log) unsent() int {
	seq := l.hubSeq
	if l.diverged {
		seq = l.common
	}
	if l.chain.Seq <= seq {
		return l.waiting
	}
	return l.waiting + int(l.chain.Seq-seq)
}

// snapshot is everything read from the replica at one moment.
type snapshot struct {
	refs       map[string]refs.OID
	meta       *trust.Meta     // of the hub, else the provisional one, else nil
	roll       *trust.Roll     // meta and who may sign; nil if there is none of level 4
	metaBad    *replay.BadMeta // meta commits above it that nobody believes
	proofs     map[string][]*trust.Proof
	newest     event.Time // greatest time of the lines that count
	level      int        // 0: no hub yet
	bound      bool       // the hub's own meta has been seen
	metaCommit refs.OID   // the commit roll was read from
	apart      bool       // a hub was met, but the numbers given out here stand until init --join
	logs       map[string]*log
	state      *reducer.State    // in a brief one: of what was stamped on it
	lines      []*event.Envelope // those that count
	numbers    map[event.UUID]uint64
	decided    decided
	view       Projection
	brief      *ends                                 // set: the store stands in for state and lines (brief.go)
	later      func(*snapshot)                       // in a brief one: reads the ledger
	seen       func() map[string]event.AgentPresence // signs of life outside the logs
	unread     func() int                            // how many more of them there are
}

// hubID is the id lines written now carry; "" when there is no meta at all.
func (s *snapshot) hubID() string {
	if s.meta == nil {
		return ""
	}
	return s.meta.Hub
}

func (s *snapshot) unsent() int {
	n := 0
	for _, l := range s.logs {
		n += l.unsent()
	}
	return n
}

// unboundLines reports whether lines written here wait to be rebuilt for the hub.
func (s *snapshot) unboundLines() bool {
	for _, l := range s.logs {
		if l.foreign && l.ended == "" {
			return true
		}
	}
	return false
}

// agents returns the ids in order, so that nothing depends on map order.
func (s *snapshot) agents() []string {
	var ids []string
	for id := range s.logs {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// project makes the projection once.
func (s *snapshot) project() Projection {
	if s.view == nil {
		s.view = store.NewMemory(s.state, s.lines, s.numbers).WithDecided(s.locks()).WithPresence(s.seen).WithMarks(s.mark)
	}
	return s.view
}

// memory is the projection of a snapshot that is not brief.
func (s *snapshot) memory() *store.Memory { return s.project().(*store.Memory) }

// load returns the state of the replica, from the store where that has it: then
// the snapshot is brief, and has no lines. For those see loadAll.
func (t *Tracker) load(ctx context.Context) (*snapshot, error) {
	s := &snapshot{}
	if err := t.loadRefs(ctx, s); err != nil {
		return nil, err
	}
	if err := t.prepareSnapshot(ctx, s); err != nil || t.replica == nil {
		return s, err
	}
	switch was := t.loaded; {
	case was == nil || was.brief == nil:
	case maps.Equal(was.refs, s.refs):
		return was, nil
	case sameSeen(was.refs, s.refs):
		is := *was
		is.refs, is.seen, is.unread = s.refs, s.seen, s.unread
		if f, asked := is.view.(*store.File); asked {
			f.See(is.seen) // a fetch may have brought signs of life
		}
		t.loaded = &is
		return &is, nil
	}
	if t.loaded == nil || t.loaded.brief != nil {
		if b := t.briefly(ctx, s); b != nil {
			t.loaded = b
			return b, nil
		}
	}
	return t.readAll(ctx, s)
}

// loadAll reads the replica: refs, meta, every log, and reduces them.
func (t *Tracker) loadAll(ctx context.Context) (*snapshot, error) {
	s := &snapshot{}
	if err := t.loadRefs(ctx, s); err != nil {
		return nil, err
	}
	return t.loadFrom(ctx, s)
}

// prepareSnapshot fills in what needs nothing but the refs.
func (t *Tracker) prepareSnapshot(ctx context.Context, s *snapshot) error {
	s.logs, s.state, s.numbers = map[string]*log{}, reducer.New(), map[event.UUID]uint64{}
	if t.replica == nil {
		return nil
	}
	if err := t.keepApart(ctx, s); err != nil {
		return err
	}
	s.seen, s.unread = t.presences(ctx, s)
	return nil
}

// loadFrom is loadAll of a snapshot of which the refs are known.
func (t *Tracker) loadFrom(ctx context.Context, s *snapshot) (*snapshot, error) {
	if err := t.prepareSnapshot(ctx, s); err != nil || t.replica == nil {
		return s, err
	}
	return t.readAll(ctx, s)
}

// readAll reads what the refs say, or goes on from what was read last.
func (t *Tracker) readAll(ctx context.Context, s *snapshot) (*snapshot, error) {
	if t.loaded != nil && t.loaded.brief != nil {
		t.loaded = nil
	}
	if t.loaded != nil && maps.Equal(t.loaded.refs, s.refs) {
		return t.loaded, nil // a snapshot follows from the refs alone
	}
	if t.loaded = t.follow(ctx, t.loaded, s); t.loaded != nil {
		return t.loaded, nil
	}
	if err := t.loadMeta(ctx, s); err != nil {
		return nil, err
	}
	switch s.level {
	case 2, 3:
		return s, t.loadLegacy(ctx, s)
	}
	if err := t.chooseTips(ctx, s); err != nil {
		return nil, err
	}
	if err := t.readLogs(ctx, s); err != nil {
		return nil, err
	}
	t.loadLedger(ctx, s)
	t.judgeLogs(s)
	if s.decided.err == nil {
		t.loaded = s
	}
	checkRead(ctx, t, s)
	return s, nil
}

// Only tests change this.
var checkRead = func(context.Context, *Tracker, *snapshot) {}

func (t *Tracker) loadRefs(ctx context.Context, s *snapshot) error {
	if t.replica == nil {
		return nil
	}
	all, err := t.local().Refs(ctx, "refs/")
	if err != nil {
		return fmt.Errorf("list the replica's refs: %w", err)
	}
	s.refs = make(map[string]refs.OID, len(all))
	for _, r := range all {
		s.refs[r.Name] = r.OID
	}
	return nil
}

func (t *Tracker) loadMeta(ctx context.Context, s *snapshot) error {
	name := hubRoot + metaName
	s.bound = s.refs[name] != ""
	if !s.bound {
		if t.isLevel2(ctx, s.refs[hubRoot+v2Name]) {
			s.level = 2
			return nil
		}
		if name = headRoot + metaName; s.refs[name] == "" {
			return nil
		}
	}
	files, err := refs.ReadFiles(ctx, t.local(), s.refs[name], replay.MetaLimit)
	if err != nil {
		return fmt.Errorf("read '%s': %w", name, err)
	}
	is := trust.Claimed(files["hub.json"])
	s.level = is.Level
	chain := replay.NewMetaChain(ctx, t.local())
	if known := s.refs[replay.TrustedMeta]; known != "" && s.bound {
		if err := chain.Accept(known); err != nil {
			return err
		}
	}
	st, err := chain.At(s.refs[name])
	switch {
	case err != nil:
		return err
	case st.Roll != nil:
		s.meta, s.roll, s.metaCommit, s.metaBad = st.Roll.Meta, st.Roll, st.Commit, st.Bad
		s.level = max(s.roll.Newer(), Level)
	case s.level > Level:
		s.meta = &trust.Meta{Version: is.Level, Hub: is.Hub, Seq: is.Seq} // what is needed to show its level-4 lines
	case s.level == Level:
		return fmt.Errorf("read 'hub.json' of '%s': %w", name, st.Bad.Err)
	}
	return nil
}

// chooseTips decides, for each agent, which of the tips known holds the view:
// the one with more lines if the other is its beginning (content, never
// ancestry). Where both hold lines of their own the one written here stays in
// view, so that nobody misses what was acknowledged, and the log is marked.
func (t *Tracker) chooseTips(ctx context.Context, s *snapshot) error {
	for name, oid := range s.refs {
		for _, root := range []string{headRoot, hubRoot} {
			id, ok := strings.CutPrefix(name, root+agents)
			if !ok || event.ValidAgentID(id) != nil {
				continue
			}
			l := s.logs[id]
			if l == nil {
				l = &log{agent: id}
				s.logs[id] = l
			}
			if root == headRoot {
				l.here = oid
			} else {
				l.hub = oid
			}
		}
	}
	for _, id := range s.agents() {
		l := s.logs[id]
		switch {
		case l.here == "":
			l.view = l.hub
		case l.hub == l.here:
			l.view = l.here
		default:
			if err := t.choose(ctx, s, l); err != nil {
				return fmt.Errorf("compare the two tips of '%s': %w", id, err)
			}
		}
	}
	return nil
}

// choose compares a log written here with the hub's.
func (t *Tracker) choose(ctx context.Context, s *snapshot, l *log) (err error) {
	if l.hub == "" {
		l.view = l.here
		l.foreign, err = t.foreign(ctx, s, l.agent, l.here)
		return err
	}
	rel, err := refs.IsPrefix(ctx, t.local(), l.agent, l.hub, l.here)
	switch {
	case errors.Is(err, refs.ErrMissing):
		l.view, l.torn = l.hub, true
		return nil
	case err != nil:
		return err
	case rel == refs.Prefix || rel == refs.Equal:
		l.view = l.here
	default:
		if l.foreign, err = t.foreign(ctx, s, l.agent, l.here); err != nil {
			return err
		}
		if l.foreign {
			kept, err := t.goodLines(ctx, l.agent, l.here)
			l.view, l.waiting = l.hub, len(kept)
			return err
		}
		after, err := t.beyond(ctx, s, l)
		switch {
		case err != nil:
			return err
		case after > 0:
			l.view, l.beyond, l.common = l.here, true, after
		case rel == refs.Extends:
			l.view = l.hub
		default:
			l.view, l.diverged = l.here, true
			l.common, err = t.common(ctx, l)
		}
		return err
	}
	return nil
}

// readLogs walks every log line by line and holds the good part.
func (t *Tracker) readLogs(ctx context.Context, s *snapshot) error {
	var want []refs.LogRequest
	for _, id := range s.agents() {
		l := s.logs[id]
		l.chain = event.Chain{Hub: s.hubID(), Agent: id}
		want = append(want, refs.LogRequest{Agent: id, Tip: l.view, From: 1})
		if l.hub != "" && l.hub != l.view { // only how far it goes
			want = append(want, refs.LogRequest{Agent: id, Tip: l.hub, From: math.MaxUint64})
		}
	}
	logs := make([]*log, len(want))
	for i, r := range want {
		logs[i] = s.logs[r.Agent]
	}
	d := newDecoding(logs)
	got, err := refs.WalkLogs(ctx, t.local(), want, func(i int, seq uint64, line []byte) bool {
		switch l := logs[i]; {
		case seq == 0:
			return true
		case want[i].Tip != l.view:
			l.hubSeq = seq
			return true
		}
		return d.add(i, line)
	})
	d.end()
	if err != nil {
		return fmt.Errorf("read the logs: %w", err)
	}
	for i, r := range want {
		l := s.logs[r.Agent]
		if r.Tip != l.view {
			continue
		}
		if l.ended == "" {
			l.ended = got[i].Bad
		}
		l.missing = got[i].Missing
		if l.foreign && l.hub == "" {
			l.ended = ""
		}
		if l.hub == l.view {
			l.hubSeq = l.chain.Seq
		}
		if l.beyond {
			l.hubSeq = l.common
		}
	}
	return nil
}
