package trust

import (
	"fmt"
	"testing"
)

// Who may command, over all that the answer depends on.
func TestCommander(t *testing.T) {
	own, named := []string{"own"}, []string{"named"}
	for _, signing := range []string{Off, Warn, Require} {
		for _, signer := range []string{"", "own", "named", "admin", "eve"} {
			for _, mark := range []string{"", RuleUnapproved, RuleUnsigned, RuleBadSignature, RuleUnknownSigner, RuleRotatedOut} {
				for bits := range 8 {
					c := Commander{Signing: signing, Signer: signer, Mark: mark, Admin: signer == "admin", Own: own, Named: named,
						NoAdmins: bits&1 != 0, NotThere: bits&2 != 0, Expired: bits&4 != 0}
					want := NotAllowed
					valid := signing != Off && signer != "" && (mark == "" || mark == RuleUnapproved)
					switch {
					case c.NotThere:
						want = NotCounted
					case c.Expired:
						want = Expired
					case !valid:
						want = NotSigned
					case signer == "own" || signer == "named":
						want = ""
					case signer == "admin" && mark == "" && !c.NoAdmins:
						want = ""
					}
					if got := c.Ignored(); got != want {
						t.Errorf("%s is '%s', not '%s'", fmt.Sprintf("%+v", c), got, want)
					}
				}
			}
		}
	}
	// the rows that the specification names
	for name, c := range map[string]Commander{
		"an admin":             {Signing: Warn, Signer: "a", Admin: true},
		"the same user":        {Signing: Require, Signer: "own", Own: own},
		"unapproved same user": {Signing: Warn, Signer: "own", Own: own, Mark: RuleUnapproved},
		"named":                {Signing: Warn, Signer: "named", Named: named, Mark: RuleUnapproved, NoAdmins: true},
	} {
		if got := c.Ignored(); got != "" {
			t.Errorf("%s is ignored: %s", name, got)
		}
	}
	for name, c := range map[string]Commander{
		"a stranger":          {Signing: Warn, Signer: "e", Mark: RuleUnapproved},
		"an approved agent":   {Signing: Require, Signer: "e"},
		"admins switched off": {Signing: Warn, Signer: "a", Admin: true, NoAdmins: true},
		"no policy":           {Signing: Off, Signer: "own", Own: own},
		"an unsigned admin":   {Signing: Warn, Signer: "a", Admin: true, Mark: RuleUnsigned},
		"a revoked admin":     {Signing: Warn, Signer: "a", Admin: true, NotThere: true},
	} {
		if c.Ignored() == "" {
			t.Errorf("%s is obeyed", name)
		}
	}
}
