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

// catFile is one long-lived `git cat-file --batch`. The first request starts it, and a
// later one starts it again if it died. It needs no restart when objects appear or are
// repacked: if it does not find an object, it reads the list of packs again by itself.
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

// skipLimit is how much of a too large object is read and discarded; beyond that, a new
// process is cheaper.
const skipLimit = 32 << 20

func (c *catFile) start() error {
	if c.proc != nil {
		return nil
	}
	// The process is not bound to a request's context, because it serves many requests.
	cmd := c.git.command(context.Background(), ownGroup, "cat-file", "--batch")
	in, err := cmd.StdinPipe()
	if err != nil {
		return storage(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return storage(err)
	}
	if err := cmd.Start(); err != nil { // too many processes or open files at the moment
		return storage(err)
	}
	c.proc = &catProc{cmd: cmd, in: in, out: bufio.NewReaderSize(out, 64<<10)}
	return nil
}

// storage is the error that git did not answer; it implies nothing about an object.
func storage(err error) error { return fmt.Errorf("git cat-file: %w: %w", refs.ErrStorage, err) }

// stop ends the process, because its state is unknown or it is no longer needed.
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

// errDied means that the process ended in the middle of an answer.
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
		c.stop() // whatever happened, answers to the other requests may still arrive
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, errRestart) {
			continue
		}
		if !errors.Is(err, errDied) {
			return err
		}
		// One death may be chance. If a process dies twice at the same object and answers
		// other requests, the object is the cause.
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

// probe asks for the empty tree, which git knows without reading anything.
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

// errRestart means that a new process is cheaper than the rest of this answer.
var errRestart = errors.New("restart")

// batch sends all requests while it reads the answers, and returns how many objects were
// passed to each.
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
		p.in.Write(b.Bytes()) // a failure shows when the answers end
	}
	if len(ids) <= 64 { // fits into the pipe, so it cannot block
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
