package issue

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// lockPause is how soon 'lock --wait' contacts the hub again after a change.
const lockPause = time.Second

// lockWaitOf reads --wait: how long to wait for a lock, 0 for no wait.
func lockWaitOf(u *urfave.Context) (time.Duration, error) {
	if !u.IsSet("wait") {
		return 0, nil
	}
	v := u.String("wait")
	if v == frame.NoLimit {
		return math.MaxInt64 / 2, nil
	}
	seconds, err := strconv.ParseUint(v, 10, 31)
	if err != nil {
		if seconds, err = frame.ParseDuration(v); err != nil {
			return 0, frame.BadValue("--wait", v, []string{"60 (seconds)", "10m", "1h30m"})
		}
	}
	return time.Duration(seconds) * time.Second, nil
}

// awaitLock waits in the queue of a lock until it is granted, the place is lost, or the
// time is over; then the claim stays as it was.
func awaitLock(ctx context.Context, e *command.Env, repo *command.Repository, u event.UUID, c *tracker.Claim, until time.Time) (*tracker.Claim, error) {
	told, changed := "", e.Now()
	for c.Outcome == tracker.Waiting || c.Outcome == tracker.Pending {
		left := until.Sub(e.Now())
		if left <= 0 {
			return c, nil
		}
		i, err := c.View.Issue(u)
		if err != nil {
			return nil, err
		}
		text := fmt.Sprintf("waiting until the hub confirms the claim on issue %s", i.Name())
		if c.Outcome == tracker.Waiting {
			text = waitingText(c, i)
		}
		if text != told {
			e.Progress("%s", text)
			told, changed = text, e.Now()
		}
		select {
		case <-ctx.Done():
			return nil, keepsPlace(i.Name())
		case <-time.After(min(tracker.Pause(lockPause, e.Now().Sub(changed)), left)):
		}
		err = e.Read(ctx, tracker.Fresh, func(_ *command.Repository, p tracker.Projection) (err error) {
			c, err = tracker.Standing(p, u, repo.Agent())
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// keepsPlace is the message to a user who interrupts the wait: the place in the queue is
// kept.
func keepsPlace(name string) error {
	return &frame.Failure{Code: frame.ExitInterrupted, Kind: "interrupted", Message: "interrupted",
		Hints: []string{"you keep your place in the queue; to give it up: git crosslink unlock " + name}}
}
