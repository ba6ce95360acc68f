package trust

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/git-crosslink/git-crosslink/event"
)

// Bounds of RSA keys in bits: shorter ones can be broken, longer ones only
// cost everybody time.
const (
	minRSA = 2048
	maxRSA = 8192
)

// keyTypes are the kinds of key that may sign. DSA is broken; a certificate's
// meaning depends on an authority and a date, which no verdict looks at.
var keyTypes = map[string]bool{
	ssh.KeyAlgoED25519:  true,
	ssh.KeyAlgoECDSA256: true, ssh.KeyAlgoECDSA384: true, ssh.KeyAlgoECDSA521: true,
	ssh.KeyAlgoRSA:       true,
	ssh.KeyAlgoSKED25519: true, ssh.KeyAlgoSKECDSA256: true,
}

// Key is a public key. Two keys are equal (==) if their bytes are; the zero
// Key is none.
type Key struct{ blob string }

// ParseKey reads one line of OpenSSH public key, `type base64 [comment]`.
func ParseKey(line string) (Key, error) {
	f := strings.SplitN(line, " ", 3)
	if len(f) < 2 || len(line) > event.MaxKey || !oneLine(line) {
		return Key{}, errors.New("not a public key of the form 'ssh-ed25519 AAAA…'")
	}
	blob, err := base64.StdEncoding.Strict().DecodeString(f[1])
	if err != nil {
		return Key{}, errors.New("not a public key: the second word is not base64")
	}
	k, err := parseKeyBlob(blob)
	if err != nil {
		return Key{}, err
	}
	if k.Type() != f[0] {
		return Key{}, fmt.Errorf("a key of type '%s' is written as another", k.Type())
	}
	return k, nil
}

// parseKeyBlob reads a key in SSH's wire form and accepts one encoding of it.
func parseKeyBlob(blob []byte) (Key, error) {
	if len(blob) > event.MaxKey {
		return Key{}, errors.New("the public key is too long")
	}
	pub, err := ssh.ParsePublicKey(blob)
	if err != nil {
		return Key{}, errors.New("the public key is malformed or of an unknown kind")
	}
	if !keyTypes[pub.Type()] {
		return Key{}, errors.New("only ed25519, ecdsa and rsa keys may sign, and their hardware forms")
	}
	if c, ok := pub.(ssh.CryptoPublicKey); ok {
		if r, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok && (r.N.BitLen() < minRSA || r.N.BitLen() > maxRSA) {
			return Key{}, fmt.Errorf("an RSA key has %d to %d bits", minRSA, maxRSA)
		}
	}
	if !bytes.Equal(pub.Marshal(), blob) {
		return Key{}, errors.New("the public key is not in its canonical encoding")
	}
	return Key{string(blob)}, nil
}

// KeyOf returns the key of a public key of package ssh.
func KeyOf(pub ssh.PublicKey) (Key, error) { return parseKeyBlob(pub.Marshal()) }

// IsZero reports whether k is the zero Key.
func (k Key) IsZero() bool { return k.blob == "" }

// Type returns SSH's name of the kind of key, "ssh-ed25519".
func (k Key) Type() string {
	if len(k.blob) < 4 {
		return ""
	}
	n := int(k.blob[2])<<8 | int(k.blob[3])
	return k.blob[4 : 4+n]
}

// String returns the key as OpenSSH writes it, without a comment.
func (k Key) String() string {
	if k.IsZero() {
		return ""
	}
	return k.Type() + " " + base64.StdEncoding.EncodeToString([]byte(k.blob))
}

// MarshalText writes the key as String does.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what ParseKey does.
func (k *Key) UnmarshalText(text []byte) (err error) {
	*k, err = ParseKey(string(text))
	return err
}

// Blob returns the key in SSH's wire form.
func (k Key) Blob() []byte { return []byte(k.blob) }

// Fingerprint returns `SHA256:` and 43 characters, as ssh-keygen -l shows it
// and `signed_by` holds it; "" for no key.
func (k Key) Fingerprint() string {
	if k.IsZero() {
		return ""
	}
	sum := sha256.Sum256([]byte(k.blob))
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}
