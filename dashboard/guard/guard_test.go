package guard

import (
	"testing"
	"time"
)

func TestCodesEnd(t *testing.T) {
	at := time.Unix(1_750_000_000, 0)
	c := codes{now: func() time.Time { return at }}
	code := c.mint()
	at = at.Add(codeLife)
	if !c.take(code) {
		t.Error("a code of exactly two minutes is refused")
	}
	code = c.mint()
	at = at.Add(codeLife + 1)
	if c.take(code) {
		t.Error("a code older than two minutes is taken")
	}
}

func TestLimits(t *testing.T) {
	at := time.Unix(1_750_000_000, 0)
	l := limits{now: func() time.Time { return at }}
	for k := range 30 {
		if !l.allow("x", 30) {
			t.Fatalf("refused after %d", k)
		}
	}
	if l.allow("x", 30) || !l.allow("y", 30) {
		t.Error("the bound is not each one's own")
	}
	at = at.Add(time.Minute)
	if !l.allow("x", 30) {
		t.Error("refused in the next minute")
	}
}
