package refs_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/memory"
)

// measured counts what Read brings.
type measured struct {
	refs.Local
	calls, objects, size int
}

func (m *measured) Read(ctx context.Context, ids []refs.OID, limit int64, each func(int, refs.Object, error) error) error {
	m.calls++
	return m.Local.Read(ctx, ids, limit, func(i int, o refs.Object, err error) error {
		m.objects++
		m.size += len(o.Data)
		return each(i, o, err)
	})
}

var ctx = context.Background()

// write stores one object.
func write(t testing.TB, l refs.Local, kind refs.Kind, data []byte) refs.OID {
	t.Helper()
	ids, err := l.Write(ctx, []refs.Object{{Kind: kind, Data: data}})
	if err != nil {
		t.Fatal(err)
	}
	return ids[0]
}

func writeTree(t testing.TB, l refs.Local, es ...refs.TreeEntry) refs.OID {
	t.Helper()
	data, err := refs.EncodeTree(l.Format(), es)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, l, refs.Tree, data)
}

func writeCommit(t testing.TB, l refs.Local, tree refs.OID) refs.OID {
	t.Helper()
	data, err := refs.EncodeCommit(l.Format(), tree, nil, at("x"))
	if err != nil {
		t.Fatal(err)
	}
	return write(t, l, refs.Commit, data)
}

// sameShards makes a log of n shards whose 64 segments are all one blob.
func sameShards(t testing.TB, l refs.Local, agent string, n int, blob refs.OID) refs.OID {
	t.Helper()
	var events []refs.TreeEntry
	for k := range n {
		var segs []refs.TreeEntry
		for i := range 64 {
			first := uint64(k*refs.ShardLines + i*refs.SegmentLines + 1)
			segs = append(segs, refs.TreeEntry{Mode: refs.ModeBlob, Name: refs.SegmentName(agent, first), OID: blob})
		}
		events = append(events, refs.TreeEntry{Mode: refs.ModeTree, Name: fmt.Sprintf("%06d", k), OID: writeTree(t, l, segs...)})
	}
	return writeCommit(t, l, writeTree(t, l, refs.TreeEntry{Mode: refs.ModeTree, Name: "events", OID: writeTree(t, l, events...)}))
}

// A log that has ended costs next to nothing more, whatever stands after its
// end, and takes nothing from the logs beside it.
func TestNothingBehindTheEndIsRead(t *testing.T) {
	for _, size := range []int{2, 64 << 10, 1 << 20} {
		l := &measured{Local: memory.New(refs.SHA1)}
		line := strings.Repeat("x", size/refs.SegmentLines) + "\n"
		blob := write(t, l, refs.Blob, []byte(strings.Repeat(line, refs.SegmentLines)))
		var reqs []refs.LogRequest
		for i := range 4 {
			a := fmt.Sprint("agent-", i)
			reqs = append(reqs, refs.LogRequest{Agent: a, Tip: sameShards(t, l, a, 50, blob)})
		}
		good, err := refs.AppendLog(ctx, l, agent, "", [][]byte{[]byte("y")}, at("x"))
		if err != nil {
			t.Fatal(err)
		}
		reqs = append(reqs, refs.LogRequest{Agent: agent, Tip: good})
		l.objects, l.size = 0, 0
		seen := make([]int, len(reqs))
		logs, err := refs.WalkLogs(ctx, l, reqs, func(i int, _ uint64, _ []byte) bool { seen[i]++; return i == 4 })
		if err != nil {
			t.Fatal(err)
		}
		for i, log := range logs {
			if seen[i] != 1 || log.Bad != "" || log.First != 1 {
				t.Errorf("log %d: %d lines, %+v", i, seen[i], log)
			}
		}
		// each log may cost the list of its shard, and objects that are not worth another
		// request
		if whole := 4 * 50 * 64; l.objects > 4*70+10 || l.size > 4*(9<<20)+1<<20 {
			t.Errorf("segments of %d bytes: %d objects with %d bytes were read of %d", size, l.objects, l.size, whole)
		}
	}
}

// A segment of only line breaks has 17 million lines: 64 are read.
func TestLineBreaksAlone(t *testing.T) {
	l := memory.New(refs.SHA1)
	blob := write(t, l, refs.Blob, bytes.Repeat([]byte("\n"), refs.SegmentLimit))
	tip := sameShards(t, l, agent, 1, blob)
	n := 0
	logs, err := refs.WalkLogs(ctx, l, []refs.LogRequest{{Agent: agent, Tip: tip}}, func(int, uint64, []byte) bool { n++; return true })
	if err != nil || n != refs.SegmentLines || !strings.Contains(logs[0].Bad, "too many lines") {
		t.Errorf("%d lines, %v, %v", n, logs, err)
	}
	if _, err := refs.AppendLog(ctx, l, agent, tip, [][]byte{[]byte("x")}, at("x")); err == nil {
		t.Error("something was appended to it")
	}
}

func TestManyLogsInGroups(t *testing.T) {
	l := &measured{Local: memory.New(refs.SHA1)}
	var reqs []refs.LogRequest
	for i := range 300 {
		a := fmt.Sprint("agent-", i)
		id, err := refs.AppendLog(ctx, l, a, "", [][]byte{[]byte(a)}, at("x"))
		if err != nil {
			t.Fatal(err)
		}
		reqs = append(reqs, refs.LogRequest{Agent: a, Tip: id})
	}
	l.calls = 0
	logs, err := refs.ReadLogs(ctx, l, reqs)
	if err != nil {
		t.Fatal(err)
	}
	for i, log := range logs {
		if len(log.Lines) != 1 || string(log.Lines[0]) != reqs[i].Agent {
			t.Fatalf("log %d: %q", i, log.Lines)
		}
	}
	if l.calls != 3*5 {
		t.Errorf("%d calls for three groups", l.calls)
	}
}

// A shard in the middle that cannot be read ends the log there.
func TestBadShardInTheMiddle(t *testing.T) {
	for _, bad := range []int{0, 1, 2} {
		l := memory.New(refs.SHA1)
		blob := write(t, l, refs.Blob, []byte(numbered(1, refs.SegmentLines)))
		sameShards(t, l, agent, 4, blob)
		var events []refs.TreeEntry
		for k := range 4 {
			var segs []refs.TreeEntry
			for i := range 64 {
				segs = append(segs, refs.TreeEntry{Mode: refs.ModeBlob, Name: refs.SegmentName(agent, uint64(k*refs.ShardLines+i*refs.SegmentLines+1)), OID: blob})
			}
			id := writeTree(t, l, segs...)
			if k == bad {
				id = write(t, l, refs.Tree, []byte("rubbish"))
			}
			events = append(events, refs.TreeEntry{Mode: refs.ModeTree, Name: fmt.Sprintf("%06d", k), OID: id})
		}
		tip := writeCommit(t, l, writeTree(t, l, refs.TreeEntry{Mode: refs.ModeTree, Name: "events", OID: writeTree(t, l, events...)}))
		log, err := refs.ReadLog(ctx, l, agent, tip, 1)
		if err != nil || len(log.Lines) != bad*refs.ShardLines || !strings.Contains(log.Bad, fmt.Sprintf("events/%06d", bad)) {
			t.Errorf("shard %d: %d lines, '%s', %v", bad, len(log.Lines), log.Bad, err)
		}
		if rel, err := refs.IsPrefix(ctx, l, agent, tip, sameShards(t, l, agent, 4, blob)); err != nil || rel != refs.Diverged {
			t.Error(rel, err)
		}
	}
}

// The trees of a log are read up to a size.
func TestLargeTreesOfALog(t *testing.T) {
	l := memory.New(refs.SHA1)
	blob := write(t, l, refs.Blob, []byte("x\n"))
	many := func(more ...refs.TreeEntry) refs.OID {
		for i := range 100_000 {
			more = append(more, refs.TreeEntry{Mode: refs.ModeBlob, Name: fmt.Sprintf("z%06d", i), OID: blob})
		}
		return writeTree(t, l, more...)
	}
	dir := func(name string, id refs.OID) refs.TreeEntry {
		return refs.TreeEntry{Mode: refs.ModeTree, Name: name, OID: id}
	}
	seg := refs.TreeEntry{Mode: refs.ModeBlob, Name: refs.SegmentName(agent, 1), OID: blob}
	for name, tree := range map[string]refs.OID{
		"root":   many(dir("events", writeTree(t, l, dir("000000", writeTree(t, l, seg))))),
		"events": writeTree(t, l, dir("events", many(dir("000000", writeTree(t, l, seg))))),
		"shard":  writeTree(t, l, dir("events", writeTree(t, l, dir("000000", many(seg))))),
	} {
		log, err := refs.ReadLog(ctx, l, agent, writeCommit(t, l, tree), 1)
		if err != nil || len(log.Lines) != 0 || !strings.Contains(log.Bad, "too large") {
			t.Errorf("%s: %d lines, '%s', %v", name, len(log.Lines), log.Bad, err)
		}
		if _, err := refs.ReadFiles(ctx, l, writeCommit(t, l, tree), 1<<20); err == nil {
			t.Errorf("%s: read as files", name)
		}
	}
}
