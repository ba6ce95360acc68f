package trust

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
)

// The chain of meta commits. The rules are (docs/format.md, "Meta ref"):
//   - the first commit has no parent, `seq` 1 and no `prev`; the agent that founds
//     a hub names itself as admin, if it has a key;
//   - every other commit has the next `seq`, the same hub, and as `prev` the hash
//     of the hub.json ‖ allowed_signers before it, so that an old commit cannot be
//     put on top again, even with a valid signature;
//   - it is signed by an admin of the state before it: meta.sig is an SSHSIG,
//     armored, over `<name> NUL <SHA-256> LF` per other file in name order.
//     While there are no admins anybody may add the next one, unsigned;
//   - a revoked admin no longer counts as one; a state without an admin who can
//     sign is refused, because nobody could ever change it again;
//   - of a commit of a newer level, only hub, seq and signature are checked; this
//     program cannot judge the commits after it.

// Files of a meta commit.
const (
	hubFile     = "hub.json"
	signersFile = "allowed_signers"
	sigFile     = "meta.sig"
)

// maxFiles bounds how many files a meta commit may have.
const maxFiles = 256

// State is the state after one meta commit: who may write, and under which policy. It is
// immutable.
type State struct {
	Meta    *Meta
	Signers *Signers

	newer int    // level above 4 to which somebody who was an admin then raised the hub, else 0
	hash  string // what the next commit names as prev
}

// Newer returns the level of the meta commit if this program does not support that level,
// otherwise 0. Such a State has only Meta.Hub and Meta.Seq.
func (r *State) Newer() int { return r.newer }

// Hash returns the `prev` of the next commit.
func (r *State) Hash() string { return r.hash }

// FirstMeta checks the first commit of a meta chain. files maps names to contents.
func FirstMeta(files map[string][]byte) (*State, error) {
	r, err := readState(files)
	if err != nil {
		return nil, err
	}
	if r.Meta.Seq != 1 {
		return nil, fault(RuleMetaOlder, "the first meta commit has sequence %d", r.Meta.Seq)
	}
	if files[sigFile] != nil { // nobody asks for it, but what is there is true
		if _, err := r.signer(files); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Next checks the commit that follows the one with the state r.
func (r *State) Next(files map[string][]byte) (*State, error) {
	if r.newer > 0 {
		return r, nil
	}
	n, err := readState(files)
	is := Claimed(files[hubFile])
	if err != nil && is.Level > r.Meta.Version {
		n, err = &State{Meta: &Meta{Version: is.Level, Hub: is.Hub, Seq: is.Seq}, Signers: &Signers{}, newer: is.Level}, nil
	}
	switch {
	case err != nil:
		return nil, err
	case n.Meta.Hub != r.Meta.Hub:
		return nil, fault(RuleMetaHub, "it is the meta of another hub")
	case n.Meta.Seq != r.Meta.Seq+1:
		return nil, fault(RuleMetaOlder, "its sequence is %d, not %d", n.Meta.Seq, r.Meta.Seq+1)
	case n.newer == 0 && n.Meta.Prev != r.hash:
		return nil, fault(RuleMetaPrev, "it does not continue the one before it")
	}
	if len(r.Meta.Admins) == 0 {
		return n, nil
	}
	if files[sigFile] == nil {
		return nil, fault(RuleMetaUnsigned, "it is not signed, and the hub has admins")
	}
	if _, err := r.signer(files); err != nil {
		return nil, err
	}
	return n, nil
}

// Believed reads a meta commit that was checked before. It does not check the commit
// against earlier ones.
func Believed(files map[string][]byte) (*State, error) {
	if is := Claimed(files[hubFile]); is.Level > 4 {
		return &State{Meta: &Meta{Version: is.Level, Hub: is.Hub, Seq: is.Seq}, Signers: &Signers{}, newer: is.Level}, nil
	}
	return readState(files)
}

func readState(files map[string][]byte) (*State, error) {
	if len(files) > maxFiles {
		return nil, fault(RuleMetaMalformed, "too many files")
	}
	m, err := DecodeMeta(files[hubFile])
	if err != nil {
		return nil, fault(RuleMetaMalformed, "%v", err)
	}
	s, err := ParseSigners(files[signersFile])
	if err != nil {
		return nil, fault(RuleMetaMalformed, "%v", err)
	}
	r := &State{Meta: m, Signers: s, hash: event.Hash(slices.Concat(files[hubFile], files[signersFile]))}
	if len(m.Admins) > 0 && len(r.adminKeys()) == 0 {
		return nil, fault(RuleMetaLockout, "no admin that it names has a key in allowed_signers")
	}
	return r, nil
}

// adminKeys returns who may sign the next commit, key → principal.
func (r *State) adminKeys() map[Key]string {
	keys := map[Key]string{}
	for _, a := range r.Meta.Admins {
		if _, revoked := r.Meta.Revoked[AgentOf(a)]; revoked {
			continue
		}
		for _, k := range r.Signers.Keys(a, MetaNamespace) {
			if _, ok := keys[k]; !ok {
				keys[k] = a
			}
		}
	}
	return keys
}

// AdminOf returns the admin that a key belongs to; "" if it belongs to none.
func (r *State) AdminOf(k Key) string { return r.adminKeys()[k] }

// signer returns the admin of r that signed the files.
func (r *State) signer(files map[string][]byte) (string, error) {
	blob, err := Dearmor(files[sigFile])
	if err != nil || !bytes.Equal(Armor(blob), files[sigFile]) {
		return "", fault(RuleMetaSignature, "'meta.sig' is not an armored signature")
	}
	s, err := ParseSignature(blob)
	if err != nil {
		return "", fault(RuleMetaSignature, "%v", err)
	}
	admin := r.AdminOf(s.Key)
	if admin == "" {
		return "", fault(RuleMetaNotAdmin, "the key %s that signed it does not belong to an admin", s.Key.Fingerprint())
	}
	if err := s.Verify(MetaNamespace, MetaSigned(files)); err != nil {
		return "", fault(RuleMetaSignature, "%v", err)
	}
	return admin, nil
}

// MetaSigned returns the bytes that meta.sig signs.
func MetaSigned(files map[string][]byte) []byte {
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if name == sigFile {
			continue
		}
		sum := sha256.Sum256(files[name])
		b.WriteString(name)
		b.WriteByte(0)
		b.WriteString(base64.RawURLEncoding.EncodeToString(sum[:]))
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// Draft returns the unsigned files of a commit that changes r. It fills in Meta.Seq, Prev
// and Hub.
func (r *State) Draft(m Meta, s *Signers) map[string][]byte {
	m.Version, m.Hub, m.Seq, m.Prev = r.Meta.Version, r.Meta.Hub, r.Meta.Seq+1, r.hash
	return MetaFiles(&m, s)
}

// MetaFiles returns the files of a meta commit, without a signature.
func MetaFiles(m *Meta, s *Signers) map[string][]byte {
	files := map[string][]byte{hubFile: m.Encode()}
	if b := s.Encode(); len(b) > 0 {
		files[signersFile] = b
	}
	return files
}

// Signed adds meta.sig to the files of a commit.
func Signed(files map[string][]byte, s *Signature) map[string][]byte {
	files = maps.Clone(files)
	files[sigFile] = Armor(s.Encode())
	return files
}
