package cli

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/git-crosslink/git-crosslink/cli/frame"
)

// paged shows a page through a pager.
func (e *env) paged(command string, show func(io.Writer) error) error {
	c := exec.Command("sh", "-c", command)
	c.Stdout, c.Stderr = e.out, e.err
	c.Env = append(os.Environ(), "GIT_PAGER_IN_USE=true")
	for name, value := range map[string]string{"LESS": "FRX", "LV": "-c"} {
		if e.getenv(name) == "" {
			c.Env = append(c.Env, name+"="+value)
		}
	}
	w, err := c.StdinPipe()
	if err != nil {
		return show(e.out)
	}
	if err := c.Start(); err != nil {
		return show(e.out)
	}
	e.lent.Store(true)
	defer e.lent.Store(false)
	err = show(w)
	w.Close()
	if werr := c.Wait(); werr != nil {
		e.trace.Debug().Err(werr).Msg("pager")
	}
	if frame.ReaderGone(err) { // left before the end
		return nil
	}
	return err
}

// pagerCommand is the pager to start, "" for none: on a terminal only, not
// inside another, for pages that may be long; pager.crosslink and, before it,
// pager.crosslink.<command> say otherwise: a boolean, or the pager to use.
// Where git started us it has looked at pager.crosslink itself.
func (e *env) pagerCommand(ctx context.Context, long bool) string {
	if !e.outTTY || e.noPager || e.pagerInUse() || e.opened == nil {
		return ""
	}
	command := ""
	for _, key := range []string{"pager.crosslink", "pager.crosslink." + e.verb} {
		v, ok := e.setting(ctx, key)
		switch {
		case !ok:
		case isTrue(v, false):
			long, command = true, ""
		case !isTrue(v, true), v == "":
			long = false
		default:
			long, command = true, v
		}
	}
	if !long {
		return ""
	}
	if command == "" {
		var err error
		if command, err = e.git(ctx, "var", "GIT_PAGER"); err != nil {
			return ""
		}
	}
	if strings.TrimSpace(command) == "cat" {
		return ""
	}
	return command
}
