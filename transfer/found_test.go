package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/exporter"
	"github.com/git-crosslink/git-crosslink/importer"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

const now = event.Time(2_000_000_000e9)

// session is a tracker in memory with one writer.
type session struct {
	t      testing.TB
	state  *reducer.State
	lines  []*event.Envelope
	ledger *ledger.Ledger
	chain  event.Chain
	seen   event.Time
}

func newSession(t testing.TB) *session {
	return &session{t: t, state: reducer.New(), ledger: ledger.Empty(testkit.HistoryHub), chain: event.Chain{Hub: testkit.HistoryHub, Agent: "import-x"}}
}

func (s *session) Init(_ context.Context, o tracker.InitOptions) (*tracker.InitReport, error) {
	data, err := ledger.EncodeBase(o.From)
	if err != nil {
		return nil, err
	}
	again := s.ledger.BaseHash() == event.Hash(data)
	if s.ledger, err = ledger.Root(testkit.HistoryHub, data, "founder", now); err != nil {
		return nil, err
	}
	s.state.ApplyBase(&s.ledger.Base().Base)
	return &tracker.InitReport{Created: !again}, nil
}

func (s *session) Read(context.Context, tracker.Freshness) (tracker.Projection, error) {
	numbers := map[event.UUID]uint64{}
	if b := s.ledger.Base(); b != nil {
		numbers = b.Numbers
	}
	return store.NewMemory(s.state.Clone(), s.lines, numbers), nil
}

func (s *session) Decisions(context.Context) (tracker.Decisions, error) {
	return tracker.Decisions{Ledger: s.ledger}, nil
}

func (s *session) EmitEach(ctx context.Context, builds iter.Seq[tracker.Build]) (string, int, error) {
	events := 0
	p, _ := s.Read(ctx, tracker.Here) // what the builds before wrote may be missing
	for build := range builds {
		bodies, err := build(p)
		if err != nil {
			return "", events, err
		}
		for _, b := range bodies {
			body, shown := event.Undated(b, now, &s.seen)
			line, err := s.chain.Stamp(&event.Envelope{Body: body}, shown, s.seen)
			if err != nil {
				s.t.Fatalf("%#v: %v", body, err)
			}
			e, err := event.Decode(line)
			if err != nil {
				s.t.Fatal(err)
			}
			s.state.Apply(e)
			s.lines = append(s.lines, e)
			events++
		}
	}
	return "import-x", events, nil
}

// exported is the export of a state, without the parts that founding a tracker does not keep:
// the header, the agents, and the writer of each line.
func exported(t testing.TB, s exporter.State) (all, plain string) {
	t.Helper()
	var b bytes.Buffer
	if _, err := exporter.Formats[0].Write(&b, exporter.Source{State: s, Filter: store.Filter{Status: "all"}, Hub: "hub"}); err != nil {
		t.Fatal(err)
	}
	var kept strings.Builder
	for l := range strings.Lines(b.String()) {
		var row map[string]json.RawMessage
		if err := json.Unmarshal([]byte(l), &row); err != nil {
			t.Fatal(err)
		}
		if kind := string(row["_type"]); kind == `"header"` || kind == `"agent"` {
			continue
		}
		delete(row, "status_by")
		for _, name := range []string{"comments", "time"} {
			var list []map[string]json.RawMessage
			json.Unmarshal(row[name], &list)
			for _, one := range list {
				delete(one, "by")
			}
			row[name], _ = json.Marshal(list)
		}
		out, _ := json.Marshal(row)
		kept.Write(append(out, '\n'))
	}
	return b.String(), kept.String()
}

// TestFoundedFromRandomStates exports random states, founds trackers with them and
// exports these: the exports are equal, with numbers and all times, and importing
// again writes nothing.
func TestFoundedFromRandomStates(t *testing.T) {
	runs := 400
	switch {
	case os.Getenv("CROSSLINK_NIGHTLY") != "":
		runs = 10_000
	case testing.Short():
		runs = 60
	}
	issues, reasons := 0, 0
	for seed := range uint64(runs) {
		rng := rand.New(rand.NewPCG(seed, 4))
		history := testkit.History(rng, testkit.HistoryOptions{})
		old, numbers := reducer.New(), map[event.UUID]uint64{}
		for _, e := range history {
			old.Apply(e)
		}
		for n, u := range old.Objects().Issues {
			numbers[u] = uint64(2*n + 1)
		}
		source, want := exported(t, store.NewMemory(old, history, numbers))
		s := newSession(t)
		names := importer.Names{System: importer.Own, Scope: "export"}
		request := Request{Names: names, Now: now, Read: func(out *importer.Sink) error {
			return importer.Crosslink(strings.NewReader(source), importer.Options{}, out)
		}}
		found := func() *Report {
			rep, err := Found(t.Context(), s, strings.Repeat("ab", 20), func() (Writer, error) { return s, nil }, request)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			return rep
		}
		if rep := found(); rep.New != rep.Read || rep.EdgesSkipped > 0 || len(rep.Warnings) > 0 {
			t.Fatalf("seed %d: %+v", seed, rep)
		}
		p, _ := s.Read(t.Context(), tracker.Here)
		if _, got := exported(t, p); got != want {
			t.Fatalf("seed %d:\n%s", seed, difference(got, want))
		}
		if rep := found(); rep.Unchanged != rep.Read || rep.Events > 0 {
			t.Fatalf("seed %d, again: %+v", seed, rep)
		}
		if rep, err := Import(t.Context(), s, func() (Writer, error) { return s, nil }, request); err != nil || rep.Unchanged != rep.Read || rep.Events > 0 {
			t.Fatalf("seed %d, imported: %+v, %v", seed, rep, err)
		}
		s.unchangedBy("beads", importer.Beads)
		s.unchangedBy("csv", importer.CSV)
		issues += strings.Count(want, `"uuid":`)
		reasons += strings.Count(want, `"reason":"`)
	}
	if issues < runs || reasons < runs/10 {
		t.Errorf("only %d issues, %d with a reason", issues, reasons)
	}
}

// TestOwnExportChangesNothing imports exports in each form that keeps who is who into
// the trackers that they came from, which have random states: nothing is written.
func TestOwnExportChangesNothing(t *testing.T) {
	runs := 300
	switch {
	case os.Getenv("CROSSLINK_NIGHTLY") != "":
		runs = 10_000
	case testing.Short():
		runs = 60
	}
	issues, relations := 0, 0
	for seed := range uint64(runs) {
		s := newSession(t)
		s.lines = testkit.History(rand.New(rand.NewPCG(seed, 9)), testkit.HistoryOptions{})
		for _, e := range s.lines {
			s.state.Apply(e)
		}
		source := s.unchangedByItself()
		s.unchangedBy("beads", importer.Beads)
		s.unchangedBy("csv", importer.CSV)
		issues += strings.Count(source, `"_type":"issue"`)
		relations += strings.Count(source, `"kind":"related"`)
	}
	if issues < runs || relations < runs/10 {
		t.Errorf("only %d issues, %d with a relation", issues, relations)
	}
}

// TestExportsOfImportedIssues imports a table and lines of beads, and then, from the same
// scope, exports of the tracker: the links that the imports wrote stay.
func TestExportsOfImportedIssues(t *testing.T) {
	s := newSession(t)
	for form, source := range map[string]string{
		"csv":   "id,title,url\nX-7,flux,https://example.com/7\n",
		"beads": `{"id":"bd-a3f8","title":"flux","status":"open","priority":1,"issue_type":"bug","created_at":"2026-01-02T10:00:00Z","updated_at":"2026-01-02T10:00:00Z","external_ref":"gh-9"}` + "\n",
	} {
		read := importer.CSV
		if form == "beads" {
			read = importer.Beads
		}
		rep, err := Import(t.Context(), s, func() (Writer, error) { return s, nil }, Request{Names: importer.Names{System: form, Scope: "s"}, Now: now,
			Read: func(out *importer.Sink) error {
				return read(strings.NewReader(source), importer.Options{}, out)
			}})
		if err != nil || rep.New != 1 {
			t.Fatalf("%s: %v, %+v", form, err, rep)
		}
		s.unchangedBy("csv", importer.CSV)
		s.unchangedBy("beads", importer.Beads)
	}
}

// unchangedByItself imports a tracker's own export, which it returns.
func (s *session) unchangedByItself() (source string) {
	s.t.Helper()
	p, _ := s.Read(s.t.Context(), tracker.Here)
	source, _ = exported(s.t, p)
	rep, err := Import(s.t.Context(), s, func() (Writer, error) { return s, nil }, Request{Names: importer.Names{System: importer.Own, Scope: "export"}, Now: now,
		Read: func(out *importer.Sink) error {
			return importer.Crosslink(strings.NewReader(source), importer.Options{}, out)
		}})
	if err != nil || rep.Unchanged != rep.Read || rep.Events > 0 || len(rep.Conflicts) > 0 {
		s.t.Fatalf("%v, %+v\n%s", err, rep, source)
	}
	return source
}

// unchangedBy does the same with another form.
func (s *session) unchangedBy(form string, read func(importer.Source, importer.Options, *importer.Sink) error) {
	s.t.Helper()
	p, _ := s.Read(s.t.Context(), tracker.Here)
	var b bytes.Buffer
	at := slices.IndexFunc(exporter.Formats, func(f exporter.Format) bool { return f.Name == form })
	if _, err := exporter.Formats[at].Write(&b, exporter.Source{State: p, Filter: store.Filter{Status: "all"}, Hub: "hub"}); err != nil {
		s.t.Fatal(err)
	}
	rep, err := Import(s.t.Context(), s, func() (Writer, error) { return s, nil }, Request{Names: importer.Names{System: form, Scope: "s"}, Now: now,
		Read: func(out *importer.Sink) error {
			return read(strings.NewReader(b.String()), importer.Options{}, out)
		}})
	if err != nil || rep.Unchanged != rep.Read || rep.Events > 0 || len(rep.Conflicts) > 0 || len(rep.Warnings) > 0 {
		s.t.Fatalf("%s: %v, %+v\n%s", form, err, rep, b.String())
	}
}

// TestRelationsHaveNoDirection relates two issues from either end, by a line and
// in what the tracker starts from.
func TestRelationsHaveNoDirection(t *testing.T) {
	a, b := event.UUID{15: 1}, event.UUID{15: 2}
	for _, ends := range [][2]event.UUID{{a, b}, {b, a}} {
		for _, kind := range []event.RelationKind{event.Related, event.Duplicates} {
			s := newSession(t)
			build := func(tracker.Projection) ([]event.Body, error) {
				return []event.Body{
					&event.IssueCreated{UUID: a, Title: "a", Priority: event.Medium, CreatedBy: "x"},
					&event.IssueCreated{UUID: b, Title: "b", Priority: event.Medium, CreatedBy: "x"},
					&event.RelationAdded{A: ends[0], B: ends[1], Kind: kind},
				}, nil
			}
			if _, _, err := s.EmitEach(t.Context(), slices.Values([]tracker.Build{build})); err != nil {
				t.Fatal(err)
			}
			s.unchangedByItself()
		}
		s := newSession(t)
		issue := func(u, related event.UUID) event.BaseIssue {
			i := event.BaseIssue{UUID: u, Number: uint64(u[15]), Title: "t", Priority: event.Medium, Status: event.Open, CreatedBy: "x", CreatedAt: 1, UpdatedAt: 1}
			if related != u {
				i.Related = []event.UUID{related}
			}
			return i
		}
		from := &ledger.Base{Source: strings.Repeat("ab", 20), Base: event.Base{Issues: []event.BaseIssue{issue(a, ends[1]), issue(b, ends[1])}}}
		if ends[1] == a {
			from.Issues = []event.BaseIssue{issue(a, a), issue(b, a)}
		}
		if _, err := s.Init(t.Context(), tracker.InitOptions{From: from}); err != nil {
			t.Fatal(err)
		}
		s.unchangedByItself()
	}
}

func difference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return "got  " + g[i] + "\nwant " + w[i]
		}
	}
	return "one is longer"
}

// A tracker that readers could not read is not made, and a dry run says so: a hub is
// closed for good before its tracker is made elsewhere.
func TestTooLargeABase(t *testing.T) {
	for _, c := range []struct {
		most  int
		dry   bool
		large bool
	}{{0, false, false}, {0, true, false}, {100, false, true}, {100, true, true}} {
		s := newSession(t)
		_, err := Found(context.Background(), s, strings.Repeat("a", 40), func() (Writer, error) { return s, nil }, Request{
			Names: importer.Names{System: importer.Own, Scope: "x"}, Now: now, DryRun: c.dry, MaxBase: c.most,
			Read: func(out *importer.Sink) error {
				return out.Issue(&importer.Issue{Key: "1", Number: 1, Title: strings.Repeat("long", 30), Status: event.Open, Priority: event.Medium, Created: now, Author: "alice"})
			}})
		f, ok := errors.AsType[*importer.FormatError](err)
		if large := ok && f.TooLarge; large != c.large || !c.large && err != nil {
			t.Errorf("%+v: %v", c, err)
		}
		if made := s.ledger.BaseHash() != ""; made != (!c.large && !c.dry) {
			t.Errorf("%+v: a tracker was made: %v", c, made)
		}
	}
}
