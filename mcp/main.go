package mcp

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/git-crosslink/git-crosslink/cli/launch"
	"github.com/git-crosslink/git-crosslink/internal/version"
)

const usage = "usage: git-crosslink-mcp [--toolset read|write|admin] [-C <dir>]\n"

// Main serves one client over stdin and stdout until stdin ends, and returns the
// exit status.
func Main(argv []string) int {
	o := Options{Version: version.Current().Version}
	f := flag.NewFlagSet("git-crosslink-mcp", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.Set, "toolset", "write", "")
	f.StringVar(&o.Dir, "C", "", "")
	version := f.Bool("version", false, "")
	if err := f.Parse(argv[1:]); errors.Is(err, flag.ErrHelp) {
		fmt.Print(usage)
		return 129
	} else if err != nil || f.NArg() > 0 {
		if err == nil {
			err = fmt.Errorf("'%s' is one word too many", f.Arg(0))
		}
		fmt.Fprintf(os.Stderr, "error: %v\n%s", strings.TrimPrefix(err.Error(), "flag: "), usage)
		return 129
	}
	if *version {
		fmt.Println("git-crosslink-mcp " + o.Version)
		return 0
	}
	program, err := launch.Find("git-crosslink")
	if err != nil {
		fmt.Fprintln(os.Stderr, "error: git-crosslink is neither beside this program nor on PATH")
		return 128
	}
	o.Program = program
	s, err := NewServer(o)
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n%s", err, usage)
		return 129
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := s.Run(ctx, &transport{os.Stdin, os.Stdout}); err != nil && !errors.Is(err, io.EOF) && ctx.Err() == nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		return 128
	}
	return 0
}
