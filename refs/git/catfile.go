package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"

	"github.com/git-crosslink/git-crosslink/refs"
)

// catFile is one long-lived `git cat-file --batch`. It is started by the first
// request and started again if it died. It needs no restart when objects
// appear or are repacked: on a miss it looks at the packs again by itself.
type catFile struct {
	git  *runner
	form refs.Format

	mu     sync.Mutex // one request at a time
	proc   *catProc
	closed bool
}

type catProc struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// skipLimit is how much of a too large object is read and thrown away; for
// more it is cheaper to start a new process.
const skipLimit = 32 << 20

func (c *catFile) start() error {
	if c.proc != nil {
		return nil
	}
	// Not bound to a request's context: it serves many.
	cmd := c.git.command(context.Background(), ownGroup, "cat-file", "--batch")
	in, err := cmd.StdinPipe()
	if err != nil {
		return storage(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return storage(err)
	}
	if err := cmd.Start(); err != nil { // no more processes, or files, for now
		return storage(err)
	}
	c.proc = &catProc{cmd: cmd, in: in, out: bufio.NewReaderSize(out, 64<<10)}
	return nil
}

// storage says that git could not be asked, which says nothing of an object.
func storage(err error) error { return fmt.Errorf("git cat-file: %w: %w", refs.ErrStorage, err) }

// stop ends the process. Its state is unknown or it is no longer wanted.
func (c *catFile) stop() {
	if c.proc == nil {
		return
	}
	c.proc.in.Close()
	c.proc.cmd.Process.Kill()
	c.proc.cmd.Wait()
	c.proc = nil
}

func (c *catFile) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.stop()
}

// errDied says that the process ended in the middle of an answer.
var errDied = errors.New("git cat-file ended")

func (c *catFile) read(ctx context.Context, ids []refs.OID, limit int64, each func(int, refs.Object, error) error) error {
	for _, id := range ids {
		if !c.form.Valid(id) {
			return fmt.Errorf("bad object id '%s'", id)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return refs.ErrClosed
	}
	done, failures := 0, 0
	for done < len(ids) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := c.start(); err != nil {
			return err
		}
		n, err := c.batch(ctx, ids[done:], limit, func(i int, o refs.Object, err error) error { return each(done+i, o, err) })
		done += n
		if err == nil {
			continue
		}
		c.stop() // whatever it was, answers to the rest may be on their way
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, errRestart) {
			continue
		}
		if !errors.Is(err, errDied) {
			return err
		}
		// Once is bad luck. A process that dies twice at the same object but
		// answers otherwise dies of that object.
		if n > 0 {
			failures = 0
		}
		if failures++; failures < 2 {
			continue
		}
		if err := c.probe(); err != nil {
			return storage(err)
		}
		failures = 0
		if err := each(done, refs.Object{}, fmt.Errorf("object '%s': %w", ids[done], refs.ErrCorrupt)); err != nil {
			return err
		}
		done++
	}
	return nil
}

// probe asks for the empty tree, which git knows without looking.
func (c *catFile) probe() error {
	if err := c.start(); err != nil {
		return err
	}
	id := c.form.ID(refs.Object{Kind: refs.Tree})
	if _, err := io.WriteString(c.proc.in, string(id)+"\n"); err != nil {
		return errDied
	}
	_, err := c.answer(c.proc.out, id, 0)
	return err
}

// errRestart says that a new process is cheaper than the rest of this answer.
var errRestart = errors.New("restart")

// batch sends all requests while it reads the answers and returns how many
// objects were given to each.
func (c *catFile) batch(ctx context.Context, ids []refs.OID, limit int64, each func(int, refs.Object, error) error) (int, error) {
	p := c.proc
	stop := context.AfterFunc(ctx, func() { p.cmd.Process.Kill() })
	defer stop()

	sent := make(chan struct{})
	send := func() {
		defer close(sent)
		var b bytes.Buffer
		for _, id := range ids {
			b.WriteString(string(id))
			b.WriteByte('\n')
		}
		p.in.Write(b.Bytes()) // a failure shows as the end of the answers
	}
	if len(ids) <= 64 { // fits the pipe: cannot block
		send()
	} else {
		go send()
		// The writer must not outlive this call; stop() unblocks it.
		defer func() {
			select {
			case <-sent:
			default:
				c.stop()
				<-sent
			}
		}()
	}
	for i, id := range ids {
		o, err := c.answer(p.out, id, limit)
		if errors.Is(err, errDied) {
			return i, err
		}
		restart := errors.Is(err, errRestart)
		if restart {
			err = fmt.Errorf("object '%s': %w", id, refs.ErrTooLarge)
		}
		if err := each(i, o, err); err != nil {
			return i + 1, err
		}
		if restart {
			return i + 1, errRestart
		}
	}
	return len(ids), nil
}

func (c *catFile) answer(r *bufio.Reader, id refs.OID, limit int64) (refs.Object, error) {
	head, err := r.ReadString('\n')
	if err != nil {
		return refs.Object{}, errDied
	}
	w := strings.Fields(head)
	if len(w) == 2 && w[0] == string(id) && w[1] == "missing" {
		return refs.Object{}, fmt.Errorf("object '%s': %w", id, refs.ErrMissing)
	}
	if len(w) != 3 || w[0] != string(id) {
		return refs.Object{}, errDied
	}
	size, err := strconv.ParseInt(w[2], 10, 64)
	if err != nil || size < 0 {
		return refs.Object{}, errDied
	}
	if size > limit {
		if size > skipLimit {
			return refs.Object{}, errRestart
		}
		if _, err := io.CopyN(io.Discard, r, size+1); err != nil {
			return refs.Object{}, errDied
		}
		return refs.Object{}, fmt.Errorf("object '%s': %w", id, refs.ErrTooLarge)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(r, data); err != nil {
		return refs.Object{}, errDied
	}
	if b, err := r.ReadByte(); err != nil || b != '\n' {
		return refs.Object{}, errDied
	}
	return refs.Object{Kind: refs.ParseKind(w[1]), Data: data}, nil
}
