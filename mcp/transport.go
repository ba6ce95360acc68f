package mcp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// maxLine bounds one message of a client, in bytes.
const maxLine = 4 << 20

// transport carries messages over stdin and stdout: one message a line. The SDK's own
// ends the session at the first line that is not a message, because its decoder
// cannot continue. A client that makes one mistake would lose its tools; here it
// gets an error and continues.
type transport struct {
	in  io.ReadCloser
	out io.Writer
}

// Connect starts to read.
func (t *transport) Connect(context.Context) (sdk.Connection, error) {
	c := &connection{in: t.in, out: t.out, lines: make(chan received), closed: make(chan struct{}), answered: make(chan struct{}, 1)}
	go c.receive()
	return c, nil
}

// received is one line of a client, or the reason why there are no more lines.
type received struct {
	text    []byte
	tooLong bool
	err     error
}

// connection is the connection to one client.
type connection struct {
	in     io.ReadCloser
	lines  chan received
	closed chan struct{}
	once   sync.Once

	open     atomic.Int64  // requests without an answer
	answered chan struct{} // after each answer

	mu  sync.Mutex // of out
	out io.Writer
}

// SessionID is empty: a pair of pipes has one session.
func (c *connection) SessionID() string { return "" }

// Close ends the connection.
func (c *connection) Close() (err error) {
	c.once.Do(func() {
		close(c.closed)
		err = c.in.Close()
	})
	return err
}

// receive reads lines until there are no more. It runs beside Read, so that Close
// interrupts a Read that waits.
func (c *connection) receive() {
	r := bufio.NewReaderSize(c.in, 64<<10)
	for {
		l := readLine(r)
		select {
		case c.lines <- l:
		case <-c.closed:
			return
		}
		if l.err != nil {
			return
		}
	}
}

// readLine reads one line. What is longer than maxLine is read and dropped.
func readLine(r *bufio.Reader) (l received) {
	for {
		part, err := r.ReadSlice('\n')
		switch {
		case l.tooLong:
		case len(l.text)+len(part) > maxLine:
			l.text, l.tooLong = nil, true
		default:
			l.text = append(l.text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && (len(l.text) > 0 || l.tooLong): // the last line has no end
			return l
		}
		l.err = err
		return l
	}
}

// Read returns the next message. A line that is not a message is answered here.
func (c *connection) Read(ctx context.Context) (jsonrpc.Message, error) {
	for {
		var l received
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-c.closed:
			return nil, io.EOF
		case l = <-c.lines:
		}
		if l.err != nil {
			c.drain(ctx)
			return nil, l.err
		}
		text := bytes.TrimSpace(l.text)
		if len(text) == 0 && !l.tooLong {
			continue
		}
		msg, refused := decode(text, l.tooLong)
		if refused == nil {
			if r, ok := msg.(*jsonrpc.Request); ok && r.IsCall() {
				c.open.Add(1)
			}
			return msg, nil
		}
		if err := c.send(refused); err != nil {
			return nil, err
		}
	}
}

// drainTime is how long requests are answered after the last line of the client.
const drainTime = 10 * time.Second

// drain waits until every request has its answer: a client may send all that it has to say,
// close stdin, and read. The end of the session would interrupt what still runs.
func (c *connection) drain(ctx context.Context) {
	late := time.After(drainTime)
	for c.open.Load() > 0 {
		select {
		case <-c.answered:
		case <-late:
			return
		case <-c.closed:
			return
		case <-ctx.Done():
			return
		}
	}
}

// decode reads one message; refused is the answer if the bytes are not a message.
func decode(text []byte, tooLong bool) (msg jsonrpc.Message, refused []byte) {
	switch {
	case tooLong:
		return nil, answerError(nil, jsonrpc.CodeParseError, fmt.Sprintf("the message has more than %d bytes", maxLine))
	case !json.Valid(text): // also what is nested so deep that reading it would cost the stack
		return nil, answerError(nil, jsonrpc.CodeParseError, "the line is not JSON")
	case text[0] == '[':
		return nil, answerError(nil, jsonrpc.CodeInvalidRequest, "batches are not supported: send one message a line")
	}
	msg, err := jsonrpc.DecodeMessage(text)
	if err != nil {
		var m struct {
			ID json.RawMessage `json:"id"`
		}
		_ = json.Unmarshal(text, &m)
		return nil, answerError(m.ID, jsonrpc.CodeInvalidRequest, "the line is not a JSON-RPC 2.0 message")
	}
	return msg, nil
}

// answerError is the answer to what could not be read. The id is repeated if it is
// one that a request may have.
func answerError(id json.RawMessage, code int64, message string) []byte {
	var v any
	_ = json.Unmarshal(id, &v) // fails for a number that is too large
	switch v.(type) {
	case string, float64:
	default:
		id = json.RawMessage("null")
	}
	b, _ := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "error": map[string]any{"code": code, "message": message}})
	return b
}

// Write sends a message. An answer that cannot be encoded becomes an error for its
// request; the session continues.
func (c *connection) Write(ctx context.Context, msg jsonrpc.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b, err := jsonrpc.EncodeMessage(msg)
	r, ok := msg.(*jsonrpc.Response)
	if ok {
		defer func() {
			c.open.Add(-1)
			select {
			case c.answered <- struct{}{}:
			default:
			}
		}()
	}
	if ok && err != nil {
		id, _ := json.Marshal(r.ID.Raw())
		b, err = answerError(id, jsonrpc.CodeInternalError, "the answer could not be encoded"), nil
	}
	if err != nil {
		return err
	}
	return c.send(b)
}

func (c *connection) send(b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.out.Write(append(b, '\n'))
	return err
}
