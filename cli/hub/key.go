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
		Name: "show", Usage: "show your signing key",
		UsageText: "git crosslink key show [<options>]",
		Description: `Prints the public key of this worktree's agent as one line that you can give to an
admin. On a terminal it also prints the fingerprint, where the private key is, and
whether the hub has approved the key.

The exit status is 1 if there is no key yet.

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
		Name: "rotate", Usage: "replace your signing key",
		UsageText: "git crosslink key rotate [<options>]",
		Description: `Replaces the signing key by the key in crosslink.signingKey, or by a new key if that
is not set. The old key signs this change, and its signatures stay valid. If this
program created the old key, it is deleted. Prints the new public key.

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
		Usage:     "show or replace your signing key",
		UsageText: "git crosslink key show [<options>]\ngit crosslink key rotate [<options>]",
		Description: `An agent signs its events with a key. The first write creates one (in crosslink/keys
in the git directory, readable only by its owner), unless crosslink.signingKey names
a key file, or a public key whose private key ssh-agent has.

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
			pg.Print("    the key of an admin of this hub\n")
		case k.Approved:
			pg.Print("    approved by this hub\n")
		default:
			pg.Print("    not approved; an admin can approve it: git crosslink trust approve %s\n", k.Agent)
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
	e.Progress("'%s' now signs with %s; the old key %s signed the change", is.Agent, is.Fingerprint, was.Fingerprint)
	if was.Approved && !is.Approved {
		e.Progress("if the hub requires signatures, an admin must approve the new key")
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
		Usage:     "check a proof that one key signed two histories",
		UsageText: "git crosslink verify-proof [<options>] <file>",
		Description: `Checks a file that 'git crosslink trust show <agent> --proof <file>' wrote ('-' is
stdin). A proof consists of two different events of one agent with the same sequence
number, both signed with the same key. The command needs no repository and no
network. It prints the agent and the fingerprint of the key. Compare the fingerprint
with 'git crosslink trust show <agent>'.

The exit status is 1 if the file proves nothing.

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
		pg.Print("    the key signed two different events %d of one log\n", p.Seq)
		pg.Print("    hub %s\n", p.Hub)
	}})
}
