package git

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"time"
)

// outputGrace is how long the stdout of an ended child may stay open without new data: a
// descendant may keep it open, or this machine may be too busy to read it.
const outputGrace = 30 * waitDelay

// errOutputCut means that a child has ended but its output has not. The part that was read
// is not an answer.
var errOutputCut = errors.New("its output did not end")

// output is a child's stdout, which is read to its end. os/exec would cut it off
// cmd.WaitDelay after the child's end, no matter whether a descendant keeps stderr open or
// stdout still has unread data. Cutting off stderr does no harm.
type output struct {
	to          io.Writer
	read, write *os.File
	came        atomic.Int64 // bytes
	grace       time.Duration
	done        chan error
}

// readOutput replaces cmd.Stdout by a pipe; it returns nil if nobody reads stdout.
func readOutput(cmd *exec.Cmd, grace time.Duration) (*output, error) {
	if _, file := cmd.Stdout.(*os.File); cmd.Stdout == nil || file {
		return nil, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	o := &output{to: cmd.Stdout, read: r, write: w, grace: grace, done: make(chan error, 1)}
	cmd.Stdout = w
	return o, nil
}

// begin starts reading. The child has been started, or never will be.
func (o *output) begin() {
	o.write.Close() // the child has its own copy
	go func() {
		_, err := io.Copy(o, o.read)
		o.read.Close() // a child that continues to write without a reader ends
		o.done <- err
	}()
}

// Write passes on the data.
func (o *output) Write(p []byte) (int, error) {
	o.came.Add(int64(len(p)))
	return o.to.Write(p)
}

// end waits for the rest of the output after the child has ended, as long as data arrives.
// After it returns, nothing more is written.
func (o *output) end(ctx context.Context) error {
	wait := time.NewTicker(o.grace)
	defer wait.Stop()
	for came := int64(-1); ; {
		select {
		case err := <-o.done:
			return err
		case <-ctx.Done():
		case <-wait.C:
			if now := o.came.Load(); now != came {
				came = now
				continue
			}
		}
		_ = o.read.SetReadDeadline(time.Now())
		if err := <-o.done; !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		return errOutputCut
	}
}
