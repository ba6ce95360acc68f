package frame

import (
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// Examples returns the command lines below "Examples:" in the texts of help, and so in the
// manual, by the command that they explain.
func Examples(root *urfave.Command) map[string][]string {
	all := map[string][]string{}
	var walk func(cs []*urfave.Command)
	walk = func(cs []*urfave.Command) {
		for _, c := range cs {
			_, examples, _ := strings.Cut(c.Description, "Examples:\n")
			for line := range strings.Lines(examples) {
				if text, ok := strings.CutPrefix(line, "  "); ok {
					all[CommandName(c)] = append(all[CommandName(c)], strings.TrimSpace(text))
				}
			}
			walk(c.Subcommands)
		}
	}
	walk(root.Subcommands)
	return all
}
