package agents

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

// FuzzIdentity: a file that is no identity is refused, never half believed.
func FuzzIdentity(f *testing.F) {
	f.Add([]byte(`{"agent":"alice-box-ab2c","host":"box","path":"/x","device":1,"inode":2}`))
	f.Add([]byte(`{"agent":"--exec","inode":-1}`))
	f.Add([]byte(`[]`))
	path := filepath.Join(f.TempDir(), "identity")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		id, err := readIdentity(path)
		if (id == nil) != (err != nil) {
			t.Fatal("neither or both")
		}
		if id != nil && event.ValidAgentID(id.Agent) != nil {
			t.Fatalf("%q writes here", id.Agent)
		}
		if id != nil && id.Path != filepath.Dir(path) && id.Inode == 0 && !id.copied(path) {
			if host, _ := os.Hostname(); id.Host != host {
				t.Fatal("a copy is not noticed")
			}
		}
	})
}
