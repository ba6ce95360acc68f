package event

import "testing"

// The vectors are those of the ULID specification's time part, and of zeros and
// ones; the uuid was computed by another program.
func TestULID(t *testing.T) {
	ones := [10]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 255}
	for _, c := range []struct {
		at     Time
		random [10]byte
		want   string
	}{
		{0, [10]byte{}, "00000000000000000000000000"},
		{1469918176385e6, [10]byte{}, "01ARYZ6S410000000000000000"},
		{1469918176385e6, ones, "01ARYZ6S41ZZZZZZZZZZZZZZZZ"},
	} {
		got := ULID(c.at, c.random)
		if got != c.want || !isULID(got) {
			t.Errorf("ULID(%d, %v) = %s, want %s", c.at, c.random, got, c.want)
		}
	}
}

func TestNamedUUID(t *testing.T) {
	got := NamedUUID("crosslink-session/1", "5f1d7a0e-6a0e-4f5f-9a52-1b9a4f1c2d3e", "alice-box-ab2c", "claude:7f3a")
	if want := "11d020f2-423a-8cd8-9daa-b2283e3d1b56"; got.String() != want {
		t.Errorf("%s, want %s", got, want)
	}
}
