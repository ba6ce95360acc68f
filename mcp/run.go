package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// envelope is the document that every command answers with (docs/json.md).
type envelope struct {
	OK       bool            `json:"ok"`
	Code     int             `json:"code"`
	Data     json.RawMessage `json:"data"`
	Error    *failure        `json:"error"`
	Page     *page           `json:"page"`
	Warnings []failure       `json:"warnings"`
}

type failure struct {
	Kind    string   `json:"kind"`
	Name    string   `json:"name"` // of a warning
	Message string   `json:"message"`
	Text    string   `json:"text"` // of a warning
	Hints   []string `json:"hints"`
}

// maxAnswer bounds what is read of a command, in bytes.
const maxAnswer = 64 << 20

// runner starts git-crosslink.
type runner struct {
	program string
	dir     string // "" is the server's
}

// run runs one command. An error says that there is no answer at all.
func (r runner) run(ctx context.Context, c command) (*envelope, error) {
	words := append([]string{"--json"}, c.words...)
	if r.dir != "" {
		words = append([]string{"-C", r.dir}, words...)
	}
	cmd := exec.CommandContext(ctx, r.program, words...)
	cmd.Stdin = strings.NewReader(c.stdin)
	var out, errs limited
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	var x *exec.ExitError
	if err != nil && !errors.As(err, &x) {
		return nil, fmt.Errorf("run %s: %w", r.program, err)
	}
	var e envelope
	if uerr := json.Unmarshal(out.Bytes(), &e); uerr != nil {
		if len(bytes.TrimSpace(out.Bytes())) == 0 && err == nil {
			return &envelope{OK: true}, nil // prime has nothing to say
		}
		return nil, fmt.Errorf("cannot read the answer of %s: %s", strings.Join(c.words, " "), strings.TrimSpace(errs.String()))
	}
	return &e, nil
}

// limited keeps the beginning of the data that is written to it.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if room := maxAnswer - l.Len(); room > 0 {
		l.Buffer.Write(p[:min(len(p), room)])
	}
	return len(p), nil
}
