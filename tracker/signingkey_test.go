package tracker_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/trust/keys"
)

// A configured key is found from the top of the worktree, spaces in its path
// and all; one that cannot be read is reported by its name, also where the log has
// a key already.
func TestConfiguredKey(t *testing.T) {
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.init()
	issue := alice.create("the flux")
	ring := &keys.Ring{Dir: filepath.Join(bob.dir, "my keys")}
	k, err := ring.Make("mine")
	if err != nil {
		t.Fatal(err)
	}
	bob.set("crosslink.signingKey", "my keys/mine")
	bob.comment(issue, "signed")
	alice.sync()
	if a := alice.trusts("bob"); len(a.Keys) != 1 || a.Keys[0].Fingerprint != k.Key().Fingerprint() || a.Signed != a.Events {
		t.Errorf("%+v", a)
	}
	if err := os.Rename(ring.Dir, ring.Dir+" elsewhere"); err != nil {
		t.Fatal(err)
	}
	_, err = bob.say(issue, 1)
	if errorName(err) != "unsigned" || !strings.Contains(err.Error(), "my keys/mine") {
		t.Errorf("what is told does not name the file: %v", err)
	}
}
