package refs_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/memory"
)

// shapeOf makes a log of any shape from a text: a line "s <mode> <name>" is an
// entry of the first shard, "e" one of events/, "r" one of the root, "x" one
// of the second shard; what follows up to the next such line is its content.
func shapeOf(t *testing.T, l refs.Local, text string) refs.OID {
	f := l.Format()
	put := func(kind refs.Kind, data []byte) refs.OID {
		ids, err := l.Write(context.Background(), []refs.Object{{Kind: kind, Data: data}})
		if err != nil {
			t.Fatal(err)
		}
		return ids[0]
	}
	dirs := map[byte][]refs.TreeEntry{}
	for _, part := range strings.Split("\n"+text, "\n@")[1:] {
		head, data, _ := strings.Cut(part, "\n")
		w := strings.SplitN(head, " ", 3)
		if len(w) != 3 || len(w[0]) != 1 {
			continue
		}
		dirs[w[0][0]] = append(dirs[w[0][0]], refs.TreeEntry{Mode: w[1], Name: w[2], OID: put(refs.Blob, []byte(data))})
	}
	tree := func(es []refs.TreeEntry) refs.OID {
		var good []refs.TreeEntry
		for _, e := range es {
			if one, err := refs.EncodeTree(f, append(good, e)); err == nil {
				if _, err := refs.ParseTree(f, one); err == nil {
					good = append(good, e)
				}
			}
		}
		data, err := refs.EncodeTree(f, good)
		if err != nil {
			t.Fatal(err)
		}
		return put(refs.Tree, data)
	}
	if len(dirs['x']) > 0 {
		dirs['e'] = append([]refs.TreeEntry{{Mode: refs.ModeTree, Name: "000001", OID: tree(dirs['x'])}}, dirs['e']...)
	}
	if len(dirs['s']) > 0 {
		dirs['e'] = append([]refs.TreeEntry{{Mode: refs.ModeTree, Name: "000000", OID: tree(dirs['s'])}}, dirs['e']...)
	}
	if len(dirs['e']) > 0 {
		dirs['r'] = append([]refs.TreeEntry{{Mode: refs.ModeTree, Name: "events", OID: tree(dirs['e'])}}, dirs['r']...)
	}
	commit, err := refs.EncodeCommit(f, tree(dirs['r']), nil, refs.CommitInfo{Author: "a", When: time.Unix(1, 0), Message: "x"})
	if err != nil {
		t.Fatal(err)
	}
	return put(refs.Commit, commit)
}

// FuzzLogShape: whatever a log looks like, it is read to a definite end, the
// end does not depend on where reading begins, and it is either whole and can
// be appended to, or says what is wrong.
func FuzzLogShape(f *testing.F) {
	const agent = "alice-1"
	full := strings.Repeat("l\n", refs.SegmentLines)
	name := func(first uint64) string { return refs.SegmentName(agent, first) }
	f.Add("@s 100644 " + name(1) + "\na\nb\n")
	f.Add("@s 100644 " + name(1) + "\n" + full + "@s 100644 " + name(65) + "\nc\n")
	f.Add("@s 100644 " + name(1) + "\n" + full + "l\n@s 100644 " + name(65) + "\nc")
	f.Add("@s 120000 " + name(1) + "\na\n@x 100644 " + name(4097) + "\nb\n")
	f.Add("@r 100644 events.log\nold\nolder\n@s 100644 " + name(70) + "\na\n")
	f.Add("@e 100644 000000\n@e 100644 000001\n@r 100644 note\n")
	f.Fuzz(func(t *testing.T, text string) {
		ctx, l := context.Background(), memory.New(refs.SHA1)
		tip := shapeOf(t, l, text)
		log, err := refs.ReadLog(ctx, l, agent, tip, 1)
		if err != nil {
			t.Fatal(err)
		}
		if (log.First == 0) != (len(log.Lines) == 0) || log.Missing {
			t.Fatalf("%+v", log)
		}
		for _, line := range log.Lines {
			if bytes.IndexByte(line, '\n') >= 0 {
				t.Fatalf("%q is a line", line)
			}
		}
		last := log.First + uint64(len(log.Lines))
		if log.Bad == "" && last > 1 {
			tail, err := refs.ReadLog(ctx, l, agent, tip, last-1)
			if err != nil || tail.Bad != "" || tail.First+uint64(len(tail.Lines)) != last {
				t.Fatalf("from %d: %+v, %v", last-1, tail, err)
			}
		}
		if rel, err := refs.IsPrefix(ctx, l, agent, tip, tip); err != nil || rel != refs.Equal {
			t.Fatal(rel, err)
		}
		next, err := refs.AppendLog(ctx, l, agent, tip, [][]byte{[]byte("new")}, refs.CommitInfo{Author: "a", When: time.Unix(1, 0), Message: "x"})
		if err != nil {
			if log.Bad == "" && len(log.Lines) > 0 {
				t.Fatalf("a good log cannot be appended to: %v", err)
			}
			return
		}
		after, err := refs.ReadLog(ctx, l, agent, next, 1)
		if err != nil || log.Bad == "" && (after.Bad != "" || len(after.Lines) != len(log.Lines)+1) {
			t.Fatalf("%d lines, then %+v, %v", len(log.Lines), after, err)
		}
		if rel, err := refs.IsPrefix(ctx, l, agent, tip, next); err != nil || log.Bad == "" && len(log.Lines) > 0 && rel != refs.Prefix {
			t.Fatal(fmt.Sprint(rel), err)
		}
	})
}
