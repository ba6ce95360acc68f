package hub

import (
	"context"
	"fmt"
	"io"
	"os"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func newKeyCommand(e *command.Env) *urfave.Command {
	show := e.Command(&urfave.Command{
		Name: "show", Usage: "show the key you sign with here",
		UsageText: "git crosslink key show [<options>]",
		Description: `Prints the public key that this worktree's agent signs with: one line, to be
given to an admin. On a terminal also its fingerprint, where the private half is,
and whether the hub has approved it.

The exit status is 1 while there is none.

Examples:
  git crosslink key show
  git crosslink key show --json`,
	}, func(u *urfave.Context) error {
		if _, err := frame.Arguments(u, 0, 0, ""); err != nil {
			return err
		}
		return runKeyShow(u.Context, e)
	})
	rotate := e.Command(&urfave.Command{
		Name: "rotate", Usage: "sign with a new key from now on",
		UsageText: "git crosslink key rotate [<options>]",
		Description: `Puts a new key in the place of the one in force: the one that the setting
crosslink.signingKey names, else one that is made. The old one signs that it
goes, and what it signed stays signed. A key that was made is deleted when it is
replaced. Prints the new public key.

Examples:
  git crosslink key rotate
  git config crosslink.signingKey ~/.ssh/id_ed25519 && git crosslink key rotate`,
	}, func(u *urfave.Context) error {
		if _, err := frame.Arguments(u, 0, 0, ""); err != nil {
			return err
		}
		return runKeyRotate(u.Context, e)
	})
	return &urfave.Command{
		Name: "key", Category: frame.GroupTrust, HideHelp: true,
		Usage:     "see and change the key you sign with",
		UsageText: "git crosslink key show [<options>]\ngit crosslink key rotate [<options>]",
		Description: `An agent signs what it writes, with a key that its first write makes for it
(in the git directory, crosslink/keys, readable by its owner alone) or with the
one that the setting crosslink.signingKey names: a key file, or a public key
whose other half ssh-agent holds.

Examples:
  git crosslink key show`,
		Subcommands: []*urfave.Command{show, rotate},
	}
}

func runKeyShow(ctx context.Context, e *command.Env) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	k, err := repo.Key(ctx)
	if err != nil {
		return err
	}
	return e.Print(ctx, frame.Result{Data: k, IDs: []string{k.Key}, Page: func(pg *frame.Page) {
		pg.Print("%s\n", k.Key)
		if !e.Human() {
			return
		}
		pg.Print("    %s\n", k.Fingerprint)
		pg.Print("    of '%s', in %s\n", k.Agent, k.Where)
		switch {
		case k.Admin:
			pg.Print("    an admin's of this hub\n")
		case k.Approved:
			pg.Print("    approved by this hub\n")
		default:
			pg.Print("    not approved; an admin does it: git crosslink trust approve %s\n", k.Agent)
		}
	}})
}

func runKeyRotate(ctx context.Context, e *command.Env) error {
	repo, err := e.Repository(ctx)
	if err != nil {
		return err
	}
	was, is, err := repo.RotateKey(ctx)
	if err != nil {
		return err
	}
	e.Progress("'%s' signs with %s from now on; %s has signed that it goes", is.Agent, is.Fingerprint, was.Fingerprint)
	if was.Approved && !is.Approved {
		e.Progress("its steps of the ledger count where signatures are required once an admin lists the key")
		e.ProgressHint(fmt.Sprintf("git crosslink trust approve %s", is.Agent))
	}
	return e.Print(ctx, frame.Result{Data: struct {
		Was *tracker.AgentKey `json:"was"`
		Key *tracker.AgentKey `json:"key"`
	}{was, is}, IDs: []string{is.Key}})
}

func newVerifyProofCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "verify-proof", Category: frame.GroupTrust,
		Usage:     "check a proof that an agent's log has forked",
		UsageText: "git crosslink verify-proof [<options>] <file>",
		Description: `Checks a file that 'git crosslink trust show <agent> --proof <file>' wrote ('-' is
standard input): two lines of one agent with one sequence number that say
different things, both signed by one key. It needs no repository and no network.
Prints the agent and the fingerprint of the key: whether that key is the agent's,
'git crosslink trust show <agent>' says.

The exit status is 1 if it proves nothing.

Examples:
  git crosslink verify-proof proof.json`,
	}, func(u *urfave.Context) error {
		args, err := frame.Arguments(u, 1, 1, "one file")
		if err != nil {
			return err
		}
		return runVerifyProof(u.Context, args[0], e)
	})
}

func runVerifyProof(ctx context.Context, file string, e *command.Env) error {
	in := e.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return frame.Unreadable(file, err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, tracker.MaxProof+1))
	if err != nil {
		return frame.Unreadable(file, err)
	}
	p, err := tracker.VerifyProof(b)
	if err != nil {
		return err
	}
	return e.Print(ctx, frame.Result{Data: p, IDs: []string{p.Agent}, Page: func(pg *frame.Page) {
		pg.Print("%s  %s\n", pg.Paint(frame.Agent, p.Agent), p.Fingerprint)
		pg.Print("    the key signed two events %d of one log that say different things\n", p.Seq)
		pg.Print("    hub %s\n", p.Hub)
	}})
}
