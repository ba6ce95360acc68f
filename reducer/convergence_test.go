package reducer_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/oracle"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// An order is one way in which the same events may reach a replica.
type order struct {
	name   string
	reduce func(rng *rand.Rand, es []*event.Envelope) *reducer.State
}

var orders = []order{
	{"shuffled", func(rng *rand.Rand, es []*event.Envelope) *reducer.State {
		return apply(shuffled(rng, es))
	}},
	{"reversed", func(_ *rand.Rand, es []*event.Envelope) *reducer.State {
		es = slices.Clone(es)
		slices.Reverse(es)
		return apply(es)
	}},
	{"in key order", func(_ *rand.Rand, es []*event.Envelope) *reducer.State {
		es = slices.Clone(es)
		slices.SortStableFunc(es, func(a, b *event.Envelope) int { return a.Key().Compare(b.Key()) })
		return apply(es)
	}},
	{"agent by agent", func(rng *rand.Rand, es []*event.Envelope) *reducer.State {
		es = shuffled(rng, es)
		slices.SortStableFunc(es, func(a, b *event.Envelope) int {
			if a.Agent != b.Agent {
				return map[bool]int{true: -1, false: 1}[a.Agent < b.Agent]
			}
			return int(a.Seq) - int(b.Seq)
		})
		return apply(es)
	}},
	{"duplicated", func(rng *rand.Rand, es []*event.Envelope) *reducer.State {
		twice := slices.Concat(es, es[:rng.IntN(len(es)+1)], es[rng.IntN(len(es)):])
		return apply(shuffled(rng, twice))
	}},
	{"looked at in between", func(rng *rand.Rand, es []*event.Envelope) *reducer.State {
		s := reducer.New()
		for _, e := range shuffled(rng, es) {
			s.Apply(e)
			switch rng.IntN(40) {
			case 0:
				s.View()
			case 1:
				s.Rejections()
			case 2:
				old := s
				s = s.Clone()
				old.Apply(es[rng.IntN(len(es))]) // must not reach the clone
			}
		}
		return s
	}},
	{"merged as a tree", func(rng *rand.Rand, es []*event.Envelope) *reducer.State {
		parts := make([]*reducer.State, 1+rng.IntN(6))
		for i := range parts {
			parts[i] = reducer.New()
		}
		for _, e := range shuffled(rng, es) {
			for range 1 + rng.IntN(2) { // parts may overlap
				parts[rng.IntN(len(parts))].Apply(e)
			}
		}
		for len(parts) > 1 {
			rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			last := parts[len(parts)-1]
			parts = parts[:len(parts)-1]
			parts[len(parts)-1].Merge(last)
		}
		return parts[0]
	}},
	{"in batches", func(rng *rand.Rand, es []*event.Envelope) *reducer.State {
		s := reducer.New()
		es = shuffled(rng, es)
		for len(es) > 0 {
			n := 1 + rng.IntN(len(es))
			part := apply(es[:n])
			part.Merge(s) // what is there into what is new
			s, es = part, es[n:]
		}
		return s
	}},
}

func shuffled(rng *rand.Rand, es []*event.Envelope) []*event.Envelope {
	es = slices.Clone(es)
	rng.Shuffle(len(es), func(i, j int) { es[i], es[j] = es[j], es[i] })
	return es
}

func apply(es []*event.Envelope) *reducer.State {
	s := reducer.New()
	for _, e := range es {
		s.Apply(e)
	}
	return s
}

// everyType lists what the histories must have held.
var everyType = []string{
	"IssueCreated", "IssueUpdated", "StatusChanged", "IssueDeleted", "IssueUndeleted", "ScheduleChanged", "ParentChanged",
	"LabelAdded", "LabelRemoved", "AssigneeAdded", "AssigneeRemoved", "DependencyAdded", "DependencyRemoved",
	"RelationAdded", "RelationRemoved", "MilestoneAssigned", "CommentAdded", "CommentEdited", "CommentDeleted",
	"TimeEntryAdded", "MilestoneCreated", "MilestoneUpdated", "MilestoneClosed", "MilestoneReopened", "MilestoneDeleted",
	"LockClaimed", "LockReleased", "LockBroken", "SessionStarted", "SessionWorked", "SessionEnded",
	"RequestSent", "RequestAcked", "StatusReported", "AgentIntroduced", "KeyRotated", "AgentForked", "AgentForkedFrom", "AgentRetired",
	"FluxCalibrated",
}

// TestAnyOrderSameState is the promise of the package: random histories of 2–16
// agents, reduced in eight orders, give the same bytes, hash and view, and the
// view the oracle gives.
//
// A plain run takes a slice of time; CROSSLINK_NIGHTLY=1 runs 10,000 histories;
// CROSSLINK_SEED=n runs the one that a failure named.
func TestAnyOrderSameState(t *testing.T) {
	first, count, until := uint64(time.Now().UnixNano()), 1_000_000, time.Now().Add(5*time.Second)
	if testing.Short() {
		until = time.Now().Add(2 * time.Second)
	}
	enough := 50
	switch seed, err := strconv.ParseUint(os.Getenv("CROSSLINK_SEED"), 10, 64); {
	case err == nil:
		first, count, enough, until = seed, 1, 1, time.Now().Add(time.Hour)
	case os.Getenv("CROSSLINK_NIGHTLY") == "1":
		count, enough, until = 10_000, 10_000, time.Now().Add(24*time.Hour)
	}

	ran, judged := 0, 0
	var total int
	saw := make(map[string]int)
	features := make(map[string]int)
	for i := range count {
		// A slow machine gets more time for the histories that must run, but not
		// forever.
		if late := time.Since(until); late > 0 && (ran >= enough || late > time.Minute) {
			break
		}
		seed := first + uint64(i)
		es, byOracle := convergence(t, seed)
		if t.Failed() {
			t.Fatalf("replay with CROSSLINK_SEED=%d go test -run TestAnyOrderSameState ./reducer", seed)
		}
		ran++
		total += len(es)
		if byOracle {
			judged++
		}
		keys := make(map[event.Key]string)
		for _, e := range es {
			saw[e.Body.Type()]++
			if _, ok := e.Body.(*event.Invalid); ok {
				features["invalid"]++
			}
			if e.Wall != 0 {
				features["clock ahead or behind"]++
			}
			if was, ok := keys[e.Key()]; ok && was != string(e.Event) {
				features["forked"]++
			}
			keys[e.Key()] = string(e.Event)
		}
		for _, r := range apply(es).Rejections() {
			features[r.Reason]++
		}
	}
	t.Logf("%d histories from seed %d, %d events, %d orders each, %d compared with the oracle; %v", ran, first, total, len(orders), judged, features)

	if ran < enough {
		t.Errorf("only %d histories ran, want %d", ran, enough)
	}
	if count == 1 {
		return
	}
	if judged < ran/10 {
		t.Errorf("only %d of %d histories were compared with the oracle", judged, ran)
	}
	for _, typ := range everyType {
		if saw[typ] < ran/2 {
			t.Errorf("%d events of type %s in %d histories: too few to mean anything", saw[typ], typ, ran)
		}
	}
	for _, f := range []string{"invalid", "clock ahead or behind", "forked", "self-edge", "duplicate-uuid", "not-target"} {
		if features[f] < ran/2 {
			t.Errorf("%d times '%s' in %d histories: too few to mean anything", features[f], f, ran)
		}
	}
}

func convergence(t *testing.T, seed uint64) (es []*event.Envelope, byOracle bool) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 0))
	o := testkit.HistoryOptions{
		Agents:     2 + rng.IntN(15),
		Events:     10 + rng.IntN(491),
		Skew:       []time.Duration{0, time.Second, time.Hour, 24 * 365 * time.Hour}[rng.IntN(4)],
		Invalid:    rng.IntN(3) != 0,
		Equivocate: rng.IntN(3) == 0,
	}
	if rng.IntN(3) == 0 {
		o.Events = 10 + rng.IntN(70)
	}
	es = testkit.History(rng, o)
	want := apply(es)
	for _, how := range orders {
		same(t, how.name, how.reduce(rng, es), want)
	}
	if len(es) <= 100 {
		byOracle = true
		agree(t, es, want)
	}
	return es, byOracle
}

// same fails unless the states are the same to the last byte.
func same(t *testing.T, name string, got, want *reducer.State) {
	t.Helper()
	if g, w := got.Canonical(), want.Canonical(); !bytes.Equal(g, w) {
		t.Errorf("%s: other state:\n%s", name, firstDifference(g, w))
	}
	if g, w := got.Hash(), want.Hash(); g != w {
		t.Errorf("%s: hash %s, want %s", name, g, w)
	}
	if got.Newest() != want.Newest() {
		t.Errorf("%s: newest %v, want %v", name, got.Newest(), want.Newest())
	}
	if !reflect.DeepEqual(got.View(), want.View()) {
		t.Errorf("%s: other view:\n%s", name, firstDifference(show(got), show(want)))
	}
}

// agree fails unless the oracle comes to the same.
func agree(t *testing.T, es []*event.Envelope, got *reducer.State) {
	t.Helper()
	want := oracle.Reduce(es)
	if !reflect.DeepEqual(got.View(), want.View) {
		t.Errorf("reducer and oracle see different things:\n%s", firstDifference(showView(got.View()), showView(want.View)))
	}
	rs := got.Rejections()
	for i := range rs {
		rs[i].Detail = ""
	}
	rs = slices.Compact(rs)
	if !slices.Equal(rs, want.Rejections) {
		t.Errorf("reducer rejects %v\noracle rejects %v", rs, want.Rejections)
	}
	if got.Newest() != want.Newest {
		t.Errorf("newest %v, the oracle says %v", got.Newest(), want.Newest)
	}
}

func firstDifference(got, want []byte) string {
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(g), len(w)) {
		if !bytes.Equal(g[i], w[i]) {
			return "line " + strconv.Itoa(i+1) + "\n got: " + string(g[i]) + "\nwant: " + string(w[i])
		}
	}
	return strconv.Itoa(len(g)) + " lines, want " + strconv.Itoa(len(w))
}
