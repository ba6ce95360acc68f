package tracker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/replay/replaytest"
	"github.com/git-crosslink/git-crosslink/store"
)

// replayed counts what was compared with package replay.
var replayed struct {
	whole, resumed, logs, kept, unread, rows atomic.Int64
	kinds                                    sync.Map // string → *atomic.Int64
}

func didReplay(kind string) {
	n, _ := replayed.kinds.LoadOrStore(kind, new(atomic.Int64))
	n.(*atomic.Int64).Add(1)
}

// Replayed says what was compared so far.
func Replayed() string {
	kinds := map[string]int64{}
	replayed.kinds.Range(func(k, v any) bool { kinds[k.(string)] = v.(*atomic.Int64).Load(); return true })
	return fmt.Sprintf("%d whole reads, %d resumed ones; of %d logs that were resumed, %d were not read, %d continued; %v",
		replayed.whole.Load(), replayed.resumed.Load(), replayed.logs.Load(), replayed.unread.Load(), replayed.kept.Load(), kinds)
}

// read is a state of a replica and what a store holds then.
type readOnce struct {
	state *replay.State
	model *replaytest.Model
}

// earlier are states of replicas, by path, from which later reads resume.
var earlier = struct {
	sync.Mutex
	by map[string][]readOnce
}{by: map[string][]readOnce{}}

func init() {
	checkRead = func(ctx context.Context, t *Tracker, s *snapshot) {
		if t.getenv("GIT_TRACE2_EVENT") != "" {
			return // that test counts git processes
		}
		if diff := t.replaysAs(context.WithoutCancel(ctx), s); diff != "" {
			panic("package replay does not read what is in the refs: " + diff)
		}
	}
}

// replaysAs compares a snapshot that was read as a whole with what package replay
// reads, from nothing and from earlier states.
func (t *Tracker) replaysAs(ctx context.Context, s *snapshot) string {
	r := replay.NewReader(t.local(), nil)
	state, d, err := r.Advance(ctx, &replay.State{}, s.refs)
	if err != nil {
		return fmt.Sprintf("from nothing: %v", err)
	}
	whole := &replaytest.Model{}
	if err := whole.Apply(d); err != nil {
		return fmt.Sprintf("from nothing: %v", err)
	}
	replayed.whole.Add(1)
	if diff := s.differsFrom(state, whole); diff != "" {
		return "from nothing: " + diff
	}
	path := t.replica.Path()
	earlier.Lock()
	was := slices.Clone(earlier.by[path])
	earlier.Unlock()
	for _, old := range was {
		from := old.state
		if from.Cacheable() && rand.N(2) == 0 { // as a store hands it back
			if from, err = replay.Decode(old.model.Header, old.model.Cursors); err != nil {
				return err.Error()
			}
			from.Level = old.state.Level
			if a, b := string(from.Header()), string(old.state.Header()); a != b {
				return fmt.Sprintf("decoded:\n%s\n%s", a, b)
			}
			didReplay("decoded")
		}
		next, d, err := replay.NewReader(t.local(), nil).Advance(ctx, from, s.refs)
		if err != nil {
			return fmt.Sprintf("resumed: %v", err)
		}
		m := old.model.Clone()
		if d.From == nil {
			didReplay("another hub")
		}
		if err := m.Apply(d); err != nil {
			return fmt.Sprintf("resumed: %v", err)
		}
		replayed.resumed.Add(1)
		replayed.logs.Add(int64(len(next.Logs)))
		if diff := m.Differs(whole); diff != "" {
			return fmt.Sprintf("resumed from %x:\n%s", old.model.Stamp[:4], diff)
		}
	}
	if len(was) >= 3 {
		was = slices.Delete(was, 1, 2)
	}
	earlier.Lock()
	earlier.by[path] = append(was, readOnce{state, whole})
	earlier.Unlock()
	return ""
}

// differsFrom says where a snapshot is not what package replay reads.
func (s *snapshot) differsFrom(r *replay.State, m *replaytest.Model) string {
	var diff []string
	same := func(what string, a, b any) {
		if !reflect.DeepEqual(a, b) {
			diff = append(diff, fmt.Sprintf("%s: %v, replayed: %v", what, a, b))
		}
	}
	same("level", s.level, r.Level)
	same("bound", s.bound, r.Bound)
	same("hub", s.hubID(), r.Hub)
	same("meta", s.metaCommit, r.MetaCommit)
	same("bad meta", fmt.Sprint(s.metaBad.Texts()), fmt.Sprint(r.BadMeta.Texts()))
	same("newest", s.newest, r.Newest)
	same("agents", s.agents(), r.AgentIDs())
	same("lost", s.lost(), r.Lost())
	same("ledger's error", errText(s.decided.err), errText(r.Ledger.Err))
	same("ledger", []any{s.decided.view.Step, s.decided.view.Since}, []any{r.Ledger.Step, r.Ledger.Since})
	if errors.Is(s.decided.err, ledger.ErrNewer) {
		didReplay("newer rules")
	}
	if len(r.Ledger.Bad) > 0 {
		didReplay("bad steps")
	}
	same("unsent", s.unsent(), func() (n int) {
		for _, c := range r.Logs {
			n += int(c.Unsent())
		}
		return n
	}())
	if s.decided.err == nil {
		same("numbers", s.numbers, m.Numbers)
	}
	same("aliases", fmt.Sprint(s.granted().Aliases), fmt.Sprint(m.Aliases))
	locks := s.locks()
	same("locked", slices.Sorted(maps.Keys(keyed(locks.Locks))), slices.Sorted(maps.Keys(keyed(m.Locks))))
	for u, k := range m.Locks {
		same("lock", locks.Locks[u], store.Lock{Holder: k.Holder, Token: k.Token, Since: k.Since, Branch: k.Branch, Confirmed: k.Confirmed, Ending: k.Ending})
		same("queue", fmt.Sprint(locks.Queue[u]), fmt.Sprint(k.Queue))
	}
	proofs := r.Proofs()
	for id := range s.proofs {
		same("proofs against "+id, len(s.proofs[id]), len(proofs[id]))
		didReplay("proof")
	}
	for _, id := range s.agents() {
		l, c := s.logs[id], r.Logs[id]
		if c == nil {
			continue // said above
		}
		same(id+"'s tips", []any{l.here, l.hub, l.view}, []any{c.Here, c.Hub, c.View})
		same(id+"'s chain", l.chain, r.Chain(id))
		same(id+"'s lines on the hub", l.hubSeq, c.HubSeq)
		same(id+"'s faults", []any{l.ended, l.diverged, l.foreign, l.torn, l.missing, l.beyond, l.common, uint64(l.waiting)}, []any{c.Ended, c.Diverged, c.Foreign, c.Torn, c.Missing, c.Beyond, c.Common, c.Waiting})
		same(id+"'s last", l.wrote(), c.Shown)
		same(id+"'s position", s.position(l), c.Position)
		same(id+"'s covered", s.covered(l), c.Covered)
		same(id+"'s counted lines", uint64(len(l.fed())), c.Counted)
		for what, is := range map[string]bool{"ended": l.ended != "", "diverged": l.diverged, "foreign": l.foreign, "torn": l.torn, "missing": l.missing, "beyond": l.beyond, "trails": l.trails(),
			"forked": l.verdict != nil && l.verdict.Forked, "unjudged": l.verdict == nil, "not resumable": c.Trust == nil && l.verdict != nil, "does not count": len(l.fed()) < len(l.lines)} {
			if is {
				didReplay(what)
			}
		}
		v := r.Verdict(id)
		if same(id+"'s verdict", l.verdict == nil, v == nil); l.verdict != nil && v != nil {
			a, b := l.verdict, v
			same(id+"'s verdict", fmt.Sprint(a.Lines, a.Fed, a.Ends, a.Vouched, a.Listed, a.Forked, a.Keys, a.Trails(), a.Kept(), a.Signed(), a.Lapsed()),
				fmt.Sprint(b.Lines, b.Fed, b.Ends, b.Vouched, b.Listed, b.Forked, b.Keys, b.Trails(), b.Kept(), b.Signed(), b.Lapsed()))
			for seq := uint64(1); seq <= min(a.Fed+1, a.Lines); seq++ {
				same(fmt.Sprintf("%s's mark of %d", id, seq), a.Mark(seq), v.Mark(seq))
				same(fmt.Sprintf("%s's mark of %d in the store", id, seq), a.Mark(seq), m.Mark(id, seq))
			}
		}
		open := r.Open(id)
		mine := s.open(l)
		same(id+"'s undecided lines", len(mine), len(open))
		for i := range min(len(mine), len(open)) {
			same(id+"'s undecided line", mine[i].Seq, open[i].Seq)
		}
		lines := m.Lines[id]
		same(id+"'s lines", len(l.fed()), len(lines))
		for i := range min(len(lines), len(l.fed())) {
			if !bytes.Equal(lines[i].Raw, l.fed()[i].Raw) {
				same(id+"'s line", string(lines[i].Raw), string(l.fed()[i].Raw))
			}
		}
	}
	return strings.Join(diff, "\n")
}

func keyed[V any](m map[event.UUID]V) map[string]V {
	all := map[string]V{}
	for u, v := range m {
		all[u.String()] = v
	}
	return all
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// ReportReplayed writes what was compared to the file that CROSSLINK_REPLAYED
// names.
func ReportReplayed() {
	if f := os.Getenv("CROSSLINK_REPLAYED"); f != "" {
		os.WriteFile(f, []byte(Replayed()+"\n"), 0o666)
	}
}
