// Command git-crosslink is the tracker's command line: git runs it for
// `git crosslink …`.
package main

import (
	"os"

	"github.com/git-crosslink/git-crosslink/cli"
)

func main() { os.Exit(cli.Main(os.Args)) }
