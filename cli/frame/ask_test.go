package frame

import (
	"io"
	"strings"
	"testing"
)

// TestAskReadsOneLine asks questions of somebody who has pasted several lines: the lines
// after the answer are left in the input.
func TestAskReadsOneLine(t *testing.T) {
	in := strings.NewReader("Yes\nno\n\ngit crosslink list\ny")
	term := &Terminal{Streams: Streams{In: in, Err: io.Discard}}
	for n, want := range []bool{true, false, false, false, true, false} {
		if got := term.Ask("sure?"); got != want {
			t.Errorf("answer %d is %t", n, got)
		}
		if n == 2 && in.Len() != len("git crosslink list\ny") {
			t.Errorf("%d bytes are left", in.Len())
		}
	}
}
