package native

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
)

// A ref that was listed is read again when its file was replaced, also by one
// of the same size and age, and always while it is new.
func TestKnownRefs(t *testing.T) {
	t.Parallel()
	r := refFiles{dir: t.TempDir(), form: refs.SHA1, known: new(knownRefs)}
	old := time.Now().Add(-time.Hour).Truncate(time.Second)
	name := "refs/heads/a"
	put := func(digit string, at time.Time) {
		t.Helper()
		path := r.path(name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+".lock", []byte(strings.Repeat(digit, 40)+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path+".lock", at, at); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".lock", path); err != nil {
			t.Fatal(err)
		}
	}
	is := func(digit string) {
		t.Helper()
		all, err := r.list("refs/")
		if err != nil || len(all) != 1 || all[0].OID != refs.OID(strings.Repeat(digit, 40)) {
			t.Fatalf("%v, %v, want %s…", all, err, digit)
		}
	}
	put("1", old)
	is("1")
	if len(r.known.m) != 1 {
		t.Fatal("it is not known")
	}
	// the same file, older than anything: what is known is not read
	if err := os.WriteFile(r.path(name), []byte(strings.Repeat("2", 40)+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(r.path(name), old, old); err != nil {
		t.Fatal(err)
	}
	is("1")
	put("3", old) // another file
	is("3")
	put("4", old.Add(time.Second)) // of another age
	is("4")
	for _, digit := range []string{"5", "6", "7"} { // too new: an equal inode and mtime would prove nothing
		put(digit, time.Now())
		is(digit)
	}
	if err := os.Remove(r.path(name)); err != nil {
		t.Fatal(err)
	}
	if all, err := r.list("refs/"); err != nil || len(all) != 0 {
		t.Fatalf("%v, %v", all, err)
	}
}
