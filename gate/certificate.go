package gate

import (
	"bytes"
	"context"
	"errors"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/trust"
)

// A push certificate is the pusher's signature over what is pushed. git checks
// its nonce and asks for it where receive.certNonceSeed is set; whose key made
// it is looked up here, in the hub's own meta, so that no second list of keys
// has to be kept on the server. git's own word on it is not used: for a key that
// it does not know it says "good", with nobody's name.
//
//   - a certificate by a key that some agent has in force binds: only that
//     agent's log may get new lines in this push;
//   - with crosslink.pushCertificate = require every push of new lines needs one;
//   - lines that the ledger covers may be brought back by anyone.
//
// git tells a pre-receive hook of certificates, a proc-receive hook nothing.
//
// No line's validity depends on it: a line's own signature says who wrote it.

// PushCertificate identifies the pusher.
type PushCertificate struct {
	Required bool
	Key      trust.Key // zero: there is no certificate, or none that is good
	Why      string    // why there is no key
	Blind    bool      // git does not tell this hook of certificates
}

// certificateLimit bounds what is read of one.
const certificateLimit = 16 << 20

// certificateNamespace is what git signs certificates for.
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

// pusher refuses new lines that another than their writer pushes.
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
		return nil // nobody's word, as before there were any
	case l.verdict.a.InForce(p.Key):
		return nil
	case p.Required || l.meta.knows(p.Key):
		return refuse(Certificate, curePushFrom, "it was pushed with the key %s, which is not a key of '%s'", p.Key.Fingerprint(), l.id)
	}
	return nil
}

// knows reports whether a key is some agent's. Keys that a log has introduced
// or rotated to are that agent's alone to show.
func (m *metaState) knows(k trust.Key) bool {
	for _, s := range m.roll.Signers.All() {
		if s.Key == k && trust.AgentOf(s.Principal) != "" {
			return true
		}
	}
	return false
}
