package hub

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/enrol"
	"github.com/git-crosslink/git-crosslink/gate"
	"github.com/git-crosslink/git-crosslink/hooks"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// HookVerb is what git's hooks and the remote helper call: `git-crosslink hook <name>
// [<argument>…]`. It is not a command for people, is not listed, and has no options. It
// runs before anything else is set up, because somebody's git command waits for it.
const HookVerb = "hook"

// clonePatience is how long a clone waits for the tracker.
const clonePatience = 30 * time.Second

// Hook runs one hook. The status is 0 even if the tracker fails, except for a push that is
// stopped (1) and an unknown hook (129). Messages go to stdout: the calling scripts discard
// stderr, where a broken program would complain.
func Hook(ctx context.Context, e *command.Env, args []string) (code int) {
	if len(args) == 1 && (args[0] == gate.Whole || args[0] == gate.PerRef) { // on a server
		return gateHook(ctx, e, args[0])
	}
	defer func() {
		if recover() != nil {
			code = frame.ExitDone // our own fault must not stop the user's command
		}
	}()
	if len(args) > 0 && (args[0] == hooks.Cloned || args[0] == hooks.Enrolled) {
		cloned(ctx, e, args[1:], args[0] == hooks.Cloned)
		return frame.ExitDone
	}
	if len(args) == 4 && args[0] == "include" { // the installer calls it
		fmt.Fprint(e.Out, enrol.Text(args[1], args[2], args[3]))
		return frame.ExitDone
	}
	if len(args) == 1 && args[0] == "script" {
		fmt.Fprint(e.Out, enrol.Script)
		return frame.ExitDone
	}
	if len(args) == 0 || !hooks.Known(args[0]) {
		return e.Conclude(ctx, frame.Misuse("'hook' is called by git's hooks, with their name", "show installed hooks: git crosslink hooks status"))
	}
	program, err := os.Executable()
	if err != nil {
		return frame.ExitDone
	}
	stop := hooks.Run(ctx, hooks.Call{Name: args[0], Args: args[1:], Stdin: e.In, Program: program})
	if stop == nil {
		return frame.ExitDone
	}
	e.Err = e.Out
	return e.Conclude(ctx, stop.Refusal())
}

// cloned enrolls the remote of a new clone and fetches the hub's tracker, if there is one,
// once, in the foreground.
func cloned(ctx context.Context, e *command.Env, remote []string, withTracker bool) {
	ctx, cancel := context.WithTimeout(ctx, clonePatience)
	defer cancel()
	if len(remote) == 1 {
		enrolClone(ctx, e, remote[0])
	}
	if !withTracker {
		return
	}
	repo, err := e.Repository(ctx)
	if err == nil {
		_, err = repo.Sync(ctx, tracker.SyncOptions{})
		e.Close()
	}
	e.Trace.Debug().Err(err).Msg("cloned")
}
