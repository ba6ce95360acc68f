package trust

import (
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

// What a hub says of where it comes from is kept with its meta, and a mistake
// in it is no mistake of the meta.
func TestOrigin(t *testing.T) {
	at, err := event.ParseTime("2026-03-01T10:00:00.123456789Z")
	if err != nil {
		t.Fatal(err)
	}
	m := &Meta{Version: 4, Hub: "5f1d7a0e-6a0e-4f5f-9a52-1b9a4f1c2d3e", Seq: 1, CreatedAt: at, Signing: Warn, Open: true}
	if _, ok := m.Origin(); ok {
		t.Error("a hub that was never detached has an origin")
	}
	want := Origin{"0d0f9f0e-6a0e-4f5f-9a52-1b9a4f1c2d3e", strings.Repeat("ab", 20), strings.Repeat("cd", 32)}
	m.SetOrigin(want)
	read, err := DecodeMeta(m.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := read.Origin(); !ok || got != want {
		t.Errorf("%+v, %v", got, ok)
	}
	for _, bad := range []string{`1`, `{}`, `{"hub":"x","meta":"` + want.Meta + `"}`, `{"hub":"` + want.Hub + `","meta":"HEAD"}`,
		`{"hub":"` + want.Hub + `","meta":"` + want.Meta + `","step":""}`} {
		read.Extra[forkedFrom] = []byte(bad)
		again, err := DecodeMeta(read.Encode())
		if err != nil {
			t.Fatalf("%s: %v", bad, err)
		}
		if o, ok := again.Origin(); ok {
			t.Errorf("%s is %+v", bad, o)
		}
	}
}
