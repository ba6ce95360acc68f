package tracker

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// detach starts a sync that goes on when this command is over. If it cannot be
// started the next command's sync does its work.
func (t *Tracker) detach() {
	if t.o.Program == "" {
		return
	}
	_ = Detach(t.o.Program, t.outer.Top, append(slices.Clone(t.environ), "GIT_DIR="+t.outer.GitDir))
}

// Detach starts program, git-crosslink's own path, for a sync that nobody waits
// for: in a session of its own, nothing inherited that somebody could wait for.
// dir and environ say which repository, as for any command.
func Detach(program, dir string, environ []string) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	cmd := exec.Command(program, "sync", "--detached")
	cmd.Dir = dir
	cmd.Env = append(slices.Clone(environ), "GIT_TERMINAL_PROMPT=0", "GIT_CROSSLINK_DETACHED=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = null, null, null
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
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

// paced waits until it is time for another detached sync. The caller holds
// "next", so that one process waits for all that come meanwhile.
func (t *Tracker) paced(ctx context.Context, unsent bool) error {
	mark := filepath.Join(t.replica.Path(), "detached")
	interval := syncInterval
	if n, set := t.count("crosslink.syncInterval"); set {
		interval = min(time.Duration(n)*time.Second, detachedFor)
	} else if unsent && t.perMinute(t.readPace()) == 0 {
		interval = sendInterval
	}
	if st, err := os.Stat(mark); err == nil {
		// a time that has not come yet was written by a clock that was wrong
		if wait := interval - t.now().Sub(st.ModTime()); wait > 0 && wait <= interval && !t.sleepUntil(ctx, t.now().Add(wait)) {
			return ctx.Err()
		}
	}
	f, err := statefile.OpenLock(mark)
	if err != nil {
		return nil // a pace that cannot be kept is no reason not to sync
	}
	defer f.Close()
	now := t.now()
	_ = os.Chtimes(mark, now, now)
	return nil
}
