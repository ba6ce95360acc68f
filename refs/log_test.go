package refs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/memory"
)

const agent = "alice-1"

func at(msg string) refs.CommitInfo {
	return refs.CommitInfo{Author: agent, When: time.Unix(1_800_000_000, 0), Message: msg}
}

// logOf makes a log of any shape: file name → content. A "mode " before
// the name sets its mode.
func logOf(t *testing.T, l refs.Local, files map[string]string) refs.OID {
	t.Helper()
	plain := make(map[string][]byte)
	for name, data := range files {
		plain[name] = []byte(data)
	}
	id, err := refs.WriteCommit(ctx, l, plain, nil, at("x"))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func seg(first uint64) string { return refs.SegmentPath(agent, first) }

func numbered(first, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d\n", first+i)
	}
	return b.String()
}

func TestLogShapes(t *testing.T) {
	long := strings.Repeat("x", refs.SegmentLimit)
	for _, c := range []struct {
		name  string
		files map[string]string
		lines int
		first uint64
		bad   string // a part of it; "" = good
	}{
		{"empty tree", nil, 0, 0, ""},
		{"one", map[string]string{seg(1): numbered(1, 3)}, 3, 1, ""},
		{"two", map[string]string{seg(1): numbered(1, 64), seg(65): numbered(65, 1)}, 65, 1, ""},
		{"siblings", map[string]string{seg(1): numbered(1, 3), "note": "x", "events/note": "y", "events/000000/note": "y", "events/0/x": "y", "events/0000000/x": "y", "events/000000/000000000065.00000000": "z", "events/000000/65.x": "z", "dir/x": ""}, 3, 1, ""},
		{"begins late", map[string]string{seg(65): numbered(65, 3)}, 0, 0, "does not follow"},
		{"not aligned", map[string]string{seg(1): numbered(1, 64), seg(70): numbered(70, 3)}, 64, 1, "does not follow"},
		{"a file for a shard", map[string]string{seg(1): numbered(1, 3), "events/000001": "x"}, 3, 1, "not a directory"},
		{"hole of a shard", map[string]string{seg(1): numbered(1, 64), seg(2*refs.ShardLines + 1): numbered(1, 3)}, 64, 1, "does not follow"},
		{"shard not full", map[string]string{seg(1): numbered(1, 64), seg(refs.ShardLines + 1): numbered(1, 3)}, 64, 1, "not full"},
		{"segment in another shard", map[string]string{seg(1): numbered(1, 64), "events/000001/" + refs.SegmentName(agent, 65): numbered(65, 3)}, 64, 1, "not full"},
		{"hole", map[string]string{seg(1): numbered(1, 64), seg(129): numbered(129, 3)}, 64, 1, "does not follow"},
		{"zero", map[string]string{"events/000000/" + refs.SegmentName(agent, 0): numbered(0, 3)}, 0, 0, "does not follow"},
		{"short", map[string]string{seg(1): numbered(1, 63), seg(65): numbered(65, 3)}, 63, 1, "too few"},
		{"long", map[string]string{seg(1): numbered(1, 65)}, 64, 1, "too many"},
		{"long before another", map[string]string{seg(1): numbered(1, 65), seg(65): numbered(65, 3)}, 64, 1, "too many"},
		{"cut", map[string]string{seg(1): "1\n2"}, 1, 1, "middle"},
		{"only a cut", map[string]string{seg(1): "1"}, 0, 0, "middle"},
		{"empty segment", map[string]string{seg(1): ""}, 0, 0, "is empty"},
		{"second empty", map[string]string{seg(1): numbered(1, 64), seg(65): ""}, 64, 1, "is empty"},
		{"fault before fault", map[string]string{seg(1): numbered(1, 3), seg(129): ""}, 3, 1, "follow"},
		{"earlier fault wins", map[string]string{seg(1): "1\n2", seg(129): ""}, 1, 1, "middle"},
		{"too large", map[string]string{seg(1): long + "\n"}, 0, 0, "too large"},
		{"events is a file", map[string]string{"events": "x"}, 0, 0, "not a directory"},
		{"segment is a directory", map[string]string{seg(1) + "/x": "x"}, 0, 0, "not a plain file"},
		{"legacy is a directory", map[string]string{"events.log/x": "x", seg(1): "1\n"}, 0, 0, "not a plain file"},
		{"legacy", map[string]string{"events.log": "a\n\nb", seg(70): numbered(70, 59), seg(129): numbered(129, 2)}, 61, 70, ""},
		{"legacy, short first", map[string]string{"events.log": "", seg(70): numbered(70, 58), seg(129): numbered(129, 2)}, 58, 70, "too few"},
		{"legacy only", map[string]string{"events.log": "a\nb\n"}, 0, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := memory.New(refs.SHA1)
			log, err := refs.ReadLog(ctx, l, agent, logOf(t, l, c.files), 0)
			if err != nil {
				t.Fatal(err)
			}
			if len(log.Lines) != c.lines || log.First != c.first || (log.Bad == "") != (c.bad == "") || !strings.Contains(log.Bad, c.bad) {
				t.Errorf("%d lines from %d, bad '%s'", len(log.Lines), log.First, log.Bad)
			}
			for i, line := range log.Lines {
				if string(line) != fmt.Sprint(int(log.First)+i) {
					t.Fatalf("line %d is %s", i, line)
				}
			}
			if strings.HasPrefix(c.name, "legacy") && c.files["events.log"] != "" && len(log.Legacy) != 2 {
				t.Errorf("legacy: %q", log.Legacy)
			}
		})
	}
}

// counter counts Read calls.
type counter struct {
	refs.Local
	reads, objects int
}

func (c *counter) Read(ctx context.Context, ids []refs.OID, limit int64, each func(int, refs.Object, error) error) error {
	c.reads++
	c.objects += len(ids)
	return c.Local.Read(ctx, ids, limit, each)
}

// TestReadLogsIsConstant: the number of Read calls does not depend on the
// number of logs or their lengths; one bad log does not stop the others.
func TestReadLogsIsConstant(t *testing.T) {
	l := &counter{Local: memory.New(refs.SHA1)}
	var reqs []refs.LogRequest
	for i := range 20 {
		a := fmt.Sprint("agent-", i)
		id, err := refs.AppendLog(ctx, l, a, "", [][]byte{[]byte("x")}, at("x"))
		if err != nil {
			t.Fatal(err)
		}
		reqs = append(reqs, refs.LogRequest{Agent: a, Tip: id})
	}
	reqs[3].Tip = refs.OID(strings.Repeat("7", 40))
	reqs[4].Tip = "--all"
	blob, _ := l.Write(ctx, []refs.Object{{Kind: refs.Blob, Data: []byte("x")}})
	reqs[5].Tip = blob[0]
	l.reads = 0
	logs, err := refs.ReadLogs(ctx, l, reqs)
	if err != nil {
		t.Fatal(err)
	}
	if l.reads != 5 {
		t.Errorf("%d calls", l.reads)
	}
	for i, log := range logs {
		if bad := i >= 3 && i <= 5; bad != (log.Bad != "") || bad == (len(log.Lines) == 1) {
			t.Errorf("log %d: %+v", i, log)
		}
	}
	if !logs[3].Missing || logs[5].Missing {
		t.Error("missing is not told from malformed")
	}
}

// TestAppendIsConstant: appending to a log of three shards reads as many
// objects as to a log of one line.
func TestAppendIsConstant(t *testing.T) {
	l := &counter{Local: memory.New(refs.SHA1)}
	one := [][]byte{[]byte("x")}
	short, _ := refs.AppendLog(ctx, l, agent, "", one, at("x"))
	var many [][]byte
	for range 3*refs.ShardLines - 7 {
		many = append(many, []byte("y"))
	}
	long, err := refs.AppendLog(ctx, l, agent, "", many, at("x"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tip := range []refs.OID{short, long} {
		l.objects = 0
		if _, err := refs.AppendLog(ctx, l, agent, tip, one, at("x")); err != nil || l.objects != 5 {
			t.Errorf("%d objects read, %v", l.objects, err)
		}
	}
}

// TestReadFrom: segments below From are not read.
func TestReadFrom(t *testing.T) {
	l := &counter{Local: memory.New(refs.SHA1)}
	var many [][]byte
	for i := range 1000 {
		many = append(many, fmt.Append(nil, i+1))
	}
	tip, err := refs.AppendLog(ctx, l, agent, "", many, at("x"))
	if err != nil {
		t.Fatal(err)
	}
	for from, segments := range map[uint64]int{0: 16, 1: 16, 64: 16, 65: 15, 961: 1, 1001: 1, 5000: 1} {
		l.objects = 0
		log, err := refs.ReadLog(ctx, l, agent, tip, from)
		if err != nil || log.Bad != "" || l.objects != 4+segments || int(log.First)+len(log.Lines) != 1001 {
			t.Errorf("from %d: %d objects, first %d, %d lines, %v", from, l.objects, log.First, len(log.Lines), err)
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	l := memory.New(refs.SHA1)
	x := [][]byte{[]byte("x")}
	for name, tip := range map[string]refs.OID{
		"hole":    logOf(t, l, map[string]string{seg(1): numbered(1, 64), seg(129): "x\n"}),
		"cut":     logOf(t, l, map[string]string{seg(1): "x"}),
		"empty":   logOf(t, l, map[string]string{seg(1): ""}),
		"long":    logOf(t, l, map[string]string{seg(1): numbered(1, 65)}),
		"missing": refs.OID(strings.Repeat("7", 40)),
	} {
		if _, err := refs.AppendLog(ctx, l, agent, tip, x, at("x")); !errors.Is(err, refs.ErrBadLog) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := logOf(t, l, map[string]string{seg(1): numbered(1, 3)})
	info := at("x")
	for _, info.Next = range []uint64{1, 3, 5} {
		if _, err := refs.AppendLog(ctx, l, agent, good, x, info); !errors.Is(err, refs.ErrSequence) {
			t.Errorf("next %d: %v", info.Next, err)
		}
	}
	info.Next = 4
	if _, err := refs.AppendLog(ctx, l, agent, good, x, info); err != nil {
		t.Error(err)
	}
	for _, lines := range [][][]byte{nil, {{}}, {[]byte("a\nb")}, {[]byte("a\n")}} {
		if _, err := refs.AppendLog(ctx, l, agent, "", lines, at("x")); err == nil {
			t.Errorf("%q is accepted", lines)
		}
	}
}

// TestAppendKeepsSiblings: what others put into a tree stays, of any mode.
func TestAppendKeepsSiblings(t *testing.T) {
	l := memory.New(refs.SHA1)
	f := l.Format()
	ids, _ := l.Write(ctx, []refs.Object{{Kind: refs.Blob, Data: []byte("1\n")}, {Kind: refs.Blob, Data: []byte("odd")}})
	odd := refs.TreeEntry{Mode: "100755", Name: "zz", OID: ids[1]}
	shard, _ := refs.EncodeTree(f, []refs.TreeEntry{{Mode: refs.ModeBlob, Name: refs.SegmentName(agent, 1), OID: ids[0]}, odd})
	inner, _ := l.Write(ctx, []refs.Object{{Kind: refs.Tree, Data: shard}})
	events, _ := refs.EncodeTree(f, []refs.TreeEntry{{Mode: refs.ModeTree, Name: "000000", OID: inner[0]}, odd})
	sub, _ := l.Write(ctx, []refs.Object{{Kind: refs.Tree, Data: events}})
	root, _ := refs.EncodeTree(f, []refs.TreeEntry{
		{Mode: refs.ModeTree, Name: "events", OID: sub[0]}, {Mode: "120000", Name: "link", OID: ids[1]}, {Mode: "160000", Name: "module", OID: ids[1]}})
	top, _ := l.Write(ctx, []refs.Object{{Kind: refs.Tree, Data: root}})
	commit, _ := refs.EncodeCommit(f, top[0], nil, at("x"))
	tip, _ := l.Write(ctx, []refs.Object{{Kind: refs.Commit, Data: commit}})
	next, err := refs.AppendLog(ctx, l, agent, tip[0], [][]byte{[]byte("2")}, at("x"))
	if err != nil {
		t.Fatal(err)
	}
	show := func(id refs.OID) (s string) {
		l.Read(ctx, []refs.OID{id}, 1<<20, func(_ int, o refs.Object, _ error) error {
			es, err := refs.ParseTree(f, o.Data)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range es {
				s += e.Mode + " " + e.Name + ";"
			}
			return nil
		})
		return s
	}
	var tree refs.OID
	l.Read(ctx, []refs.OID{next}, 1<<20, func(_ int, o refs.Object, _ error) error {
		c, err := refs.ParseCommit(f, o.Data)
		if err != nil || len(c.Parents) != 1 || c.Parents[0] != tip[0] {
			t.Error(c, err)
		}
		tree = c.Tree
		return nil
	})
	if s := show(tree); s != "40000 events;120000 link;160000 module;" {
		t.Error(s)
	}
	if log, err := refs.ReadLog(ctx, l, agent, next, 0); err != nil || len(log.Lines) != 2 {
		t.Error(log, err)
	}
}

func TestAppendToMigratedLog(t *testing.T) {
	l := memory.New(refs.SHA1)
	tip := logOf(t, l, map[string]string{"events.log": "a\nb\n", "heartbeat.json": "{}"})
	x := [][]byte{[]byte("70")}
	if _, err := refs.AppendLog(ctx, l, agent, tip, x, at("x")); !errors.Is(err, refs.ErrSequence) {
		t.Error(err) // a pruned log does not tell
	}
	info := at("x")
	info.Next = 70
	tip, err := refs.AppendLog(ctx, l, agent, tip, x, info)
	if err != nil {
		t.Fatal(err)
	}
	var more [][]byte
	for i := 71; i <= 140; i++ {
		more = append(more, fmt.Append(nil, i))
	}
	if tip, err = refs.AppendLog(ctx, l, agent, tip, more, at("x")); err != nil {
		t.Fatal(err)
	}
	log, err := refs.ReadLog(ctx, l, agent, tip, 0)
	if err != nil || log.Bad != "" || log.First != 70 || len(log.Lines) != 71 || len(log.Legacy) != 2 {
		t.Fatal(err, log.Bad, log.First, len(log.Lines), len(log.Legacy))
	}
	if log, _ := refs.ReadLog(ctx, l, agent, tip, 71); len(log.Legacy) != 0 || log.First != 70 {
		t.Error("the level-3 part is read without need")
	}
}

func TestIsPrefix(t *testing.T) {
	l := memory.New(refs.SHA1)
	log := func(files map[string]string) refs.OID { return logOf(t, l, files) }
	s3, s64 := numbered(1, 3), numbered(1, 64)
	other := log(map[string]string{seg(1): "1\n2\nx\n"})
	again := log(map[string]string{seg(1): s3, "note": "another commit with the same lines"})
	for _, c := range []struct {
		name     string
		old, new refs.OID
		want     refs.Relation
	}{
		{"nothing and something", "", log(map[string]string{seg(1): s3}), refs.Prefix},
		{"both nothing", "", log(nil), refs.Equal},
		{"same lines", log(map[string]string{seg(1): s3}), again, refs.Equal},
		{"one more line", log(map[string]string{seg(1): s3}), log(map[string]string{seg(1): numbered(1, 4)}), refs.Prefix},
		{"one more segment", log(map[string]string{seg(1): s3}), log(map[string]string{seg(1): s64, seg(65): "65\n"}), refs.Prefix},
		{"full and one more", log(map[string]string{seg(1): s64}), log(map[string]string{seg(1): s64, seg(65): "65\n"}), refs.Prefix},
		{"another line", log(map[string]string{seg(1): s3}), other, refs.Diverged},
		{"another old line", log(map[string]string{seg(1): s64, seg(65): "65\n"}), log(map[string]string{seg(1): strings.Replace(s64, "3", "x", 1), seg(65): "65\n"}), refs.Diverged},
		{"in the middle of a line", log(map[string]string{seg(1): "1"}), log(map[string]string{seg(1): "12\n"}), refs.Diverged},
		{"malformed", log(map[string]string{seg(1): s64}), log(map[string]string{seg(1): s64, seg(129): "x\n"}), refs.Diverged},
		{"level 3 grows", log(map[string]string{"events.log": "a\n"}), log(map[string]string{"events.log": "a\nb\n"}), refs.Prefix},
		{"level 3 goes on", log(map[string]string{"events.log": "a\n"}), log(map[string]string{"events.log": "a\n", seg(70): "70\n"}), refs.Prefix},
		{"level 3 goes on elsewhere", log(map[string]string{"events.log": "a\n"}), log(map[string]string{seg(1): "1\n"}), refs.Diverged},
		{"level 3 was pruned", log(map[string]string{"events.log": "a\nb\n"}), log(map[string]string{"events.log": "b\n"}), refs.Diverged},
	} {
		back := map[refs.Relation]refs.Relation{refs.Prefix: refs.Extends, refs.Equal: refs.Equal, refs.Diverged: refs.Diverged}[c.want]
		if got, err := refs.IsPrefix(ctx, l, agent, c.old, c.new); got != c.want || err != nil {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
		if got, err := refs.IsPrefix(ctx, l, agent, c.new, c.old); got != back || err != nil {
			t.Errorf("%s, the other way: %v, %v", c.name, got, err)
		}
	}
	if _, err := refs.IsPrefix(ctx, l, agent, other, refs.OID(strings.Repeat("7", 40))); !errors.Is(err, refs.ErrMissing) {
		t.Error(err)
	}
}

func TestRecommit(t *testing.T) {
	l := memory.New(refs.SHA1)
	ours, theirs := logOf(t, l, map[string]string{seg(1): "1\n2\n"}), logOf(t, l, map[string]string{seg(1): "1\n"})
	id, err := refs.Recommit(ctx, l, ours, []refs.OID{theirs}, at("x"))
	if err != nil {
		t.Fatal(err)
	}
	if rel, err := refs.IsPrefix(ctx, l, agent, ours, id); rel != refs.Equal || err != nil {
		t.Error(rel, err)
	}
}

func TestReadFilesIsStrict(t *testing.T) {
	l := memory.New(refs.SHA1)
	ids, _ := l.Write(ctx, []refs.Object{{Kind: refs.Blob, Data: []byte("x")}})
	for _, mode := range []string{"100755", "120000", "160000"} {
		tree, _ := refs.EncodeTree(refs.SHA1, []refs.TreeEntry{{Mode: mode, Name: "hub.json", OID: ids[0]}})
		top, _ := l.Write(ctx, []refs.Object{{Kind: refs.Tree, Data: tree}})
		commit, _ := refs.EncodeCommit(refs.SHA1, top[0], nil, at("x"))
		tip, _ := l.Write(ctx, []refs.Object{{Kind: refs.Commit, Data: commit}})
		if files, err := refs.ReadFiles(ctx, l, tip[0], 100); err == nil {
			t.Error(mode, files)
		}
	}
	if _, err := refs.ReadFiles(ctx, l, logOf(t, l, map[string]string{"a/b/c/d/e": ""}), 100); err == nil {
		t.Error("a deep tree is accepted")
	}
	if _, err := refs.ReadFiles(ctx, l, ids[0], 100); err == nil {
		t.Error("a blob is taken for a commit")
	}
}
