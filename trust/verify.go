package trust

import (
	"github.com/git-crosslink/git-crosslink/event"
)

// VerifyLine checks the signature of a level-4 line by the key that the line names, and
// returns that key. It does not check whose key it is. The error is a *Fault.
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
