package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// dump writes issues as gh prints them, with four comments each.
func dump(path string, issues int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	for i := range issues {
		var comments []string
		for c := range 4 {
			comments = append(comments, fmt.Sprintf(`{"id":"c%d-%d","author":{"login":"bea"},"body":"%s","createdAt":"2026-01-02T00:00:00Z"}`, i, c, usual))
		}
		fmt.Fprintf(w, `{"number":%d,"title":"issue %d","body":"%s","state":"OPEN","author":{"login":"ann"},"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-02T00:00:00Z","url":"https://example.org/o/r/issues/%[1]d","comments":[%[4]s]}`+"\n",
			i+1, i+1, usual, strings.Join(comments, ","))
	}
	return w.Flush()
}

// importMany returns the processor time of importing 10,000 issues with 40,000 comments
// into a new tracker and sending them to its hub.
func (b *bench) importMany() (measurement, error) {
	w, err := b.world()
	if err != nil {
		return measurement{}, err
	}
	path := filepath.Join(w.top(), "issues.json")
	if err := dump(path, 10_000); err != nil {
		return measurement{}, err
	}
	c, err := only(w.cmd("import", "github", path, "--scope", "o/r", "-q")).once()
	return value(c.cpu.Seconds(), err)
}
