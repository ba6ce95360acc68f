package frame

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
)

// paged shows a page through a pager.
func (t *Terminal) paged(command string, show func(io.Writer) error) error {
	c := exec.Command("sh", "-c", command)
	c.Stdout, c.Stderr = t.Out, t.Err
	c.Env = append(os.Environ(), "GIT_PAGER_IN_USE=true")
	for name, value := range map[string]string{"LESS": "FRX", "LV": "-c"} {
		if t.Getenv(name) == "" {
			c.Env = append(c.Env, name+"="+value)
		}
	}
	w, err := c.StdinPipe()
	if err != nil {
		return show(t.Out)
	}
	if err := c.Start(); err != nil {
		return show(t.Out)
	}
	t.busy.Store(true)
	defer t.busy.Store(false)
	err = show(w)
	w.Close()
	if werr := c.Wait(); werr != nil {
		t.Trace.Debug().Err(werr).Msg("pager")
	}
	if ReaderGone(err) { // the user left before the end
		return nil
	}
	return err
}

// pagerCommand returns the pager to start, "" for none. A pager starts only on a terminal,
// not inside another pager, for pages that may be long. pager.crosslink.<command>, and then
// pager.crosslink, override this with a boolean or a pager. If git started this program,
// git has applied pager.crosslink itself.
func (t *Terminal) pagerCommand(ctx context.Context, long bool) string {
	if !t.OutTTY || t.NoPager || t.pagerInUse() || t.Config == nil {
		return ""
	}
	command := ""
	for _, key := range []string{"pager.crosslink", "pager.crosslink." + t.verb} {
		v, ok := t.Setting(ctx, key)
		switch {
		case !ok:
		case IsTrue(v, false):
			long, command = true, ""
		case !IsTrue(v, true), v == "":
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
		if command, err = t.Git(ctx, "var", "GIT_PAGER"); err != nil {
			return ""
		}
	}
	if strings.TrimSpace(command) == "cat" {
		return ""
	}
	return command
}
