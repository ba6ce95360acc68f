// Command manpage writes the manual into man/: the pages of the command line
// from the texts of help, gitcrosslink-format(5), gitcrosslink-json(7) and git-remote-crosslink(1) from
// pages of docs/. It is not installed.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/git-crosslink/git-crosslink/cli"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/internal/messages"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run writes the pages into man/, removes all other files there, and writes
// docs/messages.md.
func run(root string) error {
	pages, err := all(root)
	if err != nil {
		return err
	}
	dir := filepath.Join(root, "man")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for _, p := range pages {
		if err := os.WriteFile(filepath.Join(dir, p.Name), []byte(p.Roff), 0o644); err != nil {
			return err
		}
	}
	list, err := messageList(root)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, "docs", "messages.md"), []byte(list), 0o644)
}

// messageList returns the text of docs/messages.md.
func messageList(root string) (string, error) {
	source, err := messages.Read(root)
	if err != nil {
		return "", err
	}
	explained, err := os.ReadFile(filepath.Join(root, "docs", "troubleshooting.md"))
	if err != nil {
		return "", err
	}
	return messages.Page(source.All(), messages.Explanations(string(explained))), nil
}

// all returns all pages of the manual.
func all(root string) ([]frame.ManPage, error) {
	pages := cli.ManPages()
	for _, d := range documents {
		text, err := os.ReadFile(filepath.Join(root, "docs", d.file))
		if err != nil {
			return nil, err
		}
		pages = append(pages, frame.ManPage{Name: d.name + "." + d.section, Roff: d.roff(string(text))})
	}
	return pages, nil
}
