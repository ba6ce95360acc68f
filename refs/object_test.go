package refs

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

func oid(c string) OID { return OID(strings.Repeat(c, 40)) }

func rawTree(entries ...string) []byte { // "mode name" with the id 0x11…
	var b bytes.Buffer
	for _, e := range entries {
		b.WriteString(e)
		b.WriteByte(0)
		b.Write(bytes.Repeat([]byte{0x11}, 20))
	}
	return b.Bytes()
}

func TestParseTree(t *testing.T) {
	good := rawTree("100644 a", "100644 a.b", "40000 a0", "40000 b", "120000 link", "160000 module", "100755 x")
	es, err := ParseTree(SHA1, good)
	if err != nil || len(es) != 7 || es[0] != (TreeEntry{"100644", "a", oid("1")}) {
		t.Fatal(es, err)
	}
	back, err := EncodeTree(SHA1, es)
	if err != nil || !bytes.Equal(back, good) {
		t.Fatal("encode and parse disagree", err)
	}
	// A directory sorts as if its name ended in a slash.
	if _, err := ParseTree(SHA1, rawTree("100644 a.b", "40000 a", "100644 a0")); err != nil {
		t.Error(err)
	}
	for name, bad := range map[string][]byte{
		"cut":            good[:len(good)-1],
		"order":          rawTree("100644 b", "100644 a"),
		"twice":          rawTree("100644 a", "100644 a"),
		"file and dir":   rawTree("100644 a", "100644 a-", "40000 a"),
		"no name":        rawTree("100644 "),
		"dot":            rawTree("100644 ."),
		"dots":           rawTree("100644 .."),
		"git":            rawTree("40000 .GIT"),
		"slash":          rawTree("100644 a/b"),
		"leading zero":   rawTree("040000 a"),
		"mode":           rawTree("100648 a"),
		"long mode":      rawTree("1006440000 a"),
		"no mode":        rawTree(" a"),
		"long name":      rawTree("100644 " + strings.Repeat("x", 300)),
		"other format":   rawTree("100644 a")[:20],
		"rest":           append(rawTree("100644 a"), 'x'),
		"just a newline": []byte("\n"),
	} {
		if es, err := ParseTree(SHA1, bad); err == nil {
			t.Errorf("%s: %v", name, es)
		}
	}
}

func FuzzParseTree(f *testing.F) {
	f.Add(rawTree("100644 a", "40000 b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		es, err := ParseTree(SHA1, data)
		if err != nil {
			return
		}
		if back, err := EncodeTree(SHA1, es); err != nil || !bytes.Equal(back, data) {
			t.Errorf("%q: %v", data, err)
		}
	})
}

func TestParseCommit(t *testing.T) {
	c, err := ParseCommit(SHA1, []byte("tree "+string(oid("1"))+"\nparent "+string(oid("2"))+"\nparent "+string(oid("3"))+
		"\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1800000000 +0000\ngpgsig x\n y\n\nsubject\n"))
	if err != nil || c.Tree != oid("1") || len(c.Parents) != 2 || c.When != 1800000000 {
		t.Fatal(c, err)
	}
	for _, bad := range []string{"", "tree x", "tree " + string(oid("1")), "tree " + string(oid("G")) + "\nauthor ", "parent " + string(oid("1")) + "\nauthor a",
		"tree " + string(oid("1")) + "\nparent " + string(oid("2"))[1:] + "\nauthor a"} {
		if _, err := ParseCommit(SHA1, []byte(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func FuzzParseCommit(f *testing.F) {
	f.Add([]byte("tree " + string(oid("1")) + "\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n\nx"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := ParseCommit(SHA1, data); err == nil && !SHA1.Valid(c.Tree) {
			t.Error(c)
		}
	})
}

func TestEncodeCommitRefuses(t *testing.T) {
	for _, author := range []string{"", "a\nb", "a<b", "a>b", "a\x00"} {
		if _, err := EncodeCommit(SHA1, oid("1"), nil, CommitInfo{Author: author}); err == nil {
			t.Errorf("author %q is accepted", author)
		}
	}
	if _, err := EncodeCommit(SHA1, "x", nil, CommitInfo{Author: "a"}); err == nil {
		t.Error("bad tree")
	}
	if _, err := EncodeCommit(SHA1, oid("1"), []OID{"x"}, CommitInfo{Author: "a"}); err == nil {
		t.Error("bad parent")
	}
}

// TestCheckRefName: we refuse whatever git refuses.
func TestCheckRefName(t *testing.T) {
	names := []string{"refs/heads/a", "refs/a/b-c_d", "refs/heads/ä", "refs/a{b", "refs/a@b"}
	for c := range 128 {
		names = append(names, "refs/heads/a"+string(rune(c))+"b", "refs/heads/"+string(rune(c)), "refs/heads/a"+string(rune(c)))
	}
	names = append(names, "refs/a..b", "refs/a@{b", "refs/a.lock", "refs/a.lock/b", "refs/@", "refs/a/.b", "refs/a//b")
	for _, n := range names {
		if strings.ContainsRune(n, 0) {
			continue
		}
		if CheckRefName(n) == nil && exec.Command("git", "check-ref-format", n).Run() != nil {
			t.Errorf("%q is accepted here and refused by git", n)
		}
	}
	for _, n := range names[:5] {
		if err := CheckRefName(n); err != nil {
			t.Error(err)
		}
	}
}
