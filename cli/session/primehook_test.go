package session

import (
	"io"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
)

// A program that leaves its hook's stdin open does not hold up a session.
func TestHookDoesNotWait(t *testing.T) {
	in, out := io.Pipe()
	defer out.Close()
	e := &command.Env{Terminal: &frame.Terminal{Streams: frame.Streams{In: in}}}
	done := make(chan struct{})
	go func() {
		readHook(e)
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("prime waits for its stdin to end")
	}
}
