package gate

import (
	"bytes"
	"context"
	"errors"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/trust"
)

// A push certificate is the pusher's signature of the push. git asks for it and checks its
// nonce if receive.certNonceSeed is set. The gate looks up its key in the hub's own meta,
// so the server needs no second list of keys. git's own verdict is not used: for an unknown
// key it is "good", without a name.
//
//   - a certificate with a key that is in force for some agent binds: only that agent's log
//     may get new lines in this push;
//   - with crosslink.pushCertificate = require every push of new lines needs one;
//   - anybody may restore lines that the ledger covers.
//
// git passes certificates to a pre-receive hook, but not to a proc-receive hook.
//
// No line's validity depends on a certificate: a line's own signature shows who wrote it.

// PushCertificate identifies the pusher.
type PushCertificate struct {
	Required bool
	Key      trust.Key // zero: there is no valid certificate
	Why      string    // why there is no key
	Blind    bool      // git passes no certificates to this hook
}

// certificateLimit bounds the size of a certificate.
const certificateLimit = 16 << 20

// certificateNamespace is the namespace in which git signs certificates.
const certificateNamespace = "git"

// ReadCertificate reads the push certificate that git has stored for the hook; nil if git
// did not ask for one. status is git's verdict on the nonce.
func ReadCertificate(ctx context.Context, repo *git.Server, id refs.OID, status string, required bool) (*PushCertificate, error) {
	p := &PushCertificate{Required: required}
	if id == "" {
		if p.Why = "the push is not signed"; !required {
			return nil, nil
		}
		return p, nil
	}
	var text []byte
	err := repo.Read(ctx, []refs.OID{id}, certificateLimit, func(_ int, o refs.Object, err error) error {
		text = o.Data
		return err
	})
	if err != nil {
		return nil, err
	}
	if status != "OK" && status != "SLOP" {
		p.Why = "its certificate is not for this push (nonce " + plain(status) + ")"
		return p, nil
	}
	if p.Key, err = certificateKey(text); err != nil {
		p.Why = err.Error()
	}
	return p, nil
}

// certificateKey returns the key that signed a certificate.
func certificateKey(text []byte) (trust.Key, error) {
	at := bytes.Index(text, []byte("\n-----BEGIN SSH SIGNATURE-----\n"))
	if at < 0 {
		return trust.Key{}, errors.New("its certificate is not signed by an SSH key")
	}
	blob, err := trust.Dearmor(text[at+1:])
	if err != nil {
		return trust.Key{}, errors.New("its certificate's signature cannot be read")
	}
	s, err := trust.ParseSignature(blob)
	if err == nil {
		err = s.Verify(certificateNamespace, text[:at+1])
	}
	if err != nil {
		return trust.Key{}, errors.New("its certificate's signature is not good")
	}
	return s.Key, nil
}

// pusher refuses new lines that somebody other than their writer pushes.
func (l *logCheck) pusher(last uint64) *Refusal {
	p := l.o.Pusher
	if p == nil || l.covered(last) {
		return nil
	}
	switch {
	case p.Blind && p.Required:
		return refuse(Certificate, cureServer, "this hub accepts only signed pushes, but git does not pass signatures to this kind of hook")
	case p.Key.IsZero() && p.Required:
		return refuse(Certificate, curePushKey, "this hub accepts only signed pushes: %s", p.Why).about("agent", l.id)
	case p.Key.IsZero():
		return nil // without a certificate, as before
	case l.verdict.a.InForce(p.Key):
		return nil
	case p.Required || l.meta.knows(p.Key):
		return refuse(Certificate, curePushFrom, "it was pushed with the key %s, which is not a key of '%s'", p.Key.Fingerprint(), l.id)
	}
	return nil
}

// knows reports whether a key belongs to some agent. Keys that a log has introduced, or to
// which it has rotated, belong to that agent alone.
func (m *metaState) knows(k trust.Key) bool {
	for _, s := range m.roll.Signers.All() {
		if s.Key == k && trust.AgentOf(s.Principal) != "" {
			return true
		}
	}
	return false
}
