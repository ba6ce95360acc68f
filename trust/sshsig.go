package trust

import (
	"bytes"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Namespaces: a signature for one purpose is not valid for another, and neither is one that
// git or ssh-keygen made for code.
const (
	EventNamespace  = "crosslink-event@4"
	MetaNamespace   = "crosslink-meta@4"
	LedgerNamespace = "crosslink-ledger@4"
)

// MaxSignature is the maximum length of an SSHSIG blob, in bytes.
const MaxSignature = 16 << 10

// hashName is the hash of the message that is signed.
const hashName = "sha512"

// The SSHSIG blob (OpenSSH, PROTOCOL.sshsig). The rules are:
//   - one encoding: ParseSignature accepts what Encode writes and nothing else;
//   - version 1, no reserved bytes, hash sha512;
//   - RSA signs with rsa-sha2-512 or rsa-sha2-256, never with SHA-1.
const (
	sigMagic   = "SSHSIG"
	sigVersion = 1
)

// Signature is an SSHSIG: a key, and what the key signed for which purpose.
type Signature struct {
	Key       Key
	Namespace string
	sig       ssh.Signature
}

// wire forms, in ssh.Marshal's order of fields
type sigBlob struct {
	Version   uint32
	PublicKey []byte
	Namespace string
	Reserved  string
	Hash      string
	Signature []byte
}

type signedBlob struct {
	Namespace string
	Reserved  string
	Hash      string
	Message   []byte
}

// SignedData returns the bytes that a key signs for a message in a namespace.
func SignedData(namespace string, message []byte) []byte {
	sum := sha512.Sum512(message)
	return append([]byte(sigMagic), ssh.Marshal(signedBlob{namespace, "", hashName, sum[:]})...)
}

// NewSignature wraps a key's signature of SignedData.
func NewSignature(key Key, namespace string, sig *ssh.Signature) *Signature {
	return &Signature{key, namespace, *sig}
}

// Encode returns the SSHSIG blob.
func (s *Signature) Encode() []byte {
	return append([]byte(sigMagic), ssh.Marshal(sigBlob{sigVersion, s.Key.Blob(), s.Namespace, "", hashName, ssh.Marshal(s.sig)})...)
}

// String returns the blob in standard base64, as lines and files hold it.
func (s *Signature) String() string { return base64.StdEncoding.EncodeToString(s.Encode()) }

// ParseSignature reads an SSHSIG blob. It checks the form, not the signature.
func ParseSignature(blob []byte) (*Signature, error) {
	if len(blob) > MaxSignature {
		return nil, errors.New("the signature is too long")
	}
	rest, ok := bytes.CutPrefix(blob, []byte(sigMagic))
	if !ok {
		return nil, errors.New("not an SSH signature")
	}
	var b sigBlob
	if ssh.Unmarshal(rest, &b) != nil {
		return nil, errors.New("the signature is cut off or holds more than it should")
	}
	switch {
	case b.Version != sigVersion:
		return nil, errors.New("the signature is of another version")
	case b.Namespace == "" || b.Reserved != "":
		return nil, errors.New("the signature has no namespace, or reserved bytes")
	case b.Hash != hashName:
		return nil, errors.New("the signature covers another hash than " + hashName)
	}
	key, err := parseKeyBlob(b.PublicKey)
	if err != nil {
		return nil, err
	}
	s := &Signature{Key: key, Namespace: b.Namespace}
	if ssh.Unmarshal(b.Signature, &s.sig) != nil {
		return nil, errors.New("the signature is malformed")
	}
	if !fits(key.Type(), s.sig.Format) || len(s.sig.Rest) > 0 != strings.HasPrefix(key.Type(), "sk-") {
		return nil, errors.New("the signature is not of its key's kind")
	}
	if !bytes.Equal(s.Encode(), blob) {
		return nil, errors.New("the signature is not in its canonical encoding")
	}
	return s, nil
}

// fits reports whether a key of that kind makes signatures of that format.
func fits(keyType, format string) bool {
	if keyType == ssh.KeyAlgoRSA {
		return format == ssh.KeyAlgoRSASHA512 || format == ssh.KeyAlgoRSASHA256
	}
	return format == keyType
}

// ParseSignatureText reads the base64 of a blob in its one spelling.
func ParseSignatureText(s string) (*Signature, error) {
	if len(s) > base64.StdEncoding.EncodedLen(MaxSignature) {
		return nil, errors.New("the signature is too long")
	}
	blob, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("the signature is not base64")
	}
	return ParseSignature(blob)
}

// Verify checks that s is its key's signature of the message in the namespace. It does not
// check whose key it is.
func (s *Signature) Verify(namespace string, message []byte) error {
	if s.Namespace != namespace {
		return errors.New("the signature was made for another purpose")
	}
	pub, err := ssh.ParsePublicKey(s.Key.Blob())
	if err != nil {
		return err
	}
	if pub.Verify(SignedData(namespace, message), &s.sig) != nil {
		return errors.New("the signature is not one of these bytes")
	}
	return nil
}

// Armor returns the blob as ssh-keygen -Y writes and reads it.
func Armor(blob []byte) []byte {
	text := base64.StdEncoding.EncodeToString(blob)
	var b bytes.Buffer
	b.WriteString("-----BEGIN SSH SIGNATURE-----\n")
	for len(text) > 70 {
		b.WriteString(text[:70] + "\n")
		text = text[70:]
	}
	b.WriteString(text + "\n-----END SSH SIGNATURE-----\n")
	return b.Bytes()
}

// Dearmor reads what ssh-keygen -Y sign prints.
func Dearmor(text []byte) ([]byte, error) {
	s := strings.ReplaceAll(string(text), "\r\n", "\n")
	s, ok := strings.CutPrefix(s, "-----BEGIN SSH SIGNATURE-----\n")
	s, rest, end := strings.Cut(s, "\n-----END SSH SIGNATURE-----")
	if !ok || !end || strings.TrimSpace(rest) != "" || len(s) > 2*MaxSignature {
		return nil, errors.New("not an armored SSH signature")
	}
	blob, err := base64.StdEncoding.Strict().DecodeString(strings.ReplaceAll(s, "\n", ""))
	if err != nil {
		return nil, errors.New("the armored signature is not base64")
	}
	return blob, nil
}
