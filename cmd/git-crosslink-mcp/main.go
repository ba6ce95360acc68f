// Command git-crosslink-mcp offers the tracker of a repository to AI agents over
// the Model Context Protocol; `git crosslink mcp` starts it.
package main

import (
	"os"

	"github.com/git-crosslink/git-crosslink/mcp"
)

func main() { os.Exit(mcp.Main(os.Args)) }
