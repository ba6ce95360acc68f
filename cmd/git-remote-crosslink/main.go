// Command git-remote-crosslink is what git starts for remotes that carry the
// tracker along; package helper says how.
package main

import (
	"os"

	"github.com/git-crosslink/git-crosslink/helper"
)

func main() { os.Exit(helper.Main(os.Args, os.Stdin, os.Stdout, os.Stderr)) }
