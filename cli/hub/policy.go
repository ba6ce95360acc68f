package hub

import (
	"context"
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func newTrustPolicy(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "policy", Usage: "show or set who may write, and how often",
		UsageText: "git crosslink trust policy [<options>]",
		Description: `Without options it prints the policy. With options it sets the policy; this needs the
key of an admin and contacts the hub. Signing is 'off' (signatures are not checked),
'warn' (events that no approved key signed count, and are marked) or 'require' (such
events do not count). With --closed, only approved agents may write.

--pushes-per-minute limits the pushes of all clones together. Agents that wrote in the
last 10 minutes share the limit equally, but every clone may push once in 10 minutes,
and twice a minute for locks. 0 removes the limit.

Examples:
  git crosslink trust policy
  git crosslink trust policy --signing require --closed
  git crosslink trust policy --pushes-per-minute 60`,
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "signing", Usage: "off, warn or require"},
			&urfave.BoolFlag{Name: "open", Usage: "anybody may write"},
			&urfave.BoolFlag{Name: "closed", Usage: "only approved agents may write"},
			&urfave.StringFlag{Name: "pushes-per-minute", Usage: "limit pushes of all clones together to `N` a minute"},
		},
	}, func(u *urfave.Context) error {
		if _, err := frame.Arguments(u, 0, 0, ""); err != nil {
			return err
		}
		signing, err := frame.OneOf(u, "signing", []string{"off", "warn", "require"})
		if err != nil {
			return err
		}
		p := tracker.Policy{Signing: signing}
		switch is, isNot := u.Bool("open"), u.Bool("closed"); {
		case is && isNot:
			return frame.Misuse("'--open' and '--closed' exclude each other")
		case is || isNot:
			p.Open = &is
		}
		if u.IsSet("pushes-per-minute") {
			n, err := frame.Number(u, "pushes-per-minute", 0, tracker.MaxPushesPerMinute)
			if err != nil {
				return err
			}
			p.Pushes = new(uint64(n))
		}
		return runTrustPolicy(u.Context, p, e)
	})
}

// unsigned counts the events of approved agents that do not count because they are
// unsigned.
func unsigned(t *tracker.Trust) (events, agents int) {
	for _, a := range t.Agents {
		if t.Signing == "require" && a.Approved && a.Revoked == nil && !a.Forked && a.Counts < a.Events {
			events, agents = events+int(a.Events-a.Counts), agents+1
		}
	}
	return events, agents
}

func runTrustPolicy(ctx context.Context, p tracker.Policy, e *command.Env) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	if !p.Nothing() {
		if e.Offline {
			return frame.Misuse("trust settings cannot be changed offline")
		}
		if err := repo.SetPolicy(ctx, p); err != nil {
			return err
		}
	}
	t, _, err := trust(ctx, e, tracker.Here)
	if err != nil {
		return err
	}
	if n := len(unapproved(t)); n > 0 && (t.Signing == "require" || !t.Open) {
		e.Warn("not-approved", fmt.Sprintf("events of %s that no admin has approved do not count", frame.Count(n, "agent")), "git crosslink trust pending")
	}
	if n, of := unsigned(t); n > 0 {
		e.Warn("not-signed", fmt.Sprintf("%s of approved agents (%d) do not count: neither they nor any later events are signed", frame.Count(n, "event"), of),
			"see which agents: git crosslink trust list", "they count again after their agent writes the next event, or with: git crosslink trust policy --signing warn")
	}
	return e.Print(ctx, frame.Result{Data: struct {
		Signing string `json:"signing"`
		Open    bool   `json:"open"`
		Pushes  uint64 `json:"pushes_per_minute"`
	}{t.Signing, t.Open, t.Pushes}, IDs: []string{t.Signing}, Page: func(pg *frame.Page) { pg.Print("%s\n", policyWords(t)) }})
}

func policyWords(t *tracker.Trust) string {
	open := "closed: only approved agents may write"
	if t.Open {
		open = "open: anybody may write"
	}
	limit := ""
	if t.Pushes > 0 {
		limit = fmt.Sprintf("; all clones together push at most %s a minute", frame.Count(int(t.Pushes), "time"))
	}
	return map[string]string{
		"off":     "signing off, signatures are not checked",
		"warn":    "signing warn, events without an approved signature count and are marked",
		"require": "signing require, events without an approved signature do not count",
	}[t.Signing] + "; " + open + limit
}
