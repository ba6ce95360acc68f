package store_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/git-crosslink/git-crosslink/store"
)

// crowds are logs that are made while they are read: of agents, each with so many
// issues, and comments on each. No line is held.
type crowds struct {
	agents, issues, comments int
	text                     string // of a comment
}

func (c crowds) lines(agent int) iter.Seq2[*event.Envelope, error] {
	return func(yield func(*event.Envelope, error) bool) {
		id := fmt.Sprintf("agent-%02d", agent)
		chain := event.Chain{Hub: testkit.HistoryHub, Agent: id}
		say := func(b event.Body) bool {
			raw, err := chain.Stamp(&event.Envelope{Body: b}, event.Time(1772359200000000000), 0)
			if err != nil {
				return yield(nil, err)
			}
			return yield(event.Decode(raw))
		}
		for n := range c.issues {
			u := fakeUUID(agent, n, 0)
			if !say(&event.IssueCreated{UUID: u, Title: fmt.Sprintf("issue %d of %s", n, id), Description: "What is to be done, in a line or two, and why it matters.", Priority: event.Medium, CreatedBy: id, Labels: []string{"bug"}}) {
				return
			}
			for k := range c.comments {
				if !say(&event.CommentAdded{Issue: u, Comment: fakeUUID(agent, n, k+1), Author: id, Content: c.text, CreatedAt: 1, Kind: "note"}) {
					return
				}
			}
		}
	}
}

// fakeUUID is spread as a random one.
func fakeUUID(agent, n, k int) (u event.UUID) {
	x := uint64(agent+1)*0x9e3779b97f4a7c15 ^ uint64(n+1)*0xbf58476d1ce4e5b9 ^ uint64(k+1)*0x94d049bb133111eb
	for i := range 2 {
		x ^= x >> 30
		x *= 0xbf58476d1ce4e5b9
		x ^= x >> 27
		x *= 0x94d049bb133111eb
		x ^= x >> 31
		binary.BigEndian.PutUint64(u[8*i:], x)
	}
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return u
}

func (c crowds) delta() *delta.Delta {
	d := &delta.Delta{To: []byte("all"), Numbers: map[event.UUID]uint64{}}
	var logs []delta.Log
	for a := range c.agents {
		logs = append(logs, delta.Log{Agent: fmt.Sprintf("agent-%02d", a), Counted: uint64(c.issues * (1 + c.comments)), Lines: c.lines(a), Cursor: []byte("here")})
		for n := range c.issues {
			d.Numbers[fakeUUID(a, n, 0)] = uint64(a*c.issues + n + 1)
		}
	}
	d.Logs = store.EachLog(logs...)
	return d
}

func (c crowds) store(t testing.TB) *store.Store {
	s := files(t)
	f, _, err := s.Apply(context.Background(), nil, func(store.Saved) (*delta.Delta, error) { return c.delta(), nil }, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	return s
}

// peak is the most memory that this process has held, in bytes; 0 where the system
// does not tell.
func peak() int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	var kb int64
	_, hwm, _ := strings.Cut(string(b), "VmHWM:")
	fmt.Sscan(hwm, &kb)
	return kb << 10
}

// A rebuild of many events, and one of long texts. One at a time tells the memory:
// go test ./store -run - -bench 'Rebuild/million' -benchtime 1x
func BenchmarkRebuild(b *testing.B) {
	for _, r := range []struct {
		name string
		crowds
	}{
		{"tenth", crowds{10, 2000, 4, "a comment of a few words, as most are"}},
		{"third", crowds{17, 4000, 4, "a comment of a few words, as most are"}},
		{"million", crowds{50, 4000, 4, "a comment of a few words, as most are"}},
		{"texts", crowds{10, 100, 10, strings.Repeat("sixty-four kilobytes of text that says next to nothing. ", 65000/56)}},
		{"one", crowds{1, 1, 10_000, strings.Repeat("sixty-four kilobytes of text that says next to nothing. ", 65000/56)}},
	} {
		b.Run(r.name, func(b *testing.B) {
			for range b.N {
				s := r.store(b)
				st, err := os.Stat(s.Path)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(st.Size())/1e6, "file-MB")
				os.RemoveAll(filepath.Dir(s.Path))
			}
			b.ReportMetric(float64(peak())/1e6, "peak-MB")
		})
	}
}

// Questions that commands ask at 10,000 issues and 40,000 comments, each of a file
// that was just opened.
func BenchmarkAsk(b *testing.B) {
	s := crowds{10, 1000, 4, "a comment of a few words, as most are"}.store(b)
	open := func() *store.File {
		f, _, err := s.Open([]byte("all"), nil, nil)
		if err != nil {
			b.Fatal(err)
		}
		return f
	}
	for name, ask := range map[string]func(*store.File) (int, error){
		"open": func(*store.File) (int, error) { return 1, nil },
		"list-50": func(f *store.File) (int, error) {
			rows, _, err := f.List(store.Filter{Limit: 50})
			return len(rows), err
		},
		"list-all": func(f *store.File) (int, error) { rows, _, err := f.List(store.Filter{}); return len(rows), err },
		"search-one": func(f *store.File) (int, error) {
			_, n, err := f.Search("issue 777 of agent-03", store.Filter{Limit: 50})
			return n, err
		},
		"search-all": func(f *store.File) (int, error) {
			_, n, err := f.Search("words", store.Filter{Limit: 50})
			return n, err
		},
		"show":       func(f *store.File) (int, error) { i, err := f.Issue(fakeUUID(3, 77, 0)); return len(i.Comments), err },
		"hash":       func(f *store.File) (int, error) { return len(f.Hash()), nil },
		"milestones": func(f *store.File) (int, error) { _, err := f.Milestones(); return 1, err },
	} {
		b.Run(name, func(b *testing.B) {
			if f := open(); name == "search-one" || name == "search-all" { // which make the index
				ask(f)
				f.Close()
			}
			b.ResetTimer()
			for range b.N {
				f := open()
				if n, err := ask(f); err != nil || n == 0 {
					b.Fatal(n, err)
				}
				f.Close()
			}
		})
	}
}

// One event more.
func BenchmarkApply(b *testing.B) {
	s := crowds{10, 1000, 4, "a comment of a few words, as most are"}.store(b)
	chain := event.Chain{Hub: testkit.HistoryHub, Agent: "bob"}
	n := uint64(0)
	stamp := []byte("all")
	for b.Loop() {
		raw, err := chain.Stamp(&event.Envelope{Body: &event.CommentAdded{Issue: fakeUUID(3, int(n%1000), 0), Comment: fakeUUID(99, int(n), 0), Author: "bob", Content: "more", CreatedAt: 1, Kind: "note"}}, event.Time(1772359200000000000), 0)
		if err != nil {
			b.Fatal(err)
		}
		e, err := event.Decode(raw)
		if err != nil {
			b.Fatal(err)
		}
		n++
		to := fmt.Appendf(nil, "%d", n)
		f, w, err := s.Apply(context.Background(), nil, func(was store.Saved) (*delta.Delta, error) {
			return &delta.Delta{From: stamp, To: to, Logs: store.EachLog(delta.Log{Agent: "bob", Kept: n - 1, Counted: n, Lines: store.EachLine(e), Cursor: to})}, nil
		}, nil, nil)
		if err != nil || !w.Followed {
			b.Fatal(w, err)
		}
		f.Close()
		stamp = to
	}
}
