package helper

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"
)

// A child is fed what git says, byte for byte, and when it ends first that is the
// end, although git, or the git between, holds its end open.
func TestServeFiles(t *testing.T) {
	big := bytes.Repeat([]byte("0032want 0123456789012345678901234567890123456789\n"), 10_000)
	for _, c := range []struct {
		name, script string
		say          []byte
		close        bool // git's end, when all is said
		status       int
		answer       []byte
	}{
		{"to the end", "cat", big, true, 0, big},
		{"nothing said", "cat", nil, true, 0, nil},
		{"ends first", "echo gone; exit 3", nil, false, 3, []byte("gone\n")},
		{"ends in the middle", "dd bs=1 count=4 2>/dev/null; exit 4", big, false, 4, big[:4]},
		{"is killed", "kill -TERM $$", nil, false, 128 + 15, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, git := pipeOf(t)
			answers, out := pipeOf(t)
			null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer null.Close()
			s := &Session{In: in, Out: out, Err: null}
			status := make(chan int, 1)
			go func() {
				n, err := s.serve(exec.Command("sh", "-c", c.script), true)
				if err != nil {
					t.Error(err)
				}
				out.Close()
				status <- n
			}()
			go func() {
				git.Write(c.say) // fails where nobody reads to the end
				if c.close {
					git.Close()
				}
			}()
			got, err := io.ReadAll(answers)
			if err != nil || !bytes.Equal(got, c.answer) {
				t.Errorf("%d bytes came, not %d, %v", len(got), len(c.answer), err)
			}
			select {
			case n := <-status:
				if n != c.status {
					t.Errorf("status %d, not %d", n, c.status)
				}
			case <-time.After(time.Minute):
				t.Fatal("it waits for git, which waits for it")
			}
		})
	}
}

func pipeOf(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}
