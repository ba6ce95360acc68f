package trust

import "slices"

// Commander is what is known of the sender of a request, and of the agent that decides
// whether to obey it.
type Commander struct {
	Signing string // the hub's policy
	Signer  string // fingerprint of the key that the line names; "" is none
	Mark    string // what is to be said of the line's signature
	Admin   bool   // its writer is an admin, and Signer is a key of it that is in force

	Own      []string // fingerprints of the keys of this clone: the same user's
	Named    []string // of keys that this clone obeys besides (crosslink.commander)
	NoAdmins bool     // it does not obey the hub's admins
	NotThere bool     // the line does not count
	Expired  bool     // it was to be done by a time that has passed
}

// Why a request is not obeyed.
const (
	NotCounted = "not-counted" // its line does not count
	Expired    = "expired"
	NotSigned  = "unsigned" // it has no valid signature of its own, or the hub looks at none
	NotAllowed = "not-allowed"
)

// Ignored is why the request is not obeyed, "" if it is. The rules are:
//
//   - its line counts, and it has not expired;
//   - it carries a valid signature of its own, and the hub looks at signatures;
//   - the key is of the same user, or is one that this clone names, or belongs to an
//     admin of the hub, whose keys are listed and in force.
func (c *Commander) Ignored() string {
	switch {
	case c.NotThere:
		return NotCounted
	case c.Expired:
		return Expired
	case c.Signing == Off || c.Signer == "" || c.Mark != "" && c.Mark != RuleUnapproved:
		return NotSigned
	case slices.Contains(c.Own, c.Signer), slices.Contains(c.Named, c.Signer):
		return ""
	case c.Admin && !c.NoAdmins && c.Mark == "":
		return ""
	}
	return NotAllowed
}
