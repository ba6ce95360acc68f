package hub

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func newTrustCommand(e *command.Env) *urfave.Command {
	return &urfave.Command{
		Name: "trust", Category: frame.GroupTrust, HideHelp: true,
		Usage: "see and decide who may write to the hub",
		UsageText: "git crosslink trust show [<options>] [<agent>]\ngit crosslink trust list [<options>]\ngit crosslink trust pending [<options>]\n" +
			"git crosslink trust approve [<options>] <agent>…\ngit crosslink trust revoke [<options>] <agent>\ngit crosslink trust policy [<options>]",
		Description: `Agents sign their events. The branch 'crosslink/meta' on the hub lists the approved
keys, the policy for events that no approved key signed, and the admins, who may
change this list. The first admin is the creator of the hub. Each clone checks all
signatures, and ignores changes to this branch that no admin signed.

Examples:
  git crosslink trust pending
  git crosslink trust approve bob-box-cd3e
  git crosslink trust policy --signing require`,
		Subcommands: []*urfave.Command{newTrustShow(e), newTrustList(e), newTrustPending(e), newTrustApprove(e), newTrustRevoke(e), newTrustPolicy(e)},
	}
}

func newTrustShow(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "show", Usage: "show the policy and the admins, or one agent",
		UsageText: "git crosslink trust show [<options>] [<agent>]",
		Description: `Without an agent it prints the id of the hub, a fingerprint of the trust settings (two
people who see the same fingerprint have the same settings), the policy and the
admins. With --json it also has all agents, as 'trust list'; --limit and --after choose
a part of them.

With an agent it prints its keys, how many of its events count, how many are signed,
and whether it is revoked or forked. If one key signed two histories, --proof writes
the proof to a new file. 'git crosslink verify-proof' checks the file anywhere.

Examples:
  git crosslink trust show
  git crosslink trust show bob-box-cd3e
  git crosslink trust show bob-box-cd3e --proof proof.json`,
		Flags: append([]urfave.Flag{&urfave.StringFlag{Name: "proof", Usage: "write the proof that one key signed two histories to `FILE`"}}, frame.PartFlags()...),
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 0, 1, "at most one agent")
		if err != nil {
			return err
		}
		switch {
		case len(args) == 0 && u.IsSet("proof"):
			return frame.Misuse("'--proof' needs an agent")
		case len(args) == 0:
			l, err := frame.PartOf(u)
			if err != nil {
				return err
			}
			return runTrustShow(u.Context, l, e)
		case u.IsSet("limit") || u.IsSet("after"):
			return frame.Misuse("'--limit' and '--after' are for the agents of the hub, not for one agent")
		case u.IsSet("proof"):
			return runTrustProof(u.Context, args[0], u.String("proof"), e)
		}
		return runTrustAgent(u.Context, args[0], e)
	})
}

// trust reads who may write, after contacting the hub; name returns the name of an agent.
func trust(ctx context.Context, e *command.Env, wish tracker.Freshness) (t *tracker.Trust, name func(id string) string, err error) {
	err = e.Read(ctx, wish, func(repo *command.Repository, p tracker.Projection) (err error) {
		t, err = repo.Trust(ctx)
		name = answer.New(p).Names.Name
		return err
	})
	return t, name, err
}

func runTrustShow(ctx context.Context, l frame.List, e *command.Env) error {
	t, _, err := trust(ctx, e, tracker.Here)
	if err != nil {
		return err
	}
	from, to, cut, err := l.Part("agent", len(t.Agents), func(k int) string { return t.Agents[k].Agent })
	if err != nil {
		return err
	}
	data := *t
	data.Agents = t.Agents[from:to]
	return e.Print(ctx, frame.Result{Data: data, Cut: cut, IDs: []string{t.Hash}, Page: func(pg *frame.Page) {
		pg.Print("hub %s\n", t.Hub)
		pg.Line("    ", "fingerprint: %s, version %d of the trust settings", t.Hash, t.Seq)
		pg.Line("    ", "policy: %s", policyWords(t))
		if len(t.Admins) == 0 {
			pg.Line("    ", "admins: none, so anybody can become one")
		} else {
			pg.Line("    ", "admins: %s", strings.Join(t.Admins, ", "))
		}
		if t.Admin {
			pg.Line("    ", "you are an admin")
		}
		if n := len(unapproved(t)); n > 0 {
			pg.Line("    ", "%s not approved: git crosslink trust pending", frame.Count(n, "agent"))
		}
		for _, r := range t.Refused {
			pg.Line("    ", "%s %s", pg.Paint(frame.Problem, "refused:"), r)
		}
	}})
}

func runTrustProof(ctx context.Context, agent, file string, e *command.Env) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	p, err := repo.ProofOf(ctx, agent)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err == nil {
		_, err = f.Write(p.File)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}
	if err != nil {
		return frame.Fatal("file", fmt.Sprintf("cannot write '%s': %s", file, strings.ToLower(frame.UnwrapPath(err))))
	}
	e.Progress("wrote the proof to '%s'", file)
	e.ProgressHint("git crosslink verify-proof " + file)
	return e.Print(ctx, frame.Result{Data: p, IDs: []string{p.Agent}})
}

func runTrustAgent(ctx context.Context, id string, e *command.Env) error {
	t, name, err := trust(ctx, e, tracker.Here)
	if err != nil {
		return err
	}
	k := slices.IndexFunc(t.Agents, func(a tracker.TrustAgent) bool { return a.Agent == id })
	if k < 0 {
		return frame.No("no-agent", fmt.Sprintf("there is no agent '%s' here", id), "list agents: git crosslink trust list")
	}
	a := t.Agents[k]
	return e.Print(ctx, frame.Result{Data: a, IDs: []string{a.Agent}, Page: func(pg *frame.Page) {
		pg.Print("%s\n", pg.Paint(frame.Agent, a.Agent))
		if n := name(a.Agent); n != "" {
			pg.Line("    ", "name: %s", n)
		}
		pg.Line("    ", "%s", standing(a))
		for _, k := range a.Keys {
			pg.Line("    ", "key %s", k.Fingerprint)
		}
		pg.Line("    ", "%s, %d count, %d signed", frame.Count(int(a.Events), "event"), a.Counts, a.Signed)
		if a.Ends != "" {
			pg.Line("    ", "%s %s", pg.Paint(frame.Problem, fmt.Sprintf("events after event %d are ignored:", a.Counts)), ruleWords(a.Ends))
		}
		if a.Lapsed {
			pg.Line("    ", "%s", pg.Paint(frame.Problem, fmt.Sprintf("its events are signed up to event %d, and later ones are not: %s", a.Signed, ruleWords(a.Mark))))
		}
		if a.Revoked != nil && a.Revoked.Reason != "" {
			pg.Line("    ", "revoked for: %s", a.Revoked.Reason)
		}
		if a.Forked {
			pg.Line("    ", "%s one key signed two histories: git crosslink trust show %s --proof <file>", pg.Paint(frame.Problem, "forked:"), a.Agent)
		}
	}})
}

// standing describes the state of an agent, in a word or two.
func standing(a tracker.TrustAgent) string {
	switch {
	case a.Revoked != nil:
		return "revoked"
	case a.Forked:
		return "forked"
	case a.Admin && a.Approved:
		return "admin"
	case a.Approved && a.Lapsed:
		return "approved, no longer signing"
	case a.Approved:
		return "approved"
	}
	return "not approved"
}

// ruleWords describes the rules of trust for people; other rules keep their names.
func ruleWords(rule string) string {
	if w := answer.MarkWords[rule]; w != "" {
		return w
	}
	if w := map[string]string{
		"not-admitted": "the hub admits only approved agents", "revoked": "revoked",
		"revoked-hash": "another log than the one that was revoked", "forked": "forked", "unread": "not judged yet",
	}[rule]; w != "" {
		return w
	}
	return rule
}

func newTrustList(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "list", Usage: "list the agents and their trust",
		UsageText: "git crosslink trust list [<options>]",
		Description: `Lists the agents with their state, how many of their events count, and the
fingerprints of their keys. In a pipe the fields are agent, state, events that count,
all events, signed events and fingerprints.

Examples:
  git crosslink trust list
  git crosslink trust list --json`,
		Flags: frame.ListFlags(),
	}, func(u *urfave.Context) error {
		return runTrustList(u, false, e)
	})
}

func newTrustPending(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "pending", Usage: "list the agents that wait for approval",
		UsageText: "git crosslink trust pending [<options>]",
		Description: `Lists the agents whose key no admin has approved, with the fingerprint of the key in
their log. Compare it with the output of 'git crosslink key show' on the agent's
machine. In a pipe the fields are those of 'trust list'.

The exit status is 1 if no agent waits.

Examples:
  git crosslink trust pending
  git crosslink trust approve --all`,
		Flags: frame.ListFlags(),
	}, func(u *urfave.Context) error { return runTrustList(u, true, e) })
}

// unapproved returns the agents that can be approved.
func unapproved(t *tracker.Trust) []tracker.TrustAgent {
	all := []tracker.TrustAgent{}
	for _, a := range t.Agents {
		if !a.Approved && a.Revoked == nil {
			all = append(all, a)
		}
	}
	return all
}

func runTrustList(u *urfave.Context, pending bool, e *command.Env) error {
	l, err := frame.ListAlone[tracker.TrustAgent](u, e.Terminal)
	if err != nil {
		return err
	}
	t, name, err := trust(u.Context, e, tracker.Here)
	if err != nil {
		return err
	}
	rows := t.Agents
	if pending {
		rows = unapproved(t)
	}
	a, err := frame.ResultOf(l, "agent", rows, func(_ int, x *tracker.TrustAgent) frame.ListRow {
		return frame.ListRow{Key: x.Agent, ID: x.Agent, Fields: []string{x.Agent, standing(*x), strconv.FormatUint(x.Counts, 10),
			strconv.FormatUint(x.Events, 10), strconv.FormatUint(x.Signed, 10), prints(*x)}}
	}, func(pg *frame.Page, from, to int) {
		trustTable(pg, rows[from:to], name)
		if pending && t.Admin && pg.Width > 0 && from < to {
			pg.Line("", "%s", pg.Paint(frame.Note, "approve a key that is right: git crosslink trust approve "+rows[from].Agent))
		}
	})
	if err != nil {
		return err
	}
	if pending && len(rows) == 0 {
		a.Nothing, a.Failure = "", frame.AnswersNo("none-pending", "no agent waits for approval")
	}
	return e.Print(u.Context, a)
}

func prints(a tracker.TrustAgent) string {
	var all []string
	for _, k := range a.Keys {
		all = append(all, k.Fingerprint)
	}
	return strings.Join(all, " ")
}

func trustTable(pg *frame.Page, rows []tracker.TrustAgent, name func(id string) string) {
	t := &frame.Table{Header: []string{"agent", "standing", "events", "name"}, Flex: 0, Shrink: []int{3}, Drop: []int{2, 1}}
	for _, x := range rows {
		n := strconv.FormatUint(x.Events, 10)
		if x.Counts < x.Events {
			n = fmt.Sprintf("%d of %d", x.Counts, x.Events)
		}
		how := frame.Plain
		if x.Revoked != nil || x.Forked || x.Lapsed {
			how = frame.Problem
		}
		cells := []frame.Cell{frame.Agent.Cell(x.Agent), how.Cell(standing(x)), frame.Plain.Cell(n)}
		if pg.Width > 0 {
			cells = append(cells, frame.Agent.Cell(name(x.Agent)))
		}
		t.Add(cells...)
		t.Notes = append(t.Notes, prints(x)) // the whole fingerprint, so that it can be compared
	}
	t.Write(pg)
}

func newTrustApprove(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "approve", Usage: "approve the keys of agents",
		UsageText: "git crosslink trust approve [<options>] <agent>…\ngit crosslink trust approve [<options>] --all",
		Description: `Approves the key in an agent's log, so that events signed with it count as signed.
--key approves another key, also for an agent that has not written yet. This needs
the key of an admin and contacts the hub. Prints the approved agents.

Examples:
  git crosslink trust approve bob-box-cd3e
  git crosslink trust approve ci-build --key 'ssh-ed25519 AAAA…'
  git crosslink trust approve carol-box-ef4g --admin`,
		Flags: []urfave.Flag{
			&urfave.BoolFlag{Name: "all", Usage: "all agents that wait for approval"},
			&urfave.StringFlag{Name: "key", Usage: "the agent's public `KEY`, one line of OpenSSH"},
			&urfave.BoolFlag{Name: "admin", Usage: "also make the agent an admin"},
		},
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 0, -1, "an agent")
		if err != nil {
			return err
		}
		o := tracker.Approve{Agents: args, All: u.Bool("all"), Key: u.String("key"), Admin: u.Bool("admin")}
		switch {
		case o.All == (len(args) > 0):
			return frame.Misuse("'approve' needs agents, or '--all'", "list agents that wait for approval: git crosslink trust pending")
		case o.Key != "" && len(args) != 1:
			return frame.Misuse("'--key' is for one agent")
		}
		return runTrustApprove(u.Context, o, e)
	})
}

func runTrustApprove(ctx context.Context, o tracker.Approve, e *command.Env) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	if e.Offline {
		return frame.Misuse("trust settings cannot be changed offline")
	}
	done, err := repo.Approve(ctx, o)
	if err != nil {
		return err
	}
	a := frame.Result{Data: append([]tracker.Approved{}, done...)}
	for _, x := range done {
		a.IDs = append(a.IDs, x.Agent)
		if x.Already {
			e.Progress("'%s' is already approved, with the key %s", x.Agent, x.Fingerprint)
		} else {
			e.Progress("approved '%s' with the key %s", x.Agent, x.Fingerprint)
		}
	}
	if len(done) == 0 {
		e.Progress("no agent waits for approval")
	}
	return e.Print(ctx, a)
}

func newTrustRevoke(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "revoke", Usage: "ignore an agent's further events",
		UsageText: "git crosslink trust revoke [<options>] <agent>",
		Description: `Ends an agent's log: the events that count now still count, later events are ignored,
and its key is no longer trusted. --after ends the log earlier, after the event with
that number; 0 ends it before the first event. A revocation is permanent: revoking
the agent again can only end the log earlier. On a terminal the command asks first.
Decisions of the ledger stay. If one key signed two histories, the history that this
clone shows is the one that counts. This needs the key of an admin and contacts the
hub. Prints the agent.

Examples:
  git crosslink trust revoke bob-box-cd3e --reason 'the box was stolen'
  git crosslink trust revoke bob-box-cd3e --after 12`,
		Flags: []urfave.Flag{
			frame.YesFlag(),
			&urfave.StringFlag{Name: "after", Usage: "the `NUMBER` of the last event that counts"},
			&urfave.StringFlag{Name: "reason", Usage: "give `TEXT` as the reason"},
		},
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 1, 1, "one agent")
		if err != nil {
			return err
		}
		var after *uint64
		if u.IsSet("after") {
			n, err := strconv.ParseUint(u.String("after"), 10, 53)
			if err != nil {
				return frame.Misuse(fmt.Sprintf("'%s' is not the number of an event", u.String("after")))
			}
			after = &n
		}
		return runTrustRevoke(u.Context, args[0], after, u.String("reason"), u.Bool("yes"), e)
	})
}

// revokedShape is the answer of 'trust revoke'.
type revokedShape struct {
	*tracker.TrustRevocation
	Already bool `json:"already"`
}

func runTrustRevoke(ctx context.Context, agent string, after *uint64, reason string, yes bool, e *command.Env) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	if e.Offline {
		return frame.Misuse("trust settings cannot be changed offline")
	}
	t, _, err := trust(ctx, e, tracker.Fresh)
	if err != nil {
		return err
	}
	if k := slices.IndexFunc(t.Agents, func(a tracker.TrustAgent) bool { return a.Agent == agent }); k >= 0 {
		if was := t.Agents[k].Revoked; was != nil && (after == nil || *after == was.After) {
			e.Progress("'%s' is already revoked after event %d", agent, was.After)
			return e.Print(ctx, frame.Result{Data: revokedShape{was, true}, IDs: []string{agent}})
		}
	}
	if err := e.Confirm(yes, "revoke '"+agent+"'? It cannot be undone: the agent's further events are ignored", "nobody was revoked"); err != nil {
		return err
	}
	r, err := repo.Revoke(ctx, agent, after, reason)
	if err != nil {
		return err
	}
	e.Progress("revoked '%s' after event %d", agent, r.After)
	return e.Print(ctx, frame.Result{Data: revokedShape{r, false}, IDs: []string{agent}})
}
