package alerts

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/event"
)

const now = event.Time(1_750_000_000_000_000_000)

func ago(d time.Duration) event.Time { return now - event.Time(d) }

func uuid(b byte) (u event.UUID) { u[0] = b; return u }

var project = Project{ID: "p1", Slug: "o/r"}

func derive(f facts.Facts, set Settings) []Derived {
	f.Sort()
	return Derive(project, &f, set, facts.NewClock(now))
}

// texts are the conditions as lines: kind, severity, reference, text.
func texts(d []Derived) string {
	var all []string
	for _, one := range d {
		all = append(all, strings.Join([]string{string(one.Kind), string(one.Severity), one.Ref, one.Text}, " | "))
	}
	return strings.Join(all, "\n")
}

func holder(sign event.Time) facts.Facts {
	return facts.Facts{
		Locks:  []facts.Lock{{Issue: uuid(4), Name: "4", Holder: "X", Since: ago(time.Minute), Confirmed: true}},
		Agents: []facts.Agent{{ID: "X", LastSign: sign}},
	}
}

// TestConditions checks every rule at its boundary, and the text of its alert. An empty want
// means that there must be no alert.
func TestConditions(t *testing.T) {
	lock := func(l facts.Lock) facts.Facts {
		l.Issue, l.Name, l.Title = uuid(4), "4", "parser"
		return facts.Facts{Locks: []facts.Lock{l}}
	}
	agent := func(a facts.Agent) facts.Facts {
		a.ID = "X"
		return facts.Facts{Agents: []facts.Agent{a}, Health: facts.Health{Signing: "warn"}}
	}
	issue := func(i facts.Issue) facts.Facts {
		i.UUID, i.Name, i.Title = uuid(4), "4", "title"
		return facts.Facts{Issues: []facts.Issue{i}}
	}
	health := func(h facts.Health) facts.Facts { return facts.Facts{Health: h} }
	request := func(r facts.Request) facts.Facts {
		r.ID, r.Target = "r1", "X"
		return facts.Facts{Requests: []facts.Request{r}}
	}
	waiters := func(n int, since event.Time) (q []facts.Waiter) {
		for range n {
			q = append(q, facts.Waiter{Agent: "Y", Since: since})
		}
		return q
	}
	const (
		silent  = "silent_agent | critical | agent:X | agent X silent >10m while holding lock on issue #4"
		stale   = "stale_lock | warning | lock:4 | lock on issue #4 held by X for 60 minute(s)"
		fetch   = "unreachable_project | warning | project:o/r | dashboard could not fetch the hub branch: no route"
		unacked = "X has not acknowledged the request to "
	)
	for _, c := range []struct {
		name string
		f    facts.Facts
		want string
	}{
		{"nothing", facts.Facts{}, ""},
		{"a lock of exactly 60 min", lock(facts.Lock{Holder: "X", Confirmed: true, Since: ago(time.Hour)}), ""},
		{"a lock a nanosecond older", lock(facts.Lock{Holder: "X", Confirmed: true, Since: ago(time.Hour) - 1}), stale},
		{"a lock of 61 min", lock(facts.Lock{Holder: "X", Confirmed: true, Since: ago(61 * time.Minute)}), strings.Replace(stale, "60", "61", 1)},
		{"a holder silent for exactly 10 min", holder(ago(10 * time.Minute)), ""},
		{"a holder silent a nanosecond longer", holder(ago(10*time.Minute) - 1), silent},
		{"a holder that never gave a sign", holder(0), ""},
		{"an issue due now", issue(facts.Issue{Due: now}), ""},
		{"an issue due a nanosecond ago", issue(facts.Issue{Due: now - 1}), `overdue_issue | warning | issue:4 | #4 "title" due 2025-06-15T15:06:39Z`},
		{"an open issue below an open parent", issue(facts.Issue{}), ""},
		{"an open issue below a closed parent", issue(facts.Issue{Parent: "3"}), "orphan_subissue | info | issue:4 | #4 is open but parent #3 is closed"},
		{"two failures", health(facts.Health{Failures: 2, Why: "no route"}), ""},
		{"three failures", health(facts.Health{Failures: 3, Why: "no route"}), fetch},
		{"a repository that is gone", health(facts.Health{Gone: true}), "unreachable_project | warning | project:o/r | dashboard could not fetch the hub branch"},
		{"CI that passes", facts.Facts{CI: []facts.CI{{Default: true, State: "passing"}}}, ""},
		{"CI that fails elsewhere", facts.Facts{CI: []facts.CI{{State: "failing"}}}, ""},
		{"CI that fails", facts.Facts{CI: []facts.CI{{Default: true, State: "failing", Branch: "main", Commit: "4f2a", URL: "https://ci/1"}}}, "ci_failure | warning | commit:4f2a | CI failing on main (4f2a); https://ci/1"},
		{"a signature that fails", agent(facts.Agent{Bad: []uint64{7}}), "signature_invalid | critical | line:X/7 | X/7: signature failed verification"},
		{"a meta commit that is refused", health(facts.Health{BadMeta: []string{"abc"}}), "signature_invalid | critical | meta:abc | meta commit refused: abc"},
		{"a fork, which also ends a log", agent(facts.Agent{Forked: true, Ended: "forked"}), "fork_proven | critical | agent:X | the key of X has written two histories"},
		{"a hub that lost branches", health(facts.Health{Lost: 2}), "hub_lost | critical | project:o/r | the hub has lost 2 branch(es) that this clone knows"},
		{"another hub", health(facts.Health{Lost: 2, OtherHub: "h2"}), "hub_lost | critical | project:o/r | the remote now holds another hub: h2"},
		{"unapproved lines, the last exactly 7 d old", agent(facts.Agent{LastLine: ago(7 * 24 * time.Hour), Marks: map[string]int{"unapproved": 2}}), "untrusted_signer | warning | agent:X | 2 event(s) of X are from a key that nobody approved"},
		{"unapproved lines, the last older", agent(facts.Agent{LastLine: ago(7*24*time.Hour) - 1, Marks: map[string]int{"unapproved": 2}}), ""},
		{"unapproved lines where nothing is signed", facts.Facts{Agents: []facts.Agent{{ID: "X", LastLine: now, Marks: map[string]int{"unapproved": 2}}}, Health: facts.Health{Signing: "off"}}, ""},
		{"a log that ends early", agent(facts.Agent{Ended: "bad-chain", EndedAt: 7}), "log_ended | warning | agent:X | the log of X ends after event 7: bad-chain"},
		{"undecided for exactly 15 min", health(facts.Health{Undecided: facts.Backlog{N: 1, Oldest: ago(15 * time.Minute)}}), ""},
		{"undecided for longer", health(facts.Health{Undecided: facts.Backlog{N: 1, Oldest: ago(15*time.Minute) - 1}}), "undecided | warning | project:o/r | 1 event(s) have waited for a number or lock for more than 15m"},
		{"unsent for exactly 15 min", health(facts.Health{Unsent: facts.Backlog{N: 2, Oldest: ago(15 * time.Minute)}}), ""},
		{"unsent for longer", health(facts.Health{Unsent: facts.Backlog{N: 2, Oldest: ago(15*time.Minute) - 1}}), "unsent | warning | project:o/r | 2 event(s) have not been sent for more than 15m"},
		{"unsent while the hub does not answer", health(facts.Health{Unsent: facts.Backlog{N: 2, Oldest: ago(time.Hour)}, Failures: 1}), ""},
		{"a request of exactly 5 min", request(facts.Request{Kind: "pause", SentAt: ago(5 * time.Minute)}), ""},
		{"a request that waits longer", request(facts.Request{Kind: "pause", SentAt: ago(5*time.Minute) - 1}), "pending_request | warning | request:r1 | " + unacked + "pause for more than 5m"},
		{"a kill that waits", request(facts.Request{Kind: "kill", SentAt: ago(time.Hour)}), "pending_request | critical | request:r1 | " + unacked + "kill for more than 5m"},
		{"a request that is acknowledged", request(facts.Request{Kind: "kill", SentAt: ago(time.Hour), Acked: true}), ""},
		{"a request that expires now", request(facts.Request{Kind: "kill", SentAt: ago(time.Hour), ExpiresAt: now}), ""},
		{"a request that expires in a nanosecond", request(facts.Request{Kind: "pause", SentAt: ago(time.Hour), ExpiresAt: now + 1}), "pending_request | warning | request:r1 | " + unacked + "pause for more than 5m"},
		{"an agent that waits for exactly 2 min", agent(facts.Agent{State: "awaiting_input", StateSince: ago(2 * time.Minute)}), ""},
		{"an agent that waits longer", agent(facts.Agent{State: "awaiting_input", StateSince: ago(2*time.Minute) - 1}), "needs_input | warning | agent:X | X waits for input"},
		{"an agent that works", agent(facts.Agent{State: "working", StateSince: ago(time.Hour)}), ""},
		{"two wait for a lock", lock(facts.Lock{Holder: "X", Queue: waiters(2, ago(time.Hour))}), ""},
		{"three wait", lock(facts.Lock{Holder: "X", Queue: waiters(3, now)}), "contention | info | lock:4 | 3 agents wait for the lock on #4"},
		{"one waits for longer than an hour", lock(facts.Lock{Holder: "X", Queue: waiters(1, ago(time.Hour)-1)}), "contention | info | lock:4 | Y has waited for the lock on #4 for more than 60m"},
		{"a cycle", issue(facts.Issue{Cyclic: 1}), "cycle | info | issue:4 | #4 waits for itself through 1 blocker(s), which are ignored"},
		{"a storm, the last line exactly 60 s old", agent(facts.Agent{Burst: ago(time.Minute)}), "storm | warning | agent:X | X wrote more than 200 events within a minute"},
		{"a storm that is over", agent(facts.Agent{Burst: ago(time.Minute) - 1}), ""},
	} {
		if got := texts(derive(c.f, Defaults())); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestEveryKindHasARule(t *testing.T) {
	if len(conditions) != len(Rules) {
		t.Fatalf("%d conditions, %d rules", len(conditions), len(Rules))
	}
	for _, r := range Rules {
		if conditions[r.Kind] == nil || r.About == "" || r.Severity.rank() == len(Severities) {
			t.Errorf("%s: the rule is not complete", r.Kind)
		}
	}
}

// TestNeedsInputNamesTheIssue: a person wants to know what it is about.
func TestNeedsInputNamesTheIssue(t *testing.T) {
	f := holder(now)
	f.Locks[0].Title = "fix parser"
	f.Agents[0].State, f.Agents[0].StateSince, f.Agents[0].Issue = "awaiting_input", ago(time.Hour), uuid(4)
	if got, want := texts(derive(f, Defaults())), `needs_input | warning | agent:X | X waits for input on #4 "fix parser"`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// TestSilenceIsJudgedAsOfTheFetch: one failing fetch must not make every agent
// look dead.
func TestSilenceIsJudgedAsOfTheFetch(t *testing.T) {
	grace := 5 * time.Second
	for _, c := range []struct {
		name    string
		fetched event.Time
		fires   bool
	}{
		{"fetched just now", now, true},
		{"fetched when it was silent for 10 min less 5 s", ago(time.Hour) + event.Time(10*time.Minute-grace), false},
		{"fetched a nanosecond later", ago(time.Hour) + event.Time(10*time.Minute-grace) + 1, true},
		{"never fetched", 0, false},
	} {
		f := holder(ago(time.Hour))
		f.Health = facts.Health{Remote: true, FetchedAt: c.fetched}
		if got := derive(f, Defaults()); (len(got) == 1) != c.fires {
			t.Errorf("%s: %s", c.name, texts(got))
		}
	}
}

func TestSettings(t *testing.T) {
	f := holder(ago(20 * time.Minute))
	set := Defaults()
	set.Silent = 30 * time.Minute
	if got := derive(f, set); len(got) != 0 {
		t.Errorf("a longer threshold: %s", texts(got))
	}
	set = Defaults()
	set.Rules = map[Kind]RuleSetting{SilentAgent: {Severity: Info}}
	if got := derive(f, set); len(got) != 1 || got[0].Severity != Info {
		t.Errorf("another severity: %s", texts(got))
	}
	set.Rules[SilentAgent] = RuleSetting{Off: true}
	if got := derive(f, set); len(got) != 0 {
		t.Errorf("a rule that is off: %s", texts(got))
	}
}

// TestOneForEachIdentity: an agent that holds two locks is silent once.
func TestOneForEachIdentity(t *testing.T) {
	f := holder(ago(time.Hour))
	f.Locks = append(f.Locks, facts.Lock{Issue: uuid(5), Name: "5", Holder: "X", Since: now, Confirmed: true})
	if got := derive(f, Defaults()); len(got) != 1 {
		t.Errorf("got %s", texts(got))
	}
}

func TestWorst(t *testing.T) {
	firing := func(s Severity) Alert { return Alert{State: Firing, Severity: s} }
	acked := firing(Critical)
	acked.Ack.At = 1
	for _, c := range []struct {
		name           string
		all            []Alert
		paused, noData bool
		want           Shape
	}{
		{name: "none", want: ShapeOK},
		{name: "the worst", all: []Alert{firing(Info), firing(Critical), firing(Warning)}, want: ShapeCritical},
		{name: "acknowledged", all: []Alert{acked, firing(Info)}, want: ShapeInfo},
		{name: "recovering", all: []Alert{{State: Recovering, Severity: Warning}}, want: ShapeWarning},
		{name: "pending and resolved", all: []Alert{{State: Pending, Severity: Warning}, {State: Resolved, Severity: Critical}}, want: ShapeOK},
		{name: "no data", all: []Alert{firing(Critical)}, noData: true, want: ShapeNoData},
		{name: "paused", all: []Alert{firing(Critical)}, noData: true, paused: true, want: ShapePaused},
	} {
		if got := Worst(c.all, c.paused, c.noData); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestUrgent(t *testing.T) {
	a := map[string]Alert{
		"old critical": {Severity: Critical, Opened: 1}, "new critical": {Severity: Critical, Opened: 2}, "info": {Severity: Info, Opened: 3},
	}
	names := slices.SortedFunc(maps.Keys(a), func(x, y string) int { return Urgent(a[x], a[y]) })
	if got := strings.Join(names, ", "); got != "new critical, old critical, info" {
		t.Errorf("order: %s", got)
	}
}
