package tracker

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
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
		if id != nil && id.Path != filepath.Dir(path) && id.Inode == 0 && !copied(path, id) {
			if host, _ := os.Hostname(); id.Host != host {
				t.Fatal("a copy is not noticed")
			}
		}
	})
}

// FuzzContact: a note that cannot be read is as if there were none, and the
// next one replaces it.
func FuzzContact(f *testing.F) {
	f.Add([]byte(`{"remote":"origin","last":"2026-03-01T10:00:00Z","told":{"a":"b"},"refusals":["x"]}`))
	f.Add([]byte(`{"last":"10000-01-01T00:00:00Z"}`))
	f.Add([]byte(`{"remote":1}`))
	dir := f.TempDir()
	t := &Tracker{outer: repository{Place: refs.Place{CommonDir: dir}}}
	if err := os.Mkdir(filepath.Join(dir, "crosslink"), 0o700); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(tt *testing.T, b []byte) {
		if err := os.WriteFile(t.contactPath(), b, 0o600); err != nil {
			tt.Fatal(err)
		}
		was := t.readContact()
		if err := t.remember(func(c *contact) { c.NoAtomic = true }); err != nil {
			tt.Fatalf("%q: %v", b, err)
		}
		is := t.readContact()
		was.NoAtomic = true
		was.Last, is.Last = was.Last.Round(time.Second).UTC(), is.Last.Round(time.Second).UTC()
		x, _ := json.Marshal(was)
		y, _ := json.Marshal(is)
		if string(x) != string(y) {
			tt.Fatalf("%s became %s", x, y)
		}
	})
}
