package trust

import (
	"github.com/git-crosslink/git-crosslink/event"
)

// Memo remembers which lines carry a valid signature by the key they name, so
// that none is checked twice. It is a fact about bytes, true under any policy.
// The zero value knows nothing; nil remembers nothing.
type Memo struct {
	known, used map[string]bool
	fresh       bool
}

// NewMemo returns a memo of what an earlier one has Used.
func NewMemo(known map[string]bool) *Memo { return &Memo{known: known} }

// Used returns what was asked for, event.Hash of a line → whether its signature
// is good, and whether any of it is new. It is what is worth keeping.
func (m *Memo) Used() (lines map[string]bool, fresh bool) { return m.used, m.fresh }

func (m *Memo) verify(e *event.Envelope) error {
	if m == nil {
		_, err := VerifyLine(e)
		return err
	}
	hash := event.Hash(e.Raw)
	good, ok := m.used[hash]
	if !ok {
		if good, ok = m.known[hash]; !ok {
			_, err := VerifyLine(e)
			good, m.fresh = err == nil, true
		}
		if m.used == nil {
			m.used = map[string]bool{}
		}
		m.used[hash] = good
	}
	if !good {
		return fault(RuleBadSignature, "")
	}
	return nil
}

// VerifyLine checks a level-4 line's signature by the key that it names and
// returns that key. Whose key it is, is another question. The error is a *Fault.
func VerifyLine(e *event.Envelope) (Key, error) {
	s, err := signatureOf(e)
	if err != nil {
		return Key{}, err
	}
	if err := s.Verify(EventNamespace, event.Signed(e.Raw)); err != nil {
		return Key{}, fault(RuleBadSignature, "%v", err)
	}
	return s.Key, nil
}

// signatureOf is a line's signature, which is by the key that the line names and
// is not verified yet. The error is a *Fault.
func signatureOf(e *event.Envelope) (*Signature, error) {
	if e.Signature == "" {
		return nil, fault(RuleUnsigned, "")
	}
	s, err := ParseSignatureText(e.Signature)
	if err != nil {
		return nil, fault(RuleBadSignature, "%v", err)
	}
	if s.Key.Fingerprint() != e.SignedBy {
		return nil, fault(RuleBadSignature, "'signed_by' names another key than the signature holds")
	}
	return s, nil
}
