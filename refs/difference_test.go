package refs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/memory"
)

// DiffTrees lists the differences at the requested depth, and WriteTrees writes directories
// unchanged.
func TestDiffTrees(t *testing.T) {
	t.Parallel()
	ctx, l := context.Background(), memory.New(refs.SHA1)
	info := refs.CommitInfo{Author: "x", Message: "x"}
	tree := func(commit refs.OID, err error) refs.OID {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		h, err := refs.ReadHead(ctx, l, commit)
		if err != nil {
			t.Fatal(err)
		}
		return h.Tree
	}
	files := func(paths ...string) refs.OID {
		m := map[string][]byte{}
		for _, p := range paths {
			path, text, _ := strings.Cut(p, "=")
			m[path] = []byte(text)
		}
		return tree(refs.WriteCommit(ctx, l, m, nil, info))
	}
	empty := tree(refs.WriteTrees(ctx, l, "", nil, nil, info))
	for _, c := range []struct {
		old, new refs.OID
		depth    int
		want     string
	}{
		{"", "", 3, ""},
		{"", empty, 3, ""},
		{files("a/b/c=1"), files("a/b/c=1"), 3, ""},
		{"", files("a/b/c=1", "a/b/d=1"), 3, "+a/b/c +a/b/d"},
		{"", files("a/b/c=1", "a/b/d=1"), 2, "+a/b"},
		{files("a/b/c=1", "x/y=1"), files("a/b/c=2"), 3, "~a/b/c -x/y"},
		{files("a=1"), files("a/b=1"), 3, "~a"},
		{files("a/b=1"), files("a=1"), 3, "~a"},
		{files("a/b/c=1", "z/b/c=1"), files("z/b/c=1"), 3, "-a/b/c"},
	} {
		changes, err := refs.DiffTrees(ctx, l, c.old, c.new, c.depth, 100)
		if err != nil {
			t.Fatal(err)
		}
		var words []string
		for _, x := range changes {
			sign := "~"
			if x.Old.Mode == "" {
				sign = "+"
			} else if x.New.Mode == "" {
				sign = "-"
			}
			words = append(words, sign+x.Path)
		}
		if got := strings.Join(words, " "); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	log := files("events/1=x")
	into, err := refs.WriteTrees(ctx, l, "", map[string]refs.OID{"logs/a/x": log}, nil, info)
	if err == nil {
		into, err = refs.WriteTrees(ctx, l, into, map[string]refs.OID{"logs/a/y": log, "logs/b/z": log}, []refs.OID{into}, info)
	}
	changes, err2 := refs.DiffTrees(ctx, l, "", tree(into, err), 3, 3)
	if err2 != nil || len(changes) != 3 || changes[2].Path != "logs/b/z" || changes[2].New != (refs.TreeEntry{Mode: refs.ModeTree, Name: "z", OID: log}) {
		t.Error(changes, err2)
	}
	if _, err := refs.DiffTrees(ctx, l, "", tree(into, nil), 3, 2); !errors.Is(err, refs.ErrTooLarge) {
		t.Error(err)
	}
	if _, err := refs.DiffTrees(ctx, l, "", into, 3, 9); !errors.Is(err, refs.ErrCorrupt) {
		t.Error("a commit was read as a tree:", err)
	}
	if _, err := refs.DiffTrees(ctx, l, "", refs.OID(fmt.Sprintf("%040d", 7)), 3, 9); !errors.Is(err, refs.ErrMissing) {
		t.Error(err)
	}
}
