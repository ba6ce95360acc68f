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

// outputGrace is how long a child that has ended may keep its stdout open
// without writing to it: by a descendant of its own, or because this machine is
// too busy to read it.
const outputGrace = 30 * waitDelay

// errOutputCut: a child has ended and its output has not. What was read of it is
// no answer.
var errOutputCut = errors.New("its output did not end")

// output is a child's stdout, which is read to its end. os/exec would cut it off
// cmd.WaitDelay after the child's end, for a stderr that somebody keeps open as
// for a stdout that is still written to or not read yet; a stderr that is cut
// off does no harm.
type output struct {
	to          io.Writer
	read, write *os.File
	came        atomic.Int64 // bytes
	grace       time.Duration
	done        chan error
}

// readOutput puts a pipe in the place of cmd.Stdout; nil if nobody reads it.
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

// begin reads. The child has been started, or never will be.
func (o *output) begin() {
	o.write.Close() // the child has its own
	go func() {
		_, err := io.Copy(o, o.read)
		o.read.Close() // a child that continues writing to nobody ends
		o.done <- err
	}()
}

// Write passes on what came.
func (o *output) Write(p []byte) (int, error) {
	o.came.Add(int64(len(p)))
	return o.to.Write(p)
}

// end waits for the rest, as long as some comes; the child has ended. When it
// returns nothing is written any more.
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
