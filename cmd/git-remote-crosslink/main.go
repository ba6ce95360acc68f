// Command git-remote-crosslink is what git starts for 'crosslink::' URLs. They
// are not supported yet, and it says so instead of letting git guess.
package main

import (
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Stderr)) }

// run writes to stderr only: stdout belongs to the conversation with git.
func run(stderr io.Writer) int {
	fmt.Fprintln(stderr, "git-remote-crosslink: 'crosslink::' URLs are not supported yet; use the plain URL")
	return 128
}
