package cli

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
)

// paged shows a long page through the user's pager: the one git would start,
// on a terminal only, and not inside another.
func (e *env) paged(ctx context.Context, show func(io.Writer) error) error {
	command := e.pagerCommand(ctx)
	if command == "" {
		return show(e.out)
	}
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
	if quietEnd(err) { // left before the end
		return nil
	}
	return err
}

func (e *env) pagerCommand(ctx context.Context) string {
	if !e.outTTY || e.noPager || e.pagerInUse() {
		return ""
	}
	if v, err := e.git(ctx, "config", "--type=bool", "--get", "pager.crosslink"); err == nil && v == "false" {
		return ""
	}
	command, err := e.git(ctx, "var", "GIT_PAGER")
	if err != nil || strings.TrimSpace(command) == "cat" {
		return ""
	}
	return command
}
