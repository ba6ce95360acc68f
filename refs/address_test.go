package refs_test

import (
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
)

// The address of a commit is what is given, or made of the agent's id. One that
// git would read in another way is refused.
func TestCommitAddress(t *testing.T) {
	tree := refs.OID(strings.Repeat("1", 40))
	encode := func(address string) string {
		b, err := refs.EncodeCommit(refs.SHA1, tree, nil, refs.CommitInfo{Author: "alice-1", Address: address, When: time.Unix(7, 0), Message: "x"})
		if err != nil {
			return ""
		}
		return string(b)
	}
	for address, want := range map[string]string{"": "alice-1@crosslink", "a@b": "a@b", "me+x@corp.example": "me+x@corp.example"} {
		who := "alice-1 <" + want + "> 7 +0000\n"
		if got := encode(address); got != "tree "+string(tree)+"\nauthor "+who+"committer "+who+"\nx\n" {
			t.Errorf("%q: %q", address, got)
		}
	}
	for _, bad := range []string{"a", "@b", "a@", "a@b@c", "Bob <b@c>", "a b@c", "a@b\n", "a@b\x00", "ä@b", "<a@b>", ".a@b", "a@b.", "a\"@b", strings.Repeat("a", 300) + "@b"} {
		if got := encode(bad); got != "" || refs.ValidAddress(bad) {
			t.Errorf("%q: %q", bad, got)
		}
	}
}
