package tracker

import (
	"testing"
	"time"
)

func TestInAbout(t *testing.T) {
	for d, want := range map[time.Duration]string{
		11 * time.Second: "in about 15 s", 20 * time.Second: "in about 20 s", 59 * time.Second: "in about 60 s",
		91 * time.Second: "in about 2 min", 4 * time.Minute: "in about 4 min",
	} {
		if got := inAbout(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}
