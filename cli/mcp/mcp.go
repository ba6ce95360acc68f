// Package mcp is the command that starts the server for AI agents.
package mcp

import (
	"fmt"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
)

// program is the server's.
const program = "git-crosslink-mcp"

var toolsets = []string{"read", "write", "admin"}

// New returns the command.
func New(t *frame.Terminal) *urfave.Command {
	return t.Command(&urfave.Command{
		Name: "mcp", Category: frame.GroupAgents,
		Usage:     "serve an AI agent that speaks the Model Context Protocol",
		UsageText: "git crosslink mcp [--toolset read|write|admin]",
		Description: `Serves one client over stdin and stdout until stdin ends. Agents that can run commands
do not need this server; they run 'git crosslink prime'.

The toolset 'read' can only read; 'write' (the default) can also change issues;
'admin' can also break locks, delete issues and sync. Each call runs one command of
git-crosslink in this directory. Text from other people is fenced and marked as data.

This command starts git-crosslink-mcp, which is installed with this program.

Examples:
  git crosslink mcp --toolset read`,
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "toolset", Usage: "tools to offer: read, write or admin", Value: "write"},
		},
	}, func(u *urfave.Context) error {
		if _, err := frame.Arguments(u, 0, 0, ""); err != nil {
			return err
		}
		set := u.String("toolset")
		if !slices.Contains(toolsets, set) {
			return frame.Misuse(fmt.Sprintf("'%s' is not a toolset: use read, write or admin", set))
		}
		return t.Launch(u.Context, "no-mcp", program, []string{"--toolset", set})
	})
}
