package keys

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/git-crosslink/git-crosslink/trust"
)

func ring(t *testing.T) *Ring {
	return &Ring{Dir: filepath.Join(t.TempDir(), "keys"), Environ: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}}
}

// signs fails unless the key signs what verifies.
func signs(t *testing.T, s Signer) {
	t.Helper()
	for _, ns := range []string{trust.EventNamespace, trust.MetaNamespace} {
		sig, err := s.Sign(context.Background(), ns, []byte("the flux"))
		if err != nil {
			t.Fatal(err)
		}
		if err := sig.Verify(ns, []byte("the flux")); err != nil || sig.Key != s.Key() {
			t.Fatal(err)
		}
	}
}

func TestMake_OneKeyPerAgentForItsOwnerAlone(t *testing.T) {
	r := ring(t)
	if all, err := r.Made("alice-box"); err != nil || len(all) != 0 {
		t.Fatal(all, err)
	}
	// a shared repository, and a umask that lets everybody read
	if err := os.Mkdir(r.Dir, 0o777); err != nil {
		t.Fatal(err)
	}
	var (
		mu   sync.Mutex
		keys = map[trust.Key]bool{}
		wg   sync.WaitGroup
	)
	for range 8 {
		wg.Go(func() {
			s, err := r.Make("alice-box")
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			keys[s.Key()] = true
		})
	}
	wg.Wait()
	if len(keys) != 1 {
		t.Fatalf("%d keys were made at once", len(keys))
	}
	other, err := r.Make("bob-box")
	if err != nil || keys[other.Key()] {
		t.Fatal("two agents share a key", err)
	}
	s, err := r.Make("alice-box")
	if err != nil || !keys[s.Key()] {
		t.Fatal("it was made again", err)
	}
	signs(t, s)
	modes(t, r.Dir)
	if _, err := r.Make("../alice"); err == nil {
		t.Fatal("an id that is a path")
	}
}

// modes fails unless directories are 0700 and files 0600, and nothing is left
// that should not be there.
func modes(t *testing.T, dir string) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		} else {
			n++
		}
		if st.Mode().Perm() != want {
			t.Errorf("%s is %v, want %v", path, st.Mode().Perm(), want)
		}
		if strings.HasPrefix(d.Name(), ".new-") {
			t.Errorf("%s is left", path)
		}
		return nil
	})
	if err != nil || n == 0 {
		t.Fatal(n, err)
	}
}

func TestPromote(t *testing.T) {
	r := ring(t)
	old, err := r.Make("alice-box")
	if err != nil {
		t.Fatal(err)
	}
	next, err := r.MakeNext("alice-box")
	if err != nil || next.Key() == old.Key() {
		t.Fatal(err)
	}
	if again, err := r.MakeNext("alice-box"); err != nil || again.Key() != next.Key() {
		t.Fatal("a rotation that was cut short begins anew", err)
	}
	if all, err := r.Made("alice-box"); err != nil || len(all) != 2 || all[0].Key() != old.Key() || all[1].Key() != next.Key() {
		t.Fatal(all, err)
	}
	if err := r.Promote("alice-box"); err != nil {
		t.Fatal(err)
	}
	if all, err := r.Made("alice-box"); err != nil || len(all) != 1 || all[0].Key() != next.Key() {
		t.Fatal(all, err)
	}
	modes(t, r.Dir)
}

// agentWith serves an ssh-agent that holds the keys.
func agentWith(t *testing.T, private ...any) (socket string) {
	t.Helper()
	held := agent.NewKeyring()
	for _, p := range private {
		if err := held.Add(agent.AddedKey{PrivateKey: p}); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := os.MkdirTemp("", "agent") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go agent.ServeAgent(held, c)
		}
	}()
	return filepath.Join(dir, "s")
}

func TestConfigured_FilesAndAgent(t *testing.T) {
	r := ring(t)
	dir := t.TempDir()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, private any, pass string) (file string, pub string) {
		var block *pem.Block
		if pass == "" {
			block, err = ssh.MarshalPrivateKey(private, "")
		} else {
			block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(pass))
		}
		if err != nil {
			t.Fatal(err)
		}
		s, err := ssh.NewSignerFromKey(private)
		if err != nil {
			t.Fatal(err)
		}
		file, pub = filepath.Join(dir, name), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.PublicKey())))
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file+".pub", []byte(pub+" me@box\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return file, pub
	}
	edFile, edPub := put("ed", ed, "")
	rsaFile, rsaPub := put("rsa", rs, "")
	locked, lockedPub := put("locked", ed, "hunter2")
	if lockedPub != edPub {
		t.Fatal("the same key")
	}
	for _, f := range []string{edFile, rsaFile} {
		s, err := r.Configured(f)
		if err != nil {
			t.Fatal(err)
		}
		signs(t, s)
	}
	for _, v := range []string{edPub, "key::" + edPub, edFile + ".pub", rsaPub, locked} {
		s, err := r.Configured(v)
		if err != nil {
			t.Fatal(v, err)
		}
		if _, err := s.Sign(context.Background(), trust.EventNamespace, nil); err == nil || !strings.Contains(err.Error(), "no ssh-agent is running") {
			t.Fatalf("%s without an agent: %v", v, err)
		}
	}
	bare := *r
	r.Environ = append(r.Environ, "SSH_AUTH_SOCK="+agentWith(t, &ed, rs))
	for _, v := range []string{edPub, "key::" + edPub, edFile + ".pub", rsaPub, rsaFile + ".pub", locked} {
		s, err := r.Configured(v)
		if err != nil {
			t.Fatal(v, err)
		}
		signs(t, s)
	}
	empty := bare
	empty.Environ = append(empty.Environ, "SSH_AUTH_SOCK="+agentWith(t))
	s, err := empty.Configured(edPub)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sign(context.Background(), trust.EventNamespace, nil); err == nil || !strings.Contains(err.Error(), "does not hold the key SHA256:") {
		t.Fatal(err)
	}
	for _, v := range []string{filepath.Join(dir, "none"), dir, "key::nonsense", "ssh-ed25519 AAAA"} {
		if _, err := bare.Configured(v); err == nil {
			t.Errorf("'%s' is a key", v)
		}
	}
}

// TestSSHKeygenSigns: a key with a passphrase signs through ssh-keygen, which
// asks for it; nobody there to be asked, it fails at once.
func TestSSHKeygenSigns(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("NOT RUN: there is no ssh-keygen")
	}
	r := ring(t)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(ed, "", []byte("hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, asked := filepath.Join(dir, "locked"), filepath.Join(dir, "asked")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := r.Configured(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sign(context.Background(), trust.EventNamespace, nil); err == nil {
		t.Fatal("it signs without the passphrase")
	}
	askpass := filepath.Join(dir, "askpass")
	if err := os.WriteFile(askpass, []byte(fmt.Sprintf("#!/bin/sh\ntouch '%s'\necho hunter2\n", asked)), 0o755); err != nil {
		t.Fatal(err)
	}
	r.Ask = true
	r.Environ = append(r.Environ, "SSH_ASKPASS="+askpass, "SSH_ASKPASS_REQUIRE=force", "DISPLAY=:0")
	signs(t, s)
	if _, err := os.Stat(asked); err != nil {
		t.Fatal("nobody was asked")
	}
}

// TestNothingSecretLeaves: what a child process gets, and what errors say,
// holds no part of the private key.
func TestNothingSecretLeaves(t *testing.T) {
	dir := t.TempDir()
	seen := filepath.Join(dir, "seen")
	stub := filepath.Join(dir, "ssh-keygen")
	if err := os.WriteFile(stub, []byte("#!/bin/sh\n{ echo \"args: $*\"; env; cat; } > '"+seen+"' 2>&1\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	seed := bytes.Repeat([]byte("SECRETsecret"), 3)[:ed25519.SeedSize]
	private := ed25519.NewKeyFromSeed(seed)
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "locked")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	r := ring(t)
	s, err := r.Configured(file)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Sign(context.Background(), trust.EventNamespace, []byte("the flux"))
	if err == nil {
		t.Fatal("the stub signs")
	}
	b, rerr := os.ReadFile(seen)
	if rerr != nil {
		t.Fatal(rerr)
	}
	if !bytes.Contains(b, []byte("the flux")) || !bytes.Contains(b, []byte("-Y sign -f "+file)) {
		t.Fatalf("the child saw %q", b)
	}
	all := append(b, err.Error()...)
	for _, secret := range [][]byte{seed, []byte("hunter2"), []byte(base64.StdEncoding.EncodeToString(seed)), []byte(base64.StdEncoding.EncodeToString(block.Bytes[len(block.Bytes)-60 : len(block.Bytes)-30]))} {
		if bytes.Contains(all, secret) {
			t.Errorf("%q left the process: %q", secret, all)
		}
	}
	for _, p := range []string{fmt.Sprint(s), fmt.Sprintf("%+v", s.Key())} {
		if strings.Contains(p, string(seed)) {
			t.Error("a value prints its secret")
		}
	}
}

// BenchmarkSign is what signing adds to a write: the key file read, parsed, and
// one signature.
func BenchmarkSign(b *testing.B) {
	r := &Ring{Dir: filepath.Join(b.TempDir(), "keys")}
	if _, err := r.Make("alice-box"); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		all, err := r.Made("alice-box")
		if err != nil || len(all) != 1 {
			b.Fatal(err)
		}
		if _, err := all[0].Sign(context.Background(), trust.EventNamespace, []byte("the flux")); err != nil {
			b.Fatal(err)
		}
	}
}
