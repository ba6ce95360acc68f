package hub

import (
	"fmt"
	"testing"
)

func check(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s:\n got %q\nwant %q", what, g, w)
	}
}
