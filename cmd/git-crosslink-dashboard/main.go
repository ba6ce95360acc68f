// Command git-crosslink-dashboard watches many projects and shows them in a
// browser; `git crosslink dashboard …` starts it.
package main

import (
	"os"

	"github.com/git-crosslink/git-crosslink/dashboard/cli"
)

func main() { os.Exit(cli.Main(os.Args)) }
