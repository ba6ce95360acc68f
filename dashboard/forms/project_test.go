package forms

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestULID(t *testing.T) {
	at := time.UnixMilli(1469918176385)
	id := newULID(at)
	if !regexp.MustCompile(`^[0-7][0-9A-HJKMNP-TV-Z]{25}$`).MatchString(id) || !strings.HasPrefix(id, "01ARYZ6S41") {
		t.Errorf("%s is no ULID of its time", id)
	}
	if newULID(at) == id {
		t.Error("two are equal")
	}
	if newULID(at.Add(time.Millisecond)) <= id {
		t.Error("a later one is not greater")
	}
}
