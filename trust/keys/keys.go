package keys

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Signer is a key that signs.
type Signer interface {
	Key() trust.Key

	// Where says in which file or by which program the key is, for people.
	Where() string

	// Sign signs a message for a purpose. The error says in words why not.
	Sign(ctx context.Context, namespace string, message []byte) (*trust.Signature, error)
}

// Ring is the keys of one clone.
type Ring struct {
	Dir     string   // where keys are made and kept
	Environ []string // for ssh-agent and ssh-keygen
	Ask     bool     // somebody is there to be asked for a passphrase or a touch
}

// maxKeyFile bounds a key file.
const maxKeyFile = 64 << 10

// path is the file of an agent's key; next is the file of the key that will replace it.
func (r *Ring) path(agent string) string { return filepath.Join(r.Dir, agent) }
func (r *Ring) next(agent string) string { return filepath.Join(r.Dir, agent+".next") }

// Made returns the key that was made for an agent, and the one made to follow
// it if a rotation was cut short; none of them if there is none.
func (r *Ring) Made(agent string) ([]Signer, error) {
	if err := event.ValidAgentID(agent); err != nil {
		return nil, err
	}
	var all []Signer
	for _, path := range []string{r.path(agent), r.next(agent)} {
		s, err := r.file(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Make makes a key for an agent that has none and returns it; of two processes
// that do so at once both get the same.
func (r *Ring) Make(agent string) (Signer, error) { return r.make(agent, r.path(agent)) }

// MakeNext makes the key that is to follow an agent's: Promote puts it in its
// place when the log says so. One that was made before is returned again.
func (r *Ring) MakeNext(agent string) (Signer, error) { return r.make(agent, r.next(agent)) }

// Promote puts the next key in the place of the one before, which is gone then.
func (r *Ring) Promote(agent string) error {
	if err := os.Rename(r.next(agent), r.path(agent)); err != nil {
		return err
	}
	return syncDir(r.Dir)
}

func (r *Ring) make(agent, path string) (Signer, error) {
	if err := event.ValidAgentID(agent); err != nil {
		return nil, err
	}
	if err := r.mkdir(); err != nil {
		return nil, err
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, trust.Principal(agent))
	if err != nil {
		return nil, err
	}
	// link, unlike rename, fails when somebody was faster
	tmp := filepath.Join(r.Dir, ".new-"+rand.Text())
	if err := writeSecret(tmp, pem.EncodeToMemory(block)); err != nil {
		return nil, err
	}
	defer os.Remove(tmp)
	if err := os.Link(tmp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if err := syncDir(r.Dir); err != nil {
		return nil, err
	}
	return r.file(path)
}

// mkdir makes the directory for its owner alone, also below a shared one.
func (r *Ring) mkdir() error {
	if err := os.Mkdir(r.Dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := statefile.Dir(r.Dir); err != nil {
		return err
	}
	return os.Chmod(r.Dir, 0o700)
}

func writeSecret(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(path)
	}
	return err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// IsPublic reports whether a value of crosslink.signingKey is a public key
// itself; any other names a file.
func IsPublic(value string) bool {
	return slices.ContainsFunc([]string{"key::", "ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"}, func(p string) bool { return strings.HasPrefix(value, p) })
}

// Configured returns the key that crosslink.signingKey names: a file, a public
// key, or `key::` and a public key, as git's user.signingKey has it.
func (r *Ring) Configured(value string) (Signer, error) {
	if IsPublic(value) {
		k, err := trust.ParseKey(strings.TrimSpace(strings.TrimPrefix(value, "key::")))
		if err != nil {
			return nil, fmt.Errorf("crosslink.signingKey: %w", err)
		}
		return &agentKey{ring: r, key: k, where: "ssh-agent"}, nil
	}
	s, err := r.file(value)
	if err != nil {
		return nil, fmt.Errorf("crosslink.signingKey: %w", err)
	}
	return s, nil
}

// file returns the key of a file.
func (r *Ring) file(path string) (Signer, error) {
	read := readBounded // what crosslink.signingKey names may be a link
	if filepath.Dir(path) == filepath.Clean(r.Dir) {
		read = func(path string) ([]byte, error) { return statefile.Read(path, maxKeyFile) }
	}
	b, err := read(path)
	if err != nil {
		return nil, err
	}
	if pub, err := publicLine(b); err == nil {
		return &agentKey{ring: r, key: pub, where: path}, nil
	}
	private, err := ssh.ParseRawPrivateKey(b)
	var locked *ssh.PassphraseMissingError
	if err != nil {
		// a passphrase, or hardware: others can, if it is known which key it is
		pub, perr := r.publicOf(path, b)
		if errors.As(err, &locked) && locked.PublicKey != nil {
			pub, perr = trust.KeyOf(locked.PublicKey)
		}
		if perr != nil {
			return nil, fmt.Errorf("'%s' holds no key that can be read", path)
		}
		return &agentKey{ring: r, key: pub, where: path, file: path, passphrase: locked != nil}, nil
	}
	s, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return nil, fmt.Errorf("'%s' holds no key that can sign", path)
	}
	k, err := trust.KeyOf(s.PublicKey())
	if err != nil {
		return nil, fmt.Errorf("'%s': %w", path, err)
	}
	return &fileKey{key: k, path: path, signer: s}, nil
}

func readBounded(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxKeyFile {
		return nil, fmt.Errorf("'%s' is not a key file", path)
	}
	return os.ReadFile(path)
}

func publicLine(b []byte) (trust.Key, error) {
	return trust.ParseKey(strings.TrimRight(string(b), "\r\n"))
}

// publicOf is the public half of a private key file that this program cannot
// read: beside it, or in it.
func (r *Ring) publicOf(path string, private []byte) (trust.Key, error) {
	if b, err := readBounded(path + ".pub"); err == nil {
		return publicLine(b)
	}
	block, _ := pem.Decode(private)
	if block == nil || block.Type != "OPENSSH PRIVATE KEY" {
		return trust.Key{}, errors.New("no key")
	}
	return embedded(block.Bytes)
}

// embedded reads the public key, which is unencrypted in a private key file of OpenSSH
// (PROTOCOL.key).
func embedded(b []byte) (trust.Key, error) {
	const magic = "openssh-key-v1\x00"
	rest, ok := strings.CutPrefix(string(b), magic)
	var head struct {
		Cipher, KDF, Options string
		Keys                 uint32
		Public               []byte
		Rest                 []byte `ssh:"rest"`
	}
	if !ok || ssh.Unmarshal([]byte(rest), &head) != nil || head.Keys != 1 {
		return trust.Key{}, errors.New("no key")
	}
	pub, err := ssh.ParsePublicKey(head.Public)
	if err != nil {
		return trust.Key{}, err
	}
	return trust.KeyOf(pub)
}

// fileKey signs in this process.
type fileKey struct {
	key    trust.Key
	path   string
	signer ssh.Signer
}

func (k *fileKey) Key() trust.Key { return k.key }
func (k *fileKey) Where() string  { return k.path }

func (k *fileKey) Sign(_ context.Context, namespace string, message []byte) (*trust.Signature, error) {
	data := trust.SignedData(namespace, message)
	var sig *ssh.Signature
	var err error
	if a, ok := k.signer.(ssh.AlgorithmSigner); ok && k.key.Type() == ssh.KeyAlgoRSA {
		sig, err = a.SignWithAlgorithm(rand.Reader, data, ssh.KeyAlgoRSASHA512)
	} else {
		sig, err = k.signer.Sign(rand.Reader, data)
	}
	if err != nil {
		return nil, fmt.Errorf("the key in '%s' cannot sign: %w", k.path, err)
	}
	return trust.NewSignature(k.key, namespace, sig), nil
}

// All returns the keys that were made here, of all agents. What cannot be read is
// left out.
func (r *Ring) All() (all []trust.Key) {
	entries, err := os.ReadDir(r.Dir)
	if err != nil {
		return nil
	}
	for _, f := range entries {
		made, err := r.Made(f.Name())
		if err != nil {
			continue
		}
		for _, k := range made {
			all = append(all, k.Key())
		}
	}
	return all
}
