package clone

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/internal/system"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// Detach starts a sync that continues after this command, and reports whether one will run.
// If it cannot be started, the next command's sync does its work.
func (c *Clone) Detach() bool {
	if c.Options.Program == "" {
		return false
	}
	statefile.Touch(c.Home())
	if c.Replica != nil {
		// the process that holds "next" has not begun yet, so it includes the current
		// changes
		free, ok, err := c.Replica.Lock(context.Background(), "next", 0)
		if err == nil && !ok {
			return true
		}
		if ok {
			free()
		}
	}
	return Detach(c.Options.Program, c.Outer.Top, append(slices.Clone(c.Environ), "GIT_DIR="+c.Outer.GitDir)) == nil
}

// detachedVariable shows a process that Detach started it.
const detachedVariable = "GIT_CROSSLINK_DETACHED"

// IsDetached reports whether Detach started the process with this environment.
func IsDetached(getenv func(string) string) bool { return getenv(detachedVariable) != "" }

// Detach starts program, git-crosslink's own path, for a sync that nobody waits for: in a
// session of its own, without inheriting anything that somebody could wait for. dir and
// environ name the repository, as for any command.
//
// Scripts clone into a temporary directory, change something, push, and remove the
// directory. `rm -rf` fails if a file is created in a directory that it has listed and not
// yet removed. So the rules for a detached process are:
//
//   - it creates nothing until the clone has been at rest (atRest). Its locks are created
//     with the replica;
//   - it creates no parent directory of a file, and repairs nothing: missing files are being
//     removed;
//   - before each step that writes, it checks that the clone is whole, and ends if it is not.
//
// Only a removal that begins while a step is writing can still fail.
func Detach(program, dir string, environ []string) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	cmd := exec.Command(program, "sync", "--detached")
	cmd.Dir = dir
	cmd.Env = append(slices.Clone(environ), "GIT_TERMINAL_PROMPT=0", detachedVariable+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = null, null, null
	system.NewSession(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}

// The time between detached syncs: each contacts the hub, and includes all changes made
// until then. If the hub has no limit for pushes, the time is shorter.
const (
	syncInterval = 10 * time.Second
	sendInterval = 2 * time.Second
)

// RestTime is how long a clone has to be at rest before a detached process writes there,
// and restPatience how long the process waits for that. Only tests change these.
var (
	RestTime     = 2 * time.Second
	restPatience = 10 * time.Second
)

// setInterval returns crosslink.syncInterval, if it is set.
func (c *Clone) setInterval() (time.Duration, bool) {
	n, set := c.Conf.Count("crosslink.syncInterval")
	return min(time.Duration(n)*time.Second, DetachedFor), set
}

// Poll returns how old the last contact has to be for a sync that only fetches: at least
// after, and longer if nothing has changed for the time quiet, unless the user has set an
// interval.
func (c *Clone) Poll(after, quiet time.Duration) time.Duration {
	if _, set := c.setInterval(); set {
		return after
	}
	return max(after, syncer.Pause(after, quiet, c.Link.At().Jitter))
}

// Paced waits until another detached sync may run. The caller holds "next", so one process
// waits for all changes made in the meantime.
func (c *Clone) Paced(ctx context.Context, unsent bool) error {
	mark := filepath.Join(c.Replica.Path(), "next.lock") // its mtime is the time of the last sync
	interval, set := c.setInterval()
	switch {
	case set:
	case unsent && !c.limited():
		interval = sendInterval
	default:
		interval = syncInterval
	}
	if st, err := os.Stat(mark); err == nil {
		// a time in the future was written by a wrong clock
		if wait := interval - c.Now().Sub(st.ModTime()); wait > 0 && wait <= interval && !c.Link.SleepUntil(ctx, c.Now().Add(wait)) {
			return ctx.Err()
		}
	}
	now := c.Now()
	_ = os.Chtimes(mark, now, now) // a failure to store the time does not prevent a sync
	return nil
}

// limited reports whether pushes of facts to the hub have a limit.
func (c *Clone) limited() bool {
	limit, _ := c.Link.Pace.Read().Limit(c.Limits(), syncer.Facts, c.Now())
	return limit != syncer.Rate{}
}

// touched returns when something was last created, removed or renamed at the top of the
// user's repository or worktree, or beside the replica. Starting a fetch or push changes
// the directory of the replica.
func (c *Clone) touched() time.Time {
	var last time.Time
	for _, dir := range []string{c.Outer.Top, c.Outer.Worktree, c.Outer.GitDir, c.Outer.CommonDir, c.Home()} {
		if st, err := os.Stat(dir); err == nil && st.ModTime().After(last) {
			last = st.ModTime()
		}
	}
	return last
}

// AtRest waits until nothing has changed at the top of the clone for a while. It returns
// false if the clone, or a part of it, was removed.
func (c *Clone) AtRest(ctx context.Context) bool {
	rest := RestTime
	if interval, set := c.setInterval(); set {
		rest = min(rest, interval)
	}
	for waited := time.Duration(0); c.Replica.Whole(); {
		wait := min(rest-c.Now().Sub(c.touched()), rest) // the clock may be wrong
		if wait <= 0 || waited >= restPatience {
			return true
		}
		if !c.Link.SleepUntil(ctx, c.Now().Add(wait)) {
			return false
		}
		waited += wait
	}
	return false
}
