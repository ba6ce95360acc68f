package clone

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust/keys"
)

// Identity returns the identity under which this worktree writes.
func (c *Clone) Identity() agents.Identity {
	return agents.Identity{File: filepath.Join(c.Outer.GitDir, "crosslink", "identity"), Environ: c.Environ, Config: c.Conf}
}

// Getenv returns a variable of the environment, "" if it is not set.
func (c *Clone) Getenv(name string) string { return keys.Getenv(c.Environ, name) }

// MayName sets the id to write under, and returns an error if there is none and none may be
// created. It creates none itself, because the hub has not been contacted yet.
func (c *Clone) MayName() (err error) {
	if err := c.CheckCommitter(); err != nil {
		return err
	}
	c.Agent, err = c.Identity().MayWrite()
	return err
}

// SettleAgent returns the id to write under, and creates one if there is none yet.
func (c *Clone) SettleAgent(context.Context) (string, error) {
	if err := c.MayName(); err != nil || c.Agent != "" {
		return c.Agent, err
	}
	is, err := c.Identity().Settle()
	if err != nil {
		return "", err
	}
	n := fail.Notice{Code: "new-agent", Text: fmt.Sprintf("you write here as '%s'", is.Agent)}
	if name, _ := c.Identity().Name(c.Identity().Kind()); name != "" {
		n.Text += " (" + name + ")"
	}
	switch {
	case is.Was != "":
		n = fail.Notice{Code: "copied-clone/here",
			Text: fmt.Sprintf("this repository is a copy of one that writes as '%s'; here you write as '%s'", is.Was, is.Agent)}
	case c.Signer().MakeFirst(is.Agent):
		n.Code, n.Text = "new-agent/key", n.Text+", signing with a key made for it"
	}
	c.Notice(n)
	return is.Agent, nil
}

// Committer returns the address of commits that are written here; "" means the one made
// from the agent's id.
func (c *Clone) Committer() string { return c.Config("crosslink.committer") }

// CheckCommitter refuses an address that a commit cannot contain.
func (c *Clone) CheckCommitter() error {
	address := c.Committer()
	if address == "" || refs.ValidAddress(address) {
		return nil
	}
	return &fail.Error{Kind: fail.Denied, Code: "committer", Message: fmt.Sprintf("crosslink.committer is '%s', which is not a usable email address", fail.Truncate(address))}
}

// MintUUID creates a uuid v4 whose first 7 hex digits contain a letter, so that its short
// form is never taken for a number.
func (c *Clone) MintUUID() event.UUID {
	for {
		if u := uuid.New(); strings.ContainsAny(u.String()[:7], "abcdef") {
			return u
		}
	}
}
