package agents

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/trust"
	"github.com/git-crosslink/git-crosslink/trust/keys"
)

// Signer finds the keys at hand in a clone. The rules are:
//   - the key is the one in force in the agent's log; where nothing is in force
//     yet, the one that crosslink.signingKey names, else one made for the agent
//     at its first write;
//   - a CI job makes no key, which would be gone with the job: it signs with the
//     one that crosslink.signingKey names, or not at all.
type Signer struct {
	Identity
	Ring *keys.Ring
	Own  string // the agent of this worktree, the only one for which crosslink.signingKey is used; "" if there is none
	Top  string // top of the worktree, where relative paths begin
}

// Reasons why there is no key.
var (
	ErrNotSigning = errors.New("signing is turned off here (crosslink.sign)")
	ErrElsewhere  = errors.New("is not here") // the log has a key, and this clone does not have it
	ErrNoJobKey   = errors.New("no key is configured for this CI job")
)

// Request names the log for which a key is needed.
type Request struct {
	Agent   string
	InForce []trust.Key // keys in its log
	Make    bool        // make a key if there is none and none is in force
	Handing trust.Key   // the key that is handing over to the next one, if any: the hub may list both
}

// Key returns the key to sign with, and whether it was made for this.
func (s Signer) Key(q Request) (k keys.Signer, made bool, err error) {
	if !s.signs() {
		return nil, false, ErrNotSigning
	}
	have, kept, unread, err := s.atHand(q)
	if err != nil {
		return nil, false, err
	}
	switch {
	case len(q.InForce) > 0:
	case len(have) > 0:
		return have[0], false, nil
	case s.InJob():
		return nil, false, ErrNoJobKey
	case !q.Make:
		return nil, false, errors.New("its key is not here")
	default:
		if k, err = s.Ring.Make(q.Agent); err != nil {
			return nil, false, fmt.Errorf("no key can be created: %w", err)
		}
		return k, true, nil
	}
	for _, k := range have {
		if k.Key() == q.Handing {
			return k, false, nil
		}
	}
	for _, k := range have {
		if slices.Contains(q.InForce, k.Key()) {
			if len(kept) == 2 && k == kept[1] { // the rotation was written, and the steps after it were interrupted
				_ = s.Ring.Promote(q.Agent)
			}
			return k, false, nil
		}
	}
	if unread != nil { // the unreadable key may be the one in force
		return nil, false, unread
	}
	return nil, false, fmt.Errorf("the key %s %w", q.InForce[0].Fingerprint(), ErrElsewhere)
}

// atHand returns the keys with which an agent may sign, the configured one first. kept are
// those in the ring, and unread is why the configured key cannot be read.
func (s Signer) atHand(q Request) (have, kept []keys.Signer, unread, err error) {
	if v := s.configured(); v != "" && (q.Agent == s.Own || s.Own == "") {
		k, err := s.Ring.Configured(s.path(v))
		if err != nil && len(q.InForce) == 0 {
			return nil, nil, nil, err
		}
		if unread = err; err == nil {
			have = append(have, k)
		}
	}
	kept, err = s.Ring.Made(q.Agent)
	if err != nil && len(have) == 0 {
		return nil, nil, nil, err
	}
	return append(have, kept...), kept, unread, nil
}

// MakeFirst makes the key of a new agent and reports whether it did. If it fails, the first
// line reports why.
func (s Signer) MakeFirst(agent string) bool {
	if !s.signs() || s.configured() != "" {
		return false
	}
	_, err := s.Ring.Make(agent)
	return err == nil
}

// Next returns the key that follows old: the one in crosslink.signingKey, otherwise a new
// one. kept means that the new key is in the ring and has to be promoted there.
func (s Signer) Next(old keys.Signer) (k keys.Signer, kept bool, err error) {
	if v := s.configured(); v != "" {
		k, err := s.Ring.Configured(s.path(v))
		if err != nil {
			return nil, false, &fail.Error{Kind: fail.Denied, Code: "no-key/setting", Err: err, Message: err.Error()}
		}
		if k.Key() == old.Key() {
			return nil, false, &fail.Error{Kind: fail.No, Code: "same-key", Message: "crosslink.signingKey names the key that is already in use"}
		}
		return k, false, nil
	}
	if k, err = s.Ring.MakeNext(s.Own); err != nil {
		return nil, false, fmt.Errorf("create the new key: %w", err)
	}
	return k, true, nil
}

// Admin returns a key in this clone, configured or of one of the agents, that may sign the
// next meta commit; nil if there are no admins and no signature is needed.
func (s Signer) Admin(state *trust.State, agents []string) (keys.Signer, error) {
	if len(state.Meta.Admins) == 0 {
		return nil, nil
	}
	var have []keys.Signer
	if v := s.configured(); v != "" {
		if k, err := s.Ring.Configured(s.path(v)); err == nil {
			have = append(have, k)
		}
	}
	for _, id := range agents {
		if kept, err := s.Ring.Made(id); err == nil {
			have = append(have, kept...)
		}
	}
	for _, k := range have {
		if state.AdminOf(k.Key()) != "" {
			return k, nil
		}
	}
	return nil, &fail.Error{Kind: fail.Denied, Code: "not-admin", Message: "no key here belongs to an admin of this hub: nothing was written"}
}

func (s Signer) signs() bool { return s.Config.Bool("crosslink.sign", true) }

func (s Signer) configured() string {
	v, _ := s.Config.Get("crosslink.signingKey")
	return v
}

// path resolves a configured path as git does.
func (s Signer) path(v string) string {
	if rest, ok := strings.CutPrefix(v, "~/"); ok {
		return filepath.Join(s.Getenv("HOME"), rest)
	}
	if keys.IsPublic(v) || filepath.IsAbs(v) {
		return v
	}
	return filepath.Join(s.Top, v)
}

// Fingerprints returns the fingerprints of all keys of this clone: made here for any agent,
// or configured. They belong to one user.
func (s Signer) Fingerprints() (all []string) {
	for _, k := range s.Ring.All() {
		all = append(all, k.Fingerprint())
	}
	if v := s.configured(); v != "" {
		if k, err := s.Ring.Configured(s.path(v)); err == nil {
			all = append(all, k.Key().Fingerprint())
		}
	}
	return all
}
