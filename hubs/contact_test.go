package hubs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// FuzzContact: a note that cannot be read is as if there were none, and the
// next one replaces it.
func FuzzContact(f *testing.F) {
	f.Add([]byte(`{"remote":"origin","last":"2026-03-01T10:00:00Z","told":{"a":"b"},"refusals":["x"]}`))
	f.Add([]byte(`{"last":"10000-01-01T00:00:00Z"}`))
	f.Add([]byte(`{"remote":1}`))
	path := filepath.Join(f.TempDir(), "contact.json")
	f.Fuzz(func(tt *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			tt.Fatal(err)
		}
		was := Open(path, time.Now).Note
		if err := Open(path, time.Now).Remember(func(n *Note) { n.NoAtomic = true }); err != nil {
			tt.Fatalf("%q: %v", b, err)
		}
		is := Open(path, time.Now).Note
		was.NoAtomic = true
		was.Last, is.Last = was.Last.Round(time.Second).UTC(), is.Last.Round(time.Second).UTC()
		x, _ := json.Marshal(was)
		y, _ := json.Marshal(is)
		if string(x) != string(y) {
			tt.Fatalf("%s became %s", x, y)
		}
	})
}

// Values in a note that come from earlier versions, a wrong clock or somebody else are
// ignored.
func TestNotesThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "contact.json")
	for _, c := range []struct {
		note string
		want Note
	}{
		{`{"url":"https://me:secret@example.org/a"}`, Note{URL: "https://example.org/a"}},
		{`{"remote":"origin","refused_at":"2046-01-01T00:00:00Z","undecided":"2046-01-01T00:00:00Z"}`, Note{Remote: "origin"}},
		{`{"remote":"--upload-pack=x","hub":"a"}`, Note{}},
		{`{"hub":"a\nb"}`, Note{}},
		{`{"url":"--upload-pack=x"}`, Note{}},
	} {
		if err := os.WriteFile(path, []byte(c.note), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := Open(path, func() time.Time { return noon }).Note; !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s is read as %+v", c.note, got)
		}
	}
}
