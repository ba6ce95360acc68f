package cli

import (
	"context"
	"runtime"
	"runtime/debug"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
)

type versionOptions struct{ build bool }

// versionShape is version in JSON.
type versionShape struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Commit   string `json:"commit"`
	Modified bool   `json:"modified"`
}

func newVersionCommand(e *command.Env) *urfave.Command {
	return e.Command(&urfave.Command{
		Name: "version", Category: frame.GroupRest,
		Usage:     "print the version",
		UsageText: "git crosslink version [--build-options]",
		Description: `Prints the version.

Examples:
  git crosslink version --build-options`,
		Flags: []urfave.Flag{
			&urfave.BoolFlag{Name: "build-options", Usage: "also print how the program was built"},
		},
	}, func(u *urfave.Context) error {
		if _, err := frame.Arguments(u, 0, 0, ""); err != nil {
			return err
		}
		return runVersion(versionOptions{u.Bool("build-options")}, e)
	})
}

func runVersion(opts versionOptions, e *command.Env) error {
	v := versionShape{Version: Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Commit = s.Value
			case "vcs.modified":
				v.Modified = s.Value == "true"
			}
		}
	}
	return e.Print(context.Background(), frame.Result{Data: v, IDs: []string{v.Version}, Page: func(pg *frame.Page) {
		pg.Print("git crosslink version %s\n", v.Version)
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
