package tracker_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/tracker"
)

// TestHostileNotes: what a note of this clone holds is checked before it is used.
// The hub that is chosen, the identity and the locks are as without it.
func TestHostileNotes(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice := w.clone("alice")
	alice.init()
	alice.create("one")
	home := filepath.Dir(alice.replica())
	for name, notes := range map[string][]string{
		"contact.json": {
			`{"remote":"--upload-pack=x"}`, `{"remote":"a\nb"}`, `{"remote":"` + strings.Repeat("x", 300) + `"}`, `{"url":"-oProxyCommand=x","remote":"origin"}`,
			`{"hub":"\u001b[2J","remote":"origin"}`, `{"other":"-x"}`, `[]`, `"x"`, `null`, `{"aliases":"x"}`, "\x00",
		},
		"judged.json": {`{"hub":"x","tip":"--help"}`, `{"tip":"\n","step":"a b"}`, `[1]`, `null`},
		"metas.json": {`[{"tip":"--help"}]`, `[{"tip":"\n","bad":-1}]`, `[{"stuck":true}]`, `{}`, `null`, `[{"tip":"4b825dc642cb6eb9a060e54bf8d69288fbee4904","bad":1}]`,
			`[{"tip":"4b825dc642cb6eb9a060e54bf8d69288fbee4904","named":true}]`, `[{"tip":"4b825dc642cb6eb9a060e54bf8d69288fbee4904","named":true,"bad":64,"marks":["--x"]}]`,
			`[{"tip":"4b825dc642cb6eb9a060e54bf8d69288fbee4904","named":true,"bad":64,"marks":["4b825dc642cb6eb9a060e54bf8d69288fbee4904","4b825dc642cb6eb9a060e54bf8d69288fbee4904"]}]`,
			`[` + strings.Repeat(`{"tip":"4b825dc642cb6eb9a060e54bf8d69288fbee4904","commit":"4b825dc642cb6eb9a060e54bf8d69288fbee4904"},`, 99) + `{}]`},
		"present.json": {`{"agents":{"../x":{"state":"working"},"--x":{}}}`, `{"agents":[]}`, `null`},
		"pace.json":    {`{"until":"9999-01-01T00:00:00Z","why":"\u001b"}`, `{"pushes":{}}`, `{"holds":-1}`},
	} {
		for _, note := range notes {
			if err := os.WriteFile(filepath.Join(home, name), []byte(note), 0o666); err != nil {
				t.Fatal(err)
			}
			tr := alice.open()
			if remote, url := tr.Hub(); remote != "origin" || url != w.hub {
				t.Errorf("%s %s: the hub is '%s' at '%s'", name, note, remote, url)
			}
			if tr.Agent() != "alice" {
				t.Errorf("%s %s: the agent is '%s'", name, note, tr.Agent())
			}
			if _, err := tr.Sync(context.Background(), tracker.SyncOptions{}); err != nil {
				t.Errorf("%s %s: %v", name, note, err)
			}
			tr.Close()
		}
	}
	alice.create("two")
}
