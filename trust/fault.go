package trust

import (
	"errors"
	"fmt"
)

// Rules by which a line counts as unsigned or is not applied. The order is that of the walk:
// who may write at all, then revocations, then signatures.
const (
	RuleNotAdmitted   = "not-admitted"   // the hub is not open and does not list the agent
	RuleRevoked       = "revoked"        // after the position a revocation pins
	RuleRevokedHash   = "revoked-hash"   // another log than the one a revocation pins
	RuleForked        = "forked"         // after a proven fork of the log
	RuleUnsigned      = "unsigned"       // no signature
	RuleUnknownSigner = "unknown-signer" // signed by a key that neither the meta lists nor the log has introduced
	RuleRotatedOut    = "rotated-out"    // signed by a key that a KeyRotated before it replaced
	RuleBadSignature  = "bad-signature"  // the signature is not one of these bytes by the key it names
)

// RuleUnapproved marks lines with a valid signature by the key that their own log
// introduces, if nobody has approved that key.
const RuleUnapproved = "unapproved"

// Rules a meta commit is refused by.
const (
	RuleMetaMalformed = "meta-malformed" // not the files of a meta commit
	RuleMetaHub       = "meta-hub"       // another hub's
	RuleMetaOlder     = "meta-older"     // older than the one known, or not the next one
	RuleMetaPrev      = "meta-prev"      // does not continue the one before it
	RuleMetaUnsigned  = "meta-unsigned"  // no meta.sig though there are admins
	RuleMetaNotAdmin  = "meta-not-admin" // signed by a key that is no then-admin's
	RuleMetaSignature = "meta-signature" // meta.sig is not a signature of these files
	RuleMetaLockout   = "meta-lockout"   // none of its admins would have a key
)

// RuleUnread ends a log in one clone because the saved verdict cannot be read. It lasts
// until the log is judged again there.
const RuleUnread = "unread"

// RuleStepSignature is the reason if a ledger step is refused because of its signature.
const RuleStepSignature = "step-signature"

// Rules a proof of a fork is refused by.
const (
	RuleProofMalformed = "proof-malformed" // not two lines of one agent, hub and sequence
	RuleProofSame      = "proof-same"      // the two lines say the same: signing twice is no fork
	RuleProofKeys      = "proof-keys"      // not both signed by one key
)

// Fault names the rule that something breaks.
type Fault struct {
	Rule   string // one of the Rule… constants
	Detail string // for people; never holds a stranger's bytes at length
}

func (f *Fault) Error() string {
	if f.Detail == "" {
		return f.Rule
	}
	return f.Rule + ": " + f.Detail
}

func fault(rule, format string, args ...any) *Fault {
	return &Fault{rule, fmt.Sprintf(format, args...)}
}

// RuleOf returns the rule that err names, "" if it names none.
func RuleOf(err error) string {
	var f *Fault
	if errors.As(err, &f) {
		return f.Rule
	}
	return ""
}
