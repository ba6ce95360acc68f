package cli

import (
	"context"
	"runtime"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/internal/version"
)

type versionOptions struct{ build, check bool }

// versionShape is version in JSON.
type versionShape struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Commit   string `json:"commit"`
	Modified bool   `json:"modified"`
	Releases string `json:"releases"`
}

func newVersionCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "version", Category: frame.GroupRest,
		Usage:     "print the version",
		UsageText: "git crosslink version [--build-options] [--check]",
		Description: `Prints the version. The program never looks for a newer one: it contacts
no server but your hub. --check prints the command that lists the releases.

Examples:
  git crosslink version --build-options
  git crosslink version --check`,
		Flags: []urfave.Flag{
			&urfave.BoolFlag{Name: "build-options", Usage: "also print how the program was built"},
			&urfave.BoolFlag{Name: "check", Usage: "also print how to look for a newer version"},
		},
	}, func(u *urfave.Context) error {
		if _, err := frame.Arguments(u, 0, 0, ""); err != nil {
			return err
		}
		return runVersion(versionOptions{build: u.Bool("build-options"), check: u.Bool("check")}, e)
	})
}

func runVersion(opts versionOptions, e *command.Env) error {
	b := version.Current()
	v := versionShape{Version: b.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Commit: b.Commit, Modified: b.Modified, Releases: version.Releases}
	return e.Print(context.Background(), frame.Result{Data: v, IDs: []string{v.Version}, Page: func(pg *frame.Page) {
		pg.Print("git crosslink version %s\n", v.Version)
		if opts.check {
			pg.Print("list the releases: git ls-remote --tags %s 'v*'\n", v.Releases)
		}
		if !opts.build {
			return
		}
		pg.Print("platform: %s\nbuilt with: %s\n", v.Platform, v.Go)
		switch {
		case v.Commit == "":
		case v.Modified:
			pg.Print("built from commit: %s, modified\n", v.Commit)
		default:
			pg.Print("built from commit: %s\n", v.Commit)
		}
	}})
}
