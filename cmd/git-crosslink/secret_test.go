//go:build unix

package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"
)

// secrets are the private keys of a clone, in each spelling that could leave it:
// bytes, hex, and base64 at any offset.
func (c *clone) secrets() (found [][]byte) {
	c.t.Helper()
	files, _ := filepath.Glob(filepath.Join(c.dir, ".git", "crosslink", "keys", "*"))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			c.t.Fatal(err)
		}
		raw, err := ssh.ParseRawPrivateKey(b)
		if err != nil {
			c.t.Fatalf("'%s': %v", f, err)
		}
		seed := []byte(raw.(*ed25519.PrivateKey).Seed())
		found = append(found, seed, []byte(hex.EncodeToString(seed)))
		for off := range 3 {
			for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
				s := enc.EncodeToString(append(make([]byte, off), seed...))
				found = append(found, []byte(s[4:len(s)-4])) // what stands before and behind decides the rest
			}
		}
	}
	if len(found) == 0 {
		c.t.Fatal("there is no key")
	}
	return found
}

// TestNothingSecretLeaves: while every verb that has to do with keys runs, no
// part of a private key is in the arguments, the environment or the input of a
// child process, in what is printed, in JSON or the trace, or in any file but
// the key's own, here or on the hub; and key files are their owner's alone,
// under the most open umask and in a repository that is shared with everybody.
func TestNothingSecretLeaves(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	c := newClone(t)
	c.exec("git", "-C", c.dir, "config", "core.sharedRepository", "world")
	seen := filepath.Join(t.TempDir(), "seen")
	shims := t.TempDir()
	if err := os.Mkdir(seen, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"git", "ssh-keygen", "ssh"} {
		real, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		shim := "#!/bin/sh\nf='" + seen + "'/" + name + ".$$\n{ printf '%s\\n' \"$0\" \"$@\"; env; } >\"$f\"\n" +
			"case \" $* \" in *' --batch'*|*' --stdin'*|*fast-import*|*hash-object*) tee \"$f.in\" | '" + real + "' \"$@\" ;; *) exec '" + real + "' \"$@\" ;; esac\n"
		if err := os.WriteFile(filepath.Join(shims, name), []byte(shim), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for i, kv := range c.env {
		if rest, ok := strings.CutPrefix(kv, "PATH="); ok {
			c.env[i] = "PATH=" + shims + ":" + rest
		}
	}
	c.env = append(c.env, "GIT_CROSSLINK_TRACE=1", "CROSSLINK_REFS=plumbing") // git itself, wherever it can be
	secrets := c.secrets()
	var said bytes.Buffer
	for _, args := range [][]string{
		{"new", "fix the flux", "--json"}, {"comment", "1", "a word", "--json"}, {"close", "1", "--json"},
		{"key", "show", "--json"}, {"trust", "show", "--json"}, {"trust", "list", "--json"}, {"key", "rotate", "--json"},
		{"key", "show"}, {"comment", "1", "with the new key"}, {"trust", "policy", "--signing", "require", "--json"}, {"new", "signed", "--json"},
		{"lock", "2", "--json"}, {"log", "1", "--json"}, {"show", "1", "--json"}, {"list", "--json"}, {"agent", "show", "--json"},
		{"sync", "--json"}, {"status", "--json"}, {"fsck", "--full", "--json"}, {"doctor", "--json"},
	} {
		out, err := c.command(args...).CombinedOutput()
		if err != nil && args[0] != "doctor" {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
		said.Write(out)
	}
	secrets = append(secrets, c.secrets()...) // the one that came by rotation, too

	none := func(where string, b []byte) {
		t.Helper()
		for _, s := range secrets {
			if bytes.Contains(b, s) {
				t.Errorf("a private key is in %s", where)
				return
			}
		}
	}
	none("what was printed", said.Bytes())
	if !bytes.Contains(said.Bytes(), []byte(`"fingerprint":"SHA256:`)) {
		t.Errorf("the verbs did not answer:\n%.2000s", &said)
	}
	files := map[string]int{}
	for where, root := range map[string]string{"what a child was given": seen, "a file of the clone": c.dir, "a file on the hub": c.hub} {
		err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() && e.Name() == "keys" {
				return fs.SkipDir
			}
			if e.Type().IsRegular() {
				b, err := os.ReadFile(p)
				if err != nil {
					return err
				}
				files[where]++
				none(where+" ("+strings.TrimPrefix(p, root)+")", b)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	for _, repo := range []string{c.hub, filepath.Join(c.dir, ".git", "crosslink", "replica.git")} { // objects are compressed
		none("an object of "+filepath.Base(repo), c.exec("git", "--git-dir="+repo, "cat-file", "--batch", "--batch-all-objects"))
	}
	t.Logf("looked at %v", files)
	if files["what a child was given"] < 20 {
		t.Errorf("the children were not recorded: %v", files)
	}
	// the check finds what it looks for
	if b := append([]byte("x"), secrets[0]...); !bytes.Contains(b, secrets[0]) || len(secrets[0]) != ed25519.SeedSize {
		t.Error("there is nothing to look for")
	}

	keys := filepath.Join(c.dir, ".git", "crosslink", "keys")
	n := 0
	err := filepath.WalkDir(keys, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := e.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if e.IsDir() {
			want = 0o700
		}
		if st.Mode().Perm() != want {
			t.Errorf("'%s' has mode %o", p, st.Mode().Perm())
		}
		n++
		return nil
	})
	if err != nil || n < 2 {
		t.Errorf("%d files: %v", n, err)
	}
}

func (c *clone) exec(name string, args ...string) []byte {
	c.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = c.env
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("%s %q: %v", name, args, err)
	}
	return out
}
