//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What lies beside the replica was perhaps put there by somebody else. Each file of a clone is
// replaced by each thing that it must not be, and the program run: nothing hangs, nothing
// outside is read or written, and a refusal names the file and says what to do.

const secret = "BEGIN PRIVATE KEY of somebody\n"

// odd things, by what they are. put gets the path, where nothing is, and what
// was in the file there.
var oddThings = []struct {
	name   string
	asRoot bool
	put    func(path, outside string, was []byte) error
}{
	{"a link to a secret", false, func(path, outside string, _ []byte) error { return os.Symlink(outside, path) }},
	{"a link to nothing", false, func(path, outside string, _ []byte) error { return os.Symlink(outside+".none", path) }},
	{"a named pipe", false, func(path, _ string, _ []byte) error { return syscall.Mkfifo(path, 0o666) }},
	{"a directory", false, func(path, _ string, _ []byte) error { return os.MkdirAll(filepath.Join(path, "x"), 0o777) }},
	{"a device", true, func(path, _ string, _ []byte) error { return mknod(path, syscall.S_IFCHR|0o666, 1<<8|5) }}, // zero
	{"1 GiB of nothing", false, func(path, _ string, _ []byte) error {
		return errors.Join(os.WriteFile(path, nil, 0o666), os.Truncate(path, 1<<30))
	}},
	{"another user's", true, func(path, _ string, was []byte) error {
		return errors.Join(os.WriteFile(path, was, 0o666), os.Chown(path, 54321, 54321))
	}},
	{"garbage", false, func(path, _ string, _ []byte) error { return os.WriteFile(path, []byte("\x00\xff{\"a\":"), 0o666) }},
	{"another type", false, func(path, _ string, _ []byte) error { return os.WriteFile(path, []byte("[[1], true]\n"), 0o666) }},
	{"hostile words", false, func(path, _ string, _ []byte) error {
		return os.WriteFile(path, []byte(`{"agent":"../../evil","host":"\u001b]0;x\u0007","path":"/","remote":"--upload-pack=touch pwned","url":"-oProxyCommand=touch pwned",`+
			`"hub":"$(touch pwned)","refused":"\u001b[2J","problems":[{"ref":"\u001b","text":"\u001b[31m"}],"told":{"x":"\u001b"},`+
			`"tip":"--help","step":"\n","why":"\u001b","until":"9999-01-01T00:00:00Z","agents":{"-x":{"state":"\u001b"}}}`), 0o666)
	}},
}

// caches may be removed; with something odd in their place everything works.
var caches = []string{"judged.json", "metas.json", "signatures.json", "ledger.files", "pace.json", "present.json",
	"replica.git/store.db", "replica.git/store.db-stamp", "replica.git/store.db-journal", "replica.git/detached", "replica.git/maintained"}

// gits are files of the replica that git reads itself.
var gits = []string{"replica.git/HEAD", "replica.git/config"}

func TestFilesBesideTheReplicaAreNotTrusted(t *testing.T) {
	if testing.Short() {
		t.Skip("several hundred commands; -short")
	}
	t.Parallel()
	w := newTown(t)
	w.write("secret", secret, 0o600)
	outside := filepath.Join(w.root, "secret")
	w.git("alice", "config", "--unset", "crosslink.agent")
	w.git("alice", "crosslink", "new", "paint it")
	w.git("alice", "crosslink", "lock", "1")
	w.git("alice", "crosslink", "heartbeat")
	w.git("alice", "crosslink", "list")
	w.git("alice", "crosslink", "sync")
	home := filepath.Join(w.root, "alice", ".git", "crosslink")

	// whatever file there is, and those that come with time
	files := slices.Clone(caches)
	err := filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(home, path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == "replica.git/objects" || name == "replica.git/refs"):
			return filepath.SkipDir
		case d.Type().IsRegular() && !slices.Contains(files, name) && !slices.Contains(gits, name):
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, must := range []string{"identity", "contact.json", "hooks.json", "hooks.lock", "replica.lock", "replica.git/swap.lock", "replica.git/sync.lock"} {
		if !slices.Contains(files, must) {
			t.Errorf("'%s' is not there: %v", must, files)
		}
	}
	if !slices.ContainsFunc(files, func(f string) bool { return strings.HasPrefix(f, "keys/") }) {
		t.Errorf("no key is there: %v", files)
	}

	for _, name := range files {
		for _, odd := range oddThings {
			if odd.asRoot && os.Getuid() != 0 {
				continue
			}
			path, aside := filepath.Join(home, name), filepath.Join(w.root, "aside")
			was, _ := os.ReadFile(path)
			moved := os.Rename(path, aside) == nil
			if err := odd.put(path, outside, was); err != nil {
				t.Fatalf("%s: %s: %v", name, odd.name, err)
			}
			w.mustBearWith(name, odd.name, path, "list")
			w.mustBearWith(name, odd.name, path, "new", "-q", "--offline", "x")
			if strings.HasPrefix(name, "replica.git/store") {
				w.mustBearWith(name, odd.name, path, "complete", "show", "")
			}
			if b, err := os.ReadFile(outside); err != nil || string(b) != secret {
				t.Fatalf("%s: %s: the file outside is now %q (%v)", name, odd.name, b, err)
			}
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
			if moved {
				if err := os.Rename(aside, path); err != nil {
					t.Fatal(err)
				}
			}
			if t.Failed() {
				return
			}
		}
	}
	w.git("alice", "crosslink", "new", "all is well")
	w.git("alice", "crosslink", "sync")
	w.git("alice", "crosslink", "fsck")
	for _, left := range []string{"pwned", ".git/pwned", ".git/crosslink/pwned"} {
		if _, err := os.Lstat(filepath.Join(w.root, "alice", left)); err == nil {
			t.Errorf("a word of a file was run: '%s' is there", left)
		}
	}
}

// mustBearWith runs a command beside something odd.
func (t *town) mustBearWith(name, odd, path string, args ...string) {
	t.tb.Helper()
	ctx, stop := context.WithTimeout(t.tb.Context(), time.Minute)
	defer stop()
	cmd := t.command("alice", append([]string{"git-crosslink"}, args...)...)
	bounded := exec.CommandContext(ctx, cmd.Path, cmd.Args[1:]...)
	bounded.Dir, bounded.Env, bounded.WaitDelay = cmd.Dir, cmd.Env, time.Second
	var out bytes.Buffer
	bounded.Stdout, bounded.Stderr = &out, &out
	err := bounded.Run()
	said := out.String()
	fail := func(what string) {
		t.tb.Helper()
		t.tb.Errorf("%s is %s: git crosslink %s: %s: %v\n%s", name, odd, strings.Join(args, " "), what, err, said)
	}
	code := bounded.ProcessState.ExitCode()
	switch {
	case ctx.Err() != nil:
		fail("it hangs")
	case strings.Contains(said, strings.TrimSpace(secret)):
		fail("it shows a file outside")
	case strings.ContainsAny(said, "\x1b\x07\x00"):
		fail("it prints control characters")
	case strings.Contains(said, "touch pwned") && args[0] == "complete":
		fail("it offers words of the file")
	case args[0] == "complete" && code != 0, code < 0:
		fail("it dies")
	case code == 0:
	case slices.Contains(caches, name):
		fail("a cache stops it")
	case code != 4 && code != 128:
		fail("the status is another")
	case !strings.Contains(said, path) || !strings.Contains(said, "hint: "):
		fail("it does not say what is in the way")
	}
	if use, ok := bounded.ProcessState.SysUsage().(*syscall.Rusage); ok && use.Maxrss > 256<<10 {
		fail("it takes more than 256 MB")
	}
}
