package refs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("local\x00core.bare\ntrue\x00global\x00a.b\x00command\x00remote.o r.url\nx\ny\x00"))
	f.Add([]byte("local\x00a"))
	f.Fuzz(func(t *testing.T, out []byte) {
		c, err := parseConfig(out)
		if err != nil {
			if c != nil {
				t.Fatal("both")
			}
			return
		}
		var back strings.Builder
		for i, s := range c {
			if v, ok := c.Get(s.Key); configKey(s.Key) == s.Key && (!ok || i == len(c)-1 && v != s.Value) {
				t.Fatalf("%q is lost", s.Key)
			}
			back.WriteString(s.Scope + "\x00" + s.Key + "\n" + s.Value + "\x00")
		}
		again, err := parseConfig([]byte(back.String()))
		if err != nil || len(again) != len(c) {
			t.Fatalf("%d settings, then %d, %v", len(c), len(again), err)
		}
	})
}

// FuzzAnswer reads what a `cat-file --batch` says for one object.
func FuzzAnswer(f *testing.F) {
	id := OID(strings.Repeat("a", 40))
	f.Add([]byte(string(id)+" blob 3\nabc\n"), 10)
	f.Add([]byte(string(id)+" missing\n"), 10)
	f.Add([]byte(string(id)+" tree 99999999999999999999\n"), 10)
	f.Add([]byte(string(id)+" blob 20\n01234567890123456789\n"), 10)
	f.Fuzz(func(t *testing.T, out []byte, limit int) {
		limit = min(max(limit, 0), 1<<16)
		o, err := (&catFile{form: SHA1}).answer(bufio.NewReader(bytes.NewReader(out)), id, int64(limit))
		switch {
		case err == nil && (len(o.Data) > limit || !bytes.Contains(out, o.Data)):
			t.Errorf("%d bytes over a limit of %d", len(o.Data), limit)
		case err != nil && o.Data != nil:
			t.Error("both")
		case err != nil && !errors.Is(err, errDied) && !errors.Is(err, errRestart) && !errors.Is(err, ErrMissing) && !errors.Is(err, ErrTooLarge):
			t.Error(err)
		}
	})
}

// shapeOf makes a log of any shape from a text: a line "s <mode> <name>" is an
// entry of the first shard, "e" one of events/, "r" one of the root, "x" one
// of the second shard; what follows up to the next such line is its content.
func shapeOf(t *testing.T, l Local, text string) OID {
	f := l.Format()
	put := func(kind Kind, data []byte) OID {
		ids, err := l.Write(context.Background(), []Object{{kind, data}})
		if err != nil {
			t.Fatal(err)
		}
		return ids[0]
	}
	dirs := map[byte][]TreeEntry{}
	for _, part := range strings.Split("\n"+text, "\n@")[1:] {
		head, data, _ := strings.Cut(part, "\n")
		w := strings.SplitN(head, " ", 3)
		if len(w) != 3 || len(w[0]) != 1 {
			continue
		}
		dirs[w[0][0]] = append(dirs[w[0][0]], TreeEntry{w[1], w[2], put(Blob, []byte(data))})
	}
	tree := func(es []TreeEntry) OID {
		var good []TreeEntry
		for _, e := range es {
			if one, err := EncodeTree(f, append(good, e)); err == nil {
				if _, err := ParseTree(f, one); err == nil {
					good = append(good, e)
				}
			}
		}
		data, err := EncodeTree(f, good)
		if err != nil {
			t.Fatal(err)
		}
		return put(Tree, data)
	}
	if len(dirs['x']) > 0 {
		dirs['e'] = append([]TreeEntry{{ModeTree, "000001", tree(dirs['x'])}}, dirs['e']...)
	}
	if len(dirs['s']) > 0 {
		dirs['e'] = append([]TreeEntry{{ModeTree, "000000", tree(dirs['s'])}}, dirs['e']...)
	}
	if len(dirs['e']) > 0 {
		dirs['r'] = append([]TreeEntry{{ModeTree, eventsDir, tree(dirs['e'])}}, dirs['r']...)
	}
	commit, err := EncodeCommit(f, tree(dirs['r']), nil, CommitInfo{Author: "a", When: time.Unix(1, 0), Message: "x"})
	if err != nil {
		t.Fatal(err)
	}
	return put(Commit, commit)
}

// FuzzLogShape: whatever a log looks like, it is read to a definite end, the
// end does not depend on where reading begins, and it is either whole and can
// be appended to, or says what is wrong.
func FuzzLogShape(f *testing.F) {
	const agent = "alice-1"
	full := strings.Repeat("l\n", SegmentLines)
	name := func(first uint64) string { return SegmentName(agent, first) }
	f.Add("@s 100644 " + name(1) + "\na\nb\n")
	f.Add("@s 100644 " + name(1) + "\n" + full + "@s 100644 " + name(65) + "\nc\n")
	f.Add("@s 100644 " + name(1) + "\n" + full + "l\n@s 100644 " + name(65) + "\nc")
	f.Add("@s 120000 " + name(1) + "\na\n@x 100644 " + name(4097) + "\nb\n")
	f.Add("@r 100644 events.log\nold\nolder\n@s 100644 " + name(70) + "\na\n")
	f.Add("@e 100644 000000\n@e 100644 000001\n@r 100644 note\n")
	f.Fuzz(func(t *testing.T, text string) {
		ctx, l := context.Background(), NewMemory(SHA1)
		tip := shapeOf(t, l, text)
		log, err := ReadLog(ctx, l, agent, tip, 1)
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
			tail, err := ReadLog(ctx, l, agent, tip, last-1)
			if err != nil || tail.Bad != "" || tail.First+uint64(len(tail.Lines)) != last {
				t.Fatalf("from %d: %+v, %v", last-1, tail, err)
			}
		}
		if rel, err := IsPrefix(ctx, l, agent, tip, tip); err != nil || rel != Equal {
			t.Fatal(rel, err)
		}
		next, err := AppendLog(ctx, l, agent, tip, [][]byte{[]byte("new")}, CommitInfo{Author: "a", When: time.Unix(1, 0), Message: "x"})
		if err != nil {
			if log.Bad == "" && len(log.Lines) > 0 {
				t.Fatalf("a good log cannot be appended to: %v", err)
			}
			return
		}
		after, err := ReadLog(ctx, l, agent, next, 1)
		if err != nil || log.Bad == "" && (after.Bad != "" || len(after.Lines) != len(log.Lines)+1) {
			t.Fatalf("%d lines, then %+v, %v", len(log.Lines), after, err)
		}
		if rel, err := IsPrefix(ctx, l, agent, tip, next); err != nil || log.Bad == "" && len(log.Lines) > 0 && rel != Prefix {
			t.Fatal(fmt.Sprint(rel), err)
		}
	})
}

// FuzzRefFile: a ref's file holds an id, or it is odd or broken.
func FuzzRefFile(f *testing.F) {
	f.Add([]byte(strings.Repeat("aB", 20) + "\n"))
	f.Add([]byte("ref: refs/heads/main\n"))
	f.Add([]byte(strings.Repeat("0", 40)))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, form := range []Format{SHA1, SHA256} {
			id, there, err := refFiles{form: form}.parse(b)
			if there != (err == nil) || there != (id != "") {
				t.Fatal(id, there, err)
			}
			if there && (!form.Valid(id) || id == form.Zero() || !strings.EqualFold(strings.TrimSpace(string(b)), string(id))) {
				t.Fatalf("%q is read as %s", b, id)
			}
		}
	})
}
