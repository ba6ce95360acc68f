package trust

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/git-crosslink/git-crosslink/event"
)

// signerKey is a key that tests sign with.
type signerKey struct {
	Key
	private crypto.Signer
	ssh     ssh.Signer
}

func keyFrom(t testing.TB, private crypto.Signer) *signerKey {
	t.Helper()
	s, err := ssh.NewSignerFromSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	k, err := KeyOf(s.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	return &signerKey{k, private, s}
}

// newKey returns the ed25519 key of a name: the same in every run.
func newKey(t testing.TB, name string) *signerKey {
	return keyFrom(t, ed25519.NewKeyFromSeed([]byte(fmt.Sprintf("%-32.32s", name))))
}

func otherKeys(t testing.TB) map[string]*signerKey {
	t.Helper()
	keys := map[string]*signerKey{"ed25519": newKey(t, "ed")}
	for name, c := range map[string]elliptic.Curve{"p256": elliptic.P256(), "p384": elliptic.P384(), "p521": elliptic.P521()} {
		k, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		keys[name] = keyFrom(t, k)
	}
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys["rsa"] = keyFrom(t, k)
	return keys
}

func (k *signerKey) sign(t testing.TB, namespace string, message []byte) *Signature {
	t.Helper()
	data := SignedData(namespace, message)
	var sig *ssh.Signature
	var err error
	if a, ok := k.ssh.(ssh.AlgorithmSigner); ok && k.Type() == ssh.KeyAlgoRSA {
		sig, err = a.SignWithAlgorithm(rand.Reader, data, ssh.KeyAlgoRSASHA512)
	} else {
		sig, err = k.ssh.Sign(rand.Reader, data)
	}
	if err != nil {
		t.Fatal(err)
	}
	return NewSignature(k.Key, namespace, sig)
}

// chainSign is an event.Chain's Sign.
func (k *signerKey) chainSign(t testing.TB) func([]byte) (string, string, error) {
	return func(signed []byte) (string, string, error) {
		if signed == nil {
			return k.Fingerprint(), "", nil
		}
		return k.Fingerprint(), k.sign(t, EventNamespace, signed).String(), nil
	}
}

func TestSignature_EveryKindOfKey(t *testing.T) {
	for name, k := range otherKeys(t) {
		t.Run(name, func(t *testing.T) {
			msg := []byte("the flux")
			s := k.sign(t, EventNamespace, msg)
			got, err := ParseSignature(s.Encode())
			if err != nil {
				t.Fatal(err)
			}
			if got.Key != k.Key || got.Namespace != EventNamespace {
				t.Fatalf("%+v", got)
			}
			if err := got.Verify(EventNamespace, msg); err != nil {
				t.Fatal(err)
			}
			if got.Verify(MetaNamespace, msg) == nil {
				t.Error("a signature for one purpose is good for another")
			}
			if got.Verify(EventNamespace, []byte("the flux.")) == nil {
				t.Error("a signature is good for other bytes")
			}
			other := *got
			other.Key = newKey(t, "other").Key
			if other.Verify(EventNamespace, msg) == nil {
				t.Error("a signature is good for another key")
			}
			back, err := ParseKey(k.Key.String() + " a comment")
			if err != nil || back != k.Key {
				t.Fatal(back, err)
			}
			if blob, err := Dearmor(Armor(s.Encode())); err != nil || !bytes.Equal(blob, s.Encode()) {
				t.Fatal(err)
			}
			for i := range s.Encode() { // every bit of it counts
				b := s.Encode()
				b[i] ^= 1
				if p, err := ParseSignature(b); err == nil && p.Verify(EventNamespace, msg) == nil && p.Key == k.Key {
					t.Fatalf("byte %d may be another", i)
				}
			}
			for i := range s.Encode() {
				if _, err := ParseSignature(s.Encode()[:i]); err == nil {
					t.Fatalf("cut off at %d it is accepted", i)
				}
			}
			if _, err := ParseSignature(append(s.Encode(), 0)); err == nil {
				t.Error("something may stand behind it")
			}
		})
	}
}

func TestParseKey_WhatIsRefused(t *testing.T) {
	good := newKey(t, "a").Key.String()
	small, _ := rsa.GenerateKey(rand.Reader, 1024)
	pub, err := ssh.NewPublicKey(&small.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	blob := base64.StdEncoding.EncodeToString
	for rule, line := range map[string]string{
		"nothing":            "",
		"a word":             "ssh-ed25519",
		"no base64":          "ssh-ed25519 !!!!",
		"base64 cut off":     good[:len(good)-4],
		"another type":       "ssh-rsa" + strings.TrimPrefix(good, "ssh-ed25519"),
		"two blanks":         strings.Replace(good, " ", "  ", 1),
		"a short rsa key":    "ssh-rsa " + blob(pub.Marshal()),
		"dsa":                "ssh-dss AAAAB3NzaC1kc3MAAAAA",
		"something behind":   "ssh-ed25519 " + blob(append(newKey(t, "a").Blob(), 0)),
		"too long":           good + " " + strings.Repeat("x", event.MaxKey),
		"unknown kind":       "ssh-new " + blob(ssh.Marshal(struct{ T string }{"ssh-new"})),
		"unpadded base64":    "ssh-ed25519 " + strings.TrimRight(blob(append(newKey(t, "a").Blob(), 1, 2)), "="),
		"a line feed inside": "ssh-ed25519 " + blob(newKey(t, "a").Blob())[:10] + "\n" + blob(newKey(t, "a").Blob())[10:],
	} {
		if k, err := ParseKey(line); err == nil || !k.IsZero() {
			t.Errorf("%s: %v %v", rule, k, err)
		}
	}
	if (Key{}).String()+(Key{}).Fingerprint()+(Key{}).Type() != "" {
		t.Error("the zero key is something")
	}
}

// TestSSHKeygen_BothWays: this package verifies signatures by ssh-keygen, and
// ssh-keygen verifies those by this package.
func TestSSHKeygen_BothWays(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("NOT RUN: there is no ssh-keygen")
	}
	n := 2 // per kind of key and way; 5 kinds
	if os.Getenv("CROSSLINK_NIGHTLY") != "" {
		n = 100
	} else {
		t.Log("10 signatures each way; 500 each way with CROSSLINK_NIGHTLY=1")
	}
	checked := 0
	for name, k := range otherKeys(t) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "key")
			block, err := ssh.MarshalPrivateKey(k.private, "")
			if err != nil {
				t.Fatal(err)
			}
			write(t, file, pem.EncodeToMemory(block))
			signers, err := ParseSigners([]byte("alice@crosslink namespaces=\"" + EventNamespace + "\" " + k.Key.String() + " laptop\n"))
			if err != nil {
				t.Fatal(err)
			}
			allowed := filepath.Join(dir, "allowed_signers")
			write(t, allowed, signers.Encode())
			for i := range n {
				msg := bytes.Repeat([]byte{byte(i), '\n', 0}, i)
				out := run(t, msg, "ssh-keygen", "-Y", "sign", "-f", file, "-n", EventNamespace)
				blob, err := Dearmor(out)
				if err != nil {
					t.Fatal(err)
				}
				s, err := ParseSignature(blob)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Verify(EventNamespace, msg); err != nil || s.Key != k.Key {
					t.Fatal(err)
				}
				if !bytes.Equal(Armor(blob), out) {
					t.Fatalf("armour differs:\n%s\n%s", Armor(blob), out)
				}
				sig := filepath.Join(dir, "sig")
				write(t, sig, Armor(k.sign(t, EventNamespace, msg).Encode()))
				run(t, msg, "ssh-keygen", "-Y", "verify", "-f", allowed, "-I", "alice@crosslink", "-n", EventNamespace, "-s", sig)
				checked += 2
			}
			got := string(run(t, nil, "ssh-keygen", "-l", "-f", file))
			if !strings.Contains(got, " "+k.Fingerprint()+" ") {
				t.Fatalf("%s is not %s", got, k.Fingerprint())
			}
		})
	}
	t.Logf("%d signatures cross-checked", checked)
}

func run(t testing.TB, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stdin), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s%s", name, args, err, out, &stderr)
	}
	return out
}

func write(t testing.TB, file string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestRealHub: the signed lines of the original's own hub verify under its own
// rule, and nothing else does.
func TestRealHub(t *testing.T) {
	bundle, err := filepath.Abs("../../shared/data/crosslink-v3-hub.bundle")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(bundle); err != nil {
		t.Skip("NOT RUN: the bundle of the original's own hub is not at ../shared/data beside the repository")
	}
	dir := filepath.Join(t.TempDir(), "hub.git")
	run(t, nil, "git", "clone", "-q", "--bare", bundle, dir)
	heads := run(t, nil, "git", "-C", dir, "for-each-ref", "--format=%(refname)", "refs/heads/crosslink/agents")
	signed, unsigned := 0, 0
	keys := map[Key]bool{}
	for ref := range strings.Lines(string(heads)) {
		log := run(t, nil, "git", "-C", dir, "cat-file", "blob", strings.TrimSpace(ref)+":events.log")
		for line := range bytes.Lines(log) {
			e, err := event.Decode3(bytes.TrimSuffix(line, []byte("\n")))
			if err != nil {
				t.Fatal(err)
			}
			k, err := verifyLine3(e)
			switch RuleOf(err) {
			case "":
				signed++
				keys[k] = true
				flipped := *e
				flipped.Seq++
				if _, err := verifyLine3(&flipped); RuleOf(err) != RuleBadSignature {
					t.Fatal("a line that was altered verifies")
				}
			case RuleUnsigned:
				unsigned++
			default:
				t.Errorf("%s %d: %v", e.Agent, e.Seq, err)
			}
		}
	}
	t.Logf("%d signed by %d keys, %d unsigned", signed, len(keys), unsigned)
	if signed != 213 || unsigned != 19 {
		t.Fatalf("%d signed, %d unsigned, want 213 and 19", signed, unsigned)
	}
}

// TestFormatDoc_Signers: what docs/format.md shows is accepted.
func TestFormatDoc_Signers(t *testing.T) {
	doc, err := os.ReadFile("../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(doc), "\n```signers\n")
	block, _, _ := strings.Cut(rest, "```")
	s, err := ParseSigners([]byte(block))
	if !ok || err != nil || len(s.All()) != 2 || string(s.Encode()) != block {
		t.Fatalf("%v %v", ok, err)
	}
}

func TestParseSigners(t *testing.T) {
	a, b := newKey(t, "a").Key.String(), newKey(t, "b").Key.String()
	good := "# who may\n\nalice@crosslink " + a + "\nbob@crosslink namespaces=\"" + EventNamespace + ",git\" " + b + " old one\nbob@crosslink " + a + "\n"
	s, err := ParseSigners([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if string(s.Encode()) != good {
		t.Fatalf("%s", s.Encode())
	}
	if k := s.Keys("bob@crosslink", EventNamespace); len(k) != 2 || k[0] != newKey(t, "b").Key {
		t.Error(k)
	}
	if k := s.Keys("bob@crosslink", MetaNamespace); len(k) != 1 || k[0] != newKey(t, "a").Key {
		t.Error("a key counts for a purpose that it is not listed for")
	}
	if s.Lists("eve@crosslink") || !s.Lists("bob@crosslink") || len(s.All()) != 3 || s.All()[1].Comment != "old one" {
		t.Error(s.All())
	}
	if n := s.Without("bob@crosslink", Key{}); n.Lists("bob@crosslink") || !s.Lists("bob@crosslink") {
		t.Error("Without")
	}
	n := s.With(Signer{Principal: "carol@crosslink", Namespaces: []string{EventNamespace}, Key: newKey(t, "c").Key, Comment: "x y"})
	if again, err := ParseSigners(n.Encode()); err != nil || len(again.All()) != 4 || again.All()[3].Comment != "x y" {
		t.Error(err)
	}
	if AgentOf("bob-1@crosslink") != "bob-1" || AgentOf("bob@example.com") != "" || AgentOf("@crosslink") != "" {
		t.Error("AgentOf")
	}
	for rule, line := range map[string]string{
		"no LF":               "alice@crosslink " + a,
		"CRLF":                "alice@crosslink " + a + "\r\n",
		"no key":              "alice@crosslink\n",
		"a pattern":           "*@crosslink " + a + "\n",
		"a negation":          "!alice@crosslink " + a + "\n",
		"a list":              "alice@crosslink,bob@crosslink " + a + "\n",
		"a quoted name":       "\"alice@crosslink\" " + a + "\n",
		"two blanks":          "alice@crosslink  " + a + "\n",
		"a tab":               "alice@crosslink\t" + a + "\n",
		"a leading blank":     " alice@crosslink " + a + "\n",
		"a trailing blank":    "alice@crosslink " + a + " \n",
		"cert-authority":      "alice@crosslink cert-authority " + a + "\n",
		"valid-after":         "alice@crosslink valid-after=\"20260101\" " + a + "\n",
		"valid-before":        "alice@crosslink namespaces=\"git\",valid-before=\"20260101\" " + a + "\n",
		"no namespace":        "alice@crosslink namespaces=\"\" " + a + "\n",
		"a namespace pattern": "alice@crosslink namespaces=\"crosslink-*\" " + a + "\n",
		"namespaces unquoted": "alice@crosslink namespaces=git " + a + "\n",
		"NAMESPACES":          "alice@crosslink NAMESPACES=\"git\" " + a + "\n",
		"a key twice":         "alice@crosslink " + a + "\nalice@crosslink " + a + " again\n",
		"another type":        "alice@crosslink ssh-rsa" + strings.TrimPrefix(a, "ssh-ed25519") + "\n",
		"a certificate":       "alice@crosslink ssh-ed25519-cert-v01@openssh.com" + strings.TrimPrefix(a, "ssh-ed25519") + "\n",
		"a NUL":               "alice@crosslink " + a + " \x00\n",
		"not UTF-8":           "alice@crosslink " + a + " \xff\n",
	} {
		if s, err := ParseSigners([]byte(line)); err == nil || s != nil {
			t.Errorf("%s is accepted", rule)
		}
	}
	if _, err := ParseSigners(bytes.Repeat([]byte("#\n"), MaxSigners)); err == nil {
		t.Error("a file over 4 MiB")
	}
}
