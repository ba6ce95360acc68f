package testkit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"
)

// Build builds programs of cmd/ into a directory, with the race detector if this test has it.
func Build(dir string, names ...string) error {
	args := []string{"build", "-trimpath", "-buildvcs=false", "-tags", "urfave_cli_no_docs", "-ldflags=-s -w", "-o", dir + string(filepath.Separator)}
	cgo := "CGO_ENABLED=0"
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args, cgo = append(args, "-race"), "CGO_ENABLED=1"
	}
	for _, name := range names {
		args = append(args, "github.com/git-crosslink/git-crosslink/cmd/"+name)
	}
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), cgo)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// Programs are the tests of a package that runs programs of cmd/. A test program that
// is called by their names would do the same, but takes twice as long to start.
type Programs struct {
	*testing.M
	Names []string
}

// Run builds the programs, puts them on PATH and runs the tests.
func (p Programs) Run() int {
	dir, err := os.MkdirTemp("", "programs-*")
	if err == nil {
		defer os.RemoveAll(dir)
		err = Build(dir, p.Names...)
	}
	if err == nil {
		err = os.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return p.M.Run()
}
