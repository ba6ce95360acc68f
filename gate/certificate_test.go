package gate_test

import (
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/gate"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/trust"
)

// keyFile writes the private key of a name where git and ssh-keygen find it.
func (w *world) keyFile(name string) string {
	w.t.Helper()
	block, err := ssh.MarshalPrivateKey(ed25519.NewKeyFromSeed([]byte(fmt.Sprintf("%-32.32s", name))), "")
	if err != nil {
		w.t.Fatal(err)
	}
	file := filepath.Join(w.dir, "key of "+name)
	put(w.t.(*testing.T), file, string(pem.EncodeToMemory(block)), 0o600)
	put(w.t.(*testing.T), file+".pub", w.key(name).String()+"\n", 0o600)
	return file
}

// Where the server asks for signed pushes, the pusher's key is one of the agent
// whose lines are pushed.
func TestPushCertificatesBindThePusher(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("git signs pushes by ssh-keygen, which is not here")
	}
	w := settled(t, gate.Whole, trust.Warn, true)
	w.git("--git-dir="+w.hub, "config", "receive.certNonceSeed", "seed")
	w.git("config", "gpg.format", "ssh")
	push := func(key string, spec string) (string, bool) {
		if key == "" {
			return w.push(spec)
		}
		w.git("config", "user.signingKey", w.keyFile(key))
		return w.push("--signed", spec)
	}
	next := func(id string) (string, func()) {
		l := w.logs[id]
		lines, chain := w.next(l, 1)
		tip := w.put(id, l.tip, lines...)
		return string(tip) + ":" + agents + id, func() {
			l.tip, l.chain, l.lines = tip, chain, append(l.lines, lines...)
			l.chain.Sign = nil
		}
	}
	for _, c := range []struct {
		require  bool
		key, log string
		refused  string // "" = it is taken
	}{
		{false, "", "alice", ""},
		{false, "alice", "alice", ""},
		{false, "bob", "alice", "which is not a key of 'alice'"},
		{false, "somebody who writes no log", "alice", ""},
		{false, "rex, later", "rex", ""},
		{true, "", "alice", "the push is not signed"},
		{true, "alice", "alice", ""},
		{true, "bob", "alice", "which is not a key of 'alice'"},
		{true, "somebody who writes no log", "alice", "which is not a key of 'alice'"},
		{true, "rex", "rex", "which is not a key of 'rex'"}, // rotated out
		{true, "rex, later", "rex", ""},
	} {
		if c.require {
			w.git("--git-dir="+w.hub, "config", "crosslink.pushCertificate", "require")
		}
		spec, taken := next(c.log)
		says, ok := push(c.key, spec)
		switch {
		case c.refused == "" && ok:
			taken()
		case c.refused == "" || ok || !strings.Contains(says, "rule 'certificate'") || !strings.Contains(says, c.refused):
			t.Errorf("required %v, key of '%s', log of '%s': %s", c.require, c.key, c.log, says)
		}
	}
}

// git does not pass signatures to a proc-receive hook. If the hub's owner requires them, this
// is reported.
func TestNoCertificatesByRef(t *testing.T) {
	w := settled(t, gate.PerRef, trust.Warn, true)
	w.git("--git-dir="+w.hub, "config", "crosslink.pushCertificate", "require")
	w.grow(w.logs["alice"], 1)
	w.refusedInWords(string(w.logs["alice"].tip)+":"+agents+"alice", "git does not pass signatures to this kind of hook")
	r, err := gate.Inspect(w.ctx, w.hub, "", w.env)
	if err != nil || !slices.ContainsFunc(r.Findings, func(d fail.Diagnosis) bool { return d.Code.Name() == "no-certificates" }) {
		t.Errorf("%+v, %v", r, err)
	}
}

// A misspelled 'require' requires nothing, and 'server check' says so.
func TestMisspelledCertificateSetting(t *testing.T) {
	w := settled(t, gate.Whole, trust.Warn, true)
	w.git("--git-dir="+w.hub, "config", "crosslink.pushCertificate", "required")
	r, err := gate.Inspect(w.ctx, w.hub, "", w.env)
	k := slices.IndexFunc(r.Findings, func(d fail.Diagnosis) bool { return d.Code.Name() == "odd-setting" })
	if err != nil || k < 0 || r.Findings[k].Severity != fail.Warning || hints.For(r.Findings[k].Code, r.Findings[k].Fields)[0] != "git config crosslink.pushCertificate require" {
		t.Errorf("%+v, %v", r, err)
	}
}

// A certificate of another push, or one that was altered, is nobody's.
func TestACertificateOfAnotherPush(t *testing.T) {
	w := newWorld(t, "sha1")
	repo := git.NewServer(w.evil, w.form, os.Environ())
	defer repo.Close()
	text := []byte("certificate version 0.1\npusher x\nnonce 1-a\n\n" + strings.Repeat("0", 40) + " " + strings.Repeat("1", 40) + " refs/heads/x\n")
	sig, err := w.key("alice").sign("git", text)
	if err != nil {
		t.Fatal(err)
	}
	store := func(text []byte) refs.OID {
		ids, err := w.repo.Write(w.ctx, []refs.Object{{Kind: refs.Blob, Data: text}})
		if err != nil {
			t.Fatal(err)
		}
		return ids[0]
	}
	good := append(text, trust.Armor(sig.Encode())...)
	event, err := w.key("alice").sign(trust.EventNamespace, text)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text   []byte
		status string
		known  bool
	}{
		"good":                    {good, "OK", true},
		"over http, a little old": {good, "SLOP", true},
		"replayed":                {good, "BAD", false},
		"without a nonce":         {good, "MISSING", false},
		"unasked":                 {good, "UNSOLICITED", false},
		"altered":                 {changed(good, "refs/heads/x", "refs/heads/y"), "OK", false},
		"signed for another use":  {append(append([]byte{}, text...), trust.Armor(event.Encode())...), "OK", false},
		"not by an SSH key":       {append(append([]byte{}, text...), "-----BEGIN PGP SIGNATURE-----\n"...), "OK", false},
		"nothing":                 {nil, "OK", false},
	} {
		p, err := gate.ReadCertificate(w.ctx, repo, store(c.text), c.status, true)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if known := !p.Key.IsZero(); known != c.known || known && p.Key != w.key("alice").Key || !known && p.Why == "" {
			t.Errorf("%s: %+v", name, p)
		}
	}
}
