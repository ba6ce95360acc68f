package agents

import (
	"context"
	"errors"
	"fmt"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/trust"
	"github.com/git-crosslink/git-crosslink/trust/keys"
)

// SignWith makes the chain sign with a key. If the key fails, the error is a *SignError.
func SignWith(ctx context.Context, c *event.Chain, k keys.Signer) {
	c.Sign = func(signed []byte) (string, string, error) {
		by := k.Key().Fingerprint()
		if signed == nil {
			return by, "", nil
		}
		s, err := k.Sign(ctx, trust.EventNamespace, signed)
		if err != nil {
			return "", "", failed(k, err)
		}
		return by, s.String(), nil
	}
}

// SignError is a key that failed.
type SignError struct {
	Key  string // its fingerprint
	File string // file that has to be unlocked, "" if there is none
	Err  error
}

func (e *SignError) Error() string { return e.Err.Error() }

// Unwrap returns why it failed.
func (e *SignError) Unwrap() error { return e.Err }

func failed(k keys.Signer, err error) *SignError {
	return &SignError{k.Key().Fingerprint(), keys.Locked(k), err}
}

// Ready returns a *SignError if a key cannot sign now. It never prompts.
func Ready(ctx context.Context, k keys.Signer) error {
	if err := keys.Ready(ctx, k); err != nil {
		return failed(k, err)
	}
	return nil
}

// Log is the agent's own log, to which lines are added.
type Log struct {
	Agent  string
	Policy string // the hub's policy for signatures
	Signed bool   // the next line counts only if it is signed
	Here   bool   // this clone has lines of it
	Free   func() string
}

// Unsigned decides what happens to a write that cannot be signed; err is the reason. The rules
// are:
//   - a key that cannot sign is reported by name and reason; that signing is
//     switched off (crosslink.sign=false) is distinguished, once;
//   - then, policy `off`: nothing; `warn`: the line is written unsigned, and this is reported;
//     but in a log that was signed nothing is written, because it would not count; `require`:
//     nothing is written.
//
// A notice without a code is empty. once reports whether it is about a setting.
func (s Signer) Unsigned(l Log, err error) (told fail.Notice, once bool, refused error) {
	why := WhyUnsigned(err)
	n := fail.Notice{Code: "unsigned", Text: fmt.Sprintf("events of '%s' are not signed here: %s", l.Agent, why)}
	switch {
	case errors.Is(err, ErrElsewhere):
		n.Code = "unsigned/elsewhere"
	case errors.Is(err, ErrNotSigning):
		n.Code = "unsigned/off"
	case errors.Is(err, ErrNoJobKey):
		n.Code = "unsigned/job"
	}
	switch {
	case l.Policy == trust.Require:
		return fail.Notice{}, false, &fail.Error{Kind: fail.Denied, Code: n.Code, Err: err,
			Message: fmt.Sprintf("the hub requires signatures: nothing was written, because %s", why)}
	case l.Policy == trust.Off:
		return fail.Notice{}, false, nil
	case l.Signed:
		return fail.Notice{}, false, s.Continue(l, err, fmt.Sprintf("not signed, so nothing was written: unsigned events in the signed log of '%s' would not count: %s", l.Agent, why))
	}
	return n, errors.Is(err, ErrNotSigning), nil
}

// WhyUnsigned explains why nothing can be signed.
func WhyUnsigned(err error) string {
	if e, ok := errors.AsType[*SignError](err); ok {
		return fmt.Sprintf("the key %s failed: %v", e.Key, e.Err)
	}
	if errors.Is(err, ErrNotSigning) || errors.Is(err, ErrNoJobKey) {
		return err.Error()
	}
	return "signing failed: " + err.Error()
}

// Continue refuses the write of an agent that cannot sign, and explains how it can
// continue: by signing again, or under another id.
func (s Signer) Continue(l Log, err error, message string) *fail.Error {
	e := &fail.Error{Kind: fail.Denied, Code: "unsigned/no-file", Message: message, Fields: fail.Fields{}, Err: err}
	failed, isLocked := errors.AsType[*SignError](err)
	switch {
	case errors.Is(err, ErrNotSigning):
		e.Code = "unsigned/switched-off"
	case isLocked && failed.File != "" && s.Getenv("SSH_AUTH_SOCK") == "":
		e.Code, e.Fields["path"] = "unsigned/no-ssh-agent", failed.File
	case isLocked && failed.File != "":
		e.Code, e.Fields["path"] = "unsigned/locked", failed.File
	case isLocked:
		e.Code = "unsigned/failed"
	}
	if l.Here {
		e.Fields["own"] = l.Agent
		return e
	}
	e.Fields["free"], e.Fields["scope"] = l.Free(), s.Scope()
	return e
}

// SignStep signs a step of the ledger with k; err is why there is no key. If signatures are
// required and this one would not be valid, others have to decide: that is an error.
func SignStep(ctx context.Context, state *trust.State, l *ledger.Ledger, k keys.Signer, err error) error {
	if err == nil {
		l.SignedBy = k.Key().Fingerprint()
		var sig *trust.Signature
		if sig, err = k.Sign(ctx, trust.LedgerNamespace, l.Signed()); err == nil {
			l.Signature = sig.String()
		}
	}
	if err != nil { // the write with the same key has already reported it
		l.SignedBy, l.Signature = "", ""
	}
	if fault := state.CheckStep(l.WrittenBy, l.SignedBy, l.Signature, l.Signed()); fault != nil {
		return fmt.Errorf("ledger steps on this hub need an approved signature, and '%s' cannot sign: %s", l.WrittenBy, trust.RuleOf(fault))
	}
	return nil
}
