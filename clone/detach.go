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

// Detach starts a sync that continues when this command is over, and reports whether
// one is coming. If it cannot be started the next command's sync does its work.
func (c *Clone) Detach() bool {
	if c.Options.Program == "" {
		return false
	}
	statefile.Touch(c.Home())
	if c.Replica != nil {
		// who holds "next" has not begun yet, and includes what is here
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

// detachedVariable tells a process that it was started by Detach.
const detachedVariable = "GIT_CROSSLINK_DETACHED"

// IsDetached reports whether Detach started the process with this environment.
func IsDetached(getenv func(string) string) bool { return getenv(detachedVariable) != "" }

// Detach starts program, git-crosslink's own path, for a sync that nobody waits
// for: in a session of its own, nothing inherited that somebody could wait for.
// dir and environ say which repository, as for any command.
//
// Scripts clone into a temporary directory, change something, push, and remove
// the directory. `rm -rf` fails if a file is created in a directory that it has
// listed and not yet removed. So the rules for a detached process are:
//
//   - it creates nothing before it has seen the clone at rest (atRest). Its
//     locks are made with the replica;
//   - it makes no directory above what it writes, and repairs nothing: what is
//     missing is being removed;
//   - it looks whether the clone is whole before each step that writes, and
//     leaves if it is not.
//
// What remains is a removal that begins while a step is writing.
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

// How far apart detached syncs are: each asks the hub, and what comes meanwhile
// goes along with the next one. What waits here for a hub that is sent any
// number of pushes waits less.
const (
	syncInterval = 10 * time.Second
	sendInterval = 2 * time.Second
)

// RestTime is how long a clone has to be at rest before a detached process
// writes there, and restPatience how long that is waited for.
// Only tests change these.
var (
	RestTime     = 2 * time.Second
	restPatience = 10 * time.Second
)

// setInterval is crosslink.syncInterval, if that is set.
func (c *Clone) setInterval() (time.Duration, bool) {
	n, set := c.Conf.Count("crosslink.syncInterval")
	return min(time.Duration(n)*time.Second, DetachedFor), set
}

// Poll is how old the last contact has to be for a sync that only asks: at least
// after, and longer where nothing has come for a while, unless the user has set how
// often. quiet is how long.
func (c *Clone) Poll(after, quiet time.Duration) time.Duration {
	if _, set := c.setInterval(); set {
		return after
	}
	return max(after, syncer.Pause(after, quiet, c.Link.At().Jitter))
}

// Paced waits until it is time for another detached sync. The caller holds
// "next", so that one process waits for all that come meanwhile.
func (c *Clone) Paced(ctx context.Context, unsent bool) error {
	mark := filepath.Join(c.Replica.Path(), "next.lock") // its time is that of the last turn
	interval, set := c.setInterval()
	switch {
	case set:
	case unsent && !c.limited():
		interval = sendInterval
	default:
		interval = syncInterval
	}
	if st, err := os.Stat(mark); err == nil {
		// a time that has not come yet was written by a clock that was wrong
		if wait := interval - c.Now().Sub(st.ModTime()); wait > 0 && wait <= interval && !c.Link.SleepUntil(ctx, c.Now().Add(wait)) {
			return ctx.Err()
		}
	}
	now := c.Now()
	_ = os.Chtimes(mark, now, now) // a pace that cannot be kept is no reason not to sync
	return nil
}

// limited reports whether pushes of facts to the hub have a limit.
func (c *Clone) limited() bool {
	limit, _ := c.Link.Pace.Read().Limit(c.Limits(), syncer.Facts, c.Now())
	return limit != syncer.Rate{}
}

// touched is when something was last created, removed or renamed at the top of
// the user's repository or worktree, or beside the replica. What starts a fetch
// or push touches the directory that the replica is in.
func (c *Clone) touched() time.Time {
	var last time.Time
	for _, dir := range []string{c.Outer.Top, c.Outer.Worktree, c.Outer.GitDir, c.Outer.CommonDir, c.Home()} {
		if st, err := os.Stat(dir); err == nil && st.ModTime().After(last) {
			last = st.ModTime()
		}
	}
	return last
}

// AtRest waits until nothing has changed at the top of the clone for a while. It
// reports false if the clone, or a part of it, has gone.
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
