package system

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestLocksExcludeEachOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	for _, c := range []struct{ first, second, want bool }{
		{false, false, false}, {false, true, false}, {true, false, false}, {true, true, true},
	} {
		a, b := open(t, path), open(t, path)
		if ok, err := TryLock(a, c.first); !ok || err != nil {
			t.Fatalf("a free lock: %v, %v", ok, err)
		}
		if ok, err := TryLock(b, c.second); ok != c.want || err != nil {
			t.Errorf("shared %v after shared %v: %v, %v, want %v", c.second, c.first, ok, err, c.want)
		}
		a.Close()
		if ok, err := Lock(t.Context(), b, c.second, time.Second); !ok || err != nil {
			t.Errorf("after the first holder closed its file: %v, %v", ok, err)
		}
		b.Close()
	}
}

func TestALockIsGivenUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	a, b := open(t, path), open(t, path)
	if ok, err := TryLock(a, false); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if ok, err := Lock(t.Context(), b, false, 20*time.Millisecond); ok || err != nil {
		t.Errorf("held by another: %v, %v", ok, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if ok, err := Lock(ctx, b, false, time.Minute); ok || err == nil {
		t.Errorf("canceled: %v, %v", ok, err)
	}
	if b, err := os.ReadFile(path); err != nil || len(b) != 0 {
		t.Errorf("a locked file can be read: %q, %v", b, err)
	}
}

func TestFilesAreToldApart(t *testing.T) {
	dir := t.TempDir()
	id := func(name string) FileID {
		t.Helper()
		path := filepath.Join(dir, name)
		st, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		id, ok := Identify(path, st)
		if !ok {
			t.Fatalf("'%s' has no id", name)
		}
		return id
	}
	open(t, filepath.Join(dir, "a")).Close()
	open(t, filepath.Join(dir, "b")).Close()
	a := id("a")
	if a == id("b") || a.Links != 1 {
		t.Errorf("a is %+v, b is %+v", a, id("b"))
	}
	if err := os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "c")); err != nil {
		t.Fatal(err)
	}
	if c := id("c"); c.Inode != a.Inode || c.Device != a.Device || c.Links != 2 {
		t.Errorf("a second name of %+v is %+v", a, c)
	}
	if err := SyncDir(dir); err != nil {
		t.Error(err)
	}
}
