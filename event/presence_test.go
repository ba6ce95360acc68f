package event

import (
	"bytes"
	"testing"

	"github.com/google/uuid"
)

const presenceExample = `{"agents":{"alice":{"last_seen":"2026-03-01T10:00:00.000000000Z","issue":"3f9a1c2e-0000-4000-8000-000000000000","state":"working"},"bob-2":{"last_seen":"2026-03-01T09:00:00.000000000Z","state":"paused"}}}` + "\n"

func TestPresence(t *testing.T) {
	p, err := DecodePresence([]byte(presenceExample))
	if err != nil || len(p) != 2 || p[0].Agent != "alice" || p[0].Issue != uuid.MustParse("3f9a1c2e-0000-4000-8000-000000000000") || p[1].State != "paused" {
		t.Fatalf("%+v, %v", p, err)
	}
	if got := (Presence{p[1], p[0]}).Encode(); string(got) != presenceExample {
		t.Errorf("%s", got)
	}
	for _, bad := range []string{"", "\n", "{}\n", "[]\n", `{"agents":[]}` + "\n", `{"agents":{"a":1}}` + "\n",
		`{"agents":{"No":{"last_seen":"2026-03-01T10:00:00.000000000Z","state":"x"}}}`, // no LF
		`{"agents":{"a b":{"last_seen":"2026-03-01T10:00:00.000000000Z","state":"x"}}}` + "\n",
		`{"agents":{"alice":{"last_seen":"yesterday","state":"x"}}}` + "\n",
		`{"agents":{"alice":{"last_seen":"2026-03-01T10:00:00.000000000Z","state":"\u001b"}}}` + "\n",
		`{"agents":{"alice":{"last_seen":"2026-03-01T10:00:00.000000000Z","state":""}}}` + "\n",
		`{"agents":{"alice":{"last_seen":"2026-03-01T10:00:00.000000000Z","issue":"12","state":"x"}}}` + "\n",
		`{"agents": {}}` + "\n",
	} {
		if p, err := DecodePresence([]byte(bad)); err == nil || p != nil {
			t.Errorf("taken: %q", bad)
		}
	}
	if p, err := DecodePresence([]byte(`{"agents":{"alice":{"last_seen":"2026-03-01T10:00:00.000000000Z","mood":"good","state":"dreaming"}},"v":2}` + "\n")); err != nil || len(p) != 1 {
		t.Errorf("a newer one: %v, %v", p, err)
	}
}

func FuzzDecodePresence(f *testing.F) {
	f.Add([]byte(presenceExample))
	f.Add([]byte(`{"agents":{}}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodePresence(b)
		if err != nil {
			if p != nil {
				t.Fatal("a result beside an error")
			}
			return
		}
		again, err := DecodePresence(p.Encode())
		if err != nil || !bytes.Equal(again.Encode(), p.Encode()) {
			t.Fatalf("%q: %v", b, err)
		}
	})
}
