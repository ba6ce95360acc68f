package place

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/poll"
	"github.com/git-crosslink/git-crosslink/internal/system"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// ChildAnswer is what the child that fetches prints.
type ChildAnswer struct {
	OK   bool   `json:"ok"`
	Why  string `json:"why,omitempty"`
	Code string `json:"code,omitempty"`
}

// grace is how long a child has to end after SIGTERM.
const grace = 2 * time.Second

// maxAnswer bounds what a child may say.
const maxAnswer = 64 << 10

var errNoAnswer = errors.New("the hub has not answered in time")

// fetch runs the child, and kills it with all it has started when the context
// ends.
func (p *Place) fetch(ctx context.Context) error {
	if len(p.o.Fetch) == 0 {
		return Fetch(ctx, p.path, p.o)
	}
	cmd := exec.CommandContext(ctx, p.o.Fetch[0], append(p.o.Fetch[1:], p.path)...)
	cmd.Env = p.o.environ()
	var out limited
	cmd.Stdout = &out
	system.NewGroup(cmd) // with all it starts, ssh among it
	cmd.Cancel = func() error {
		time.AfterFunc(grace, func() { system.KillGroup(cmd) })
		return system.TerminateGroup(cmd)
	}
	cmd.WaitDelay = grace
	err := cmd.Run()
	if ctx.Err() != nil {
		return errNoAnswer
	}
	var a ChildAnswer
	if jerr := json.Unmarshal(bytes.TrimSpace(out.b), &a); jerr != nil {
		return fmt.Errorf("the fetch ended without an answer: %w", errors.Join(err, jerr))
	}
	if _, err := os.Stat(p.path); !a.OK && errors.Is(err, fs.ErrNotExist) {
		return poll.ErrGone
	}
	if !a.OK {
		return errors.New(a.Why)
	}
	return nil
}

// limited keeps the beginning of the data that is written to it.
type limited struct{ b []byte }

func (l *limited) Write(b []byte) (int, error) {
	if room := maxAnswer - len(l.b); room > 0 {
		l.b = append(l.b, b[:min(len(b), room)]...)
	}
	return len(b), nil
}

// Fetch fetches from the hub and takes over what is to be believed, in this
// process. It never pushes and never prompts.
func Fetch(ctx context.Context, path string, o Options) error {
	repo, err := tracker.OpenRepo(ctx, o.tracker(path))
	if err != nil {
		return err
	}
	return repo.Refresh(ctx)
}
