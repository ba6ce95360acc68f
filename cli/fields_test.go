package cli

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
)

// TestEveryListAndWriteHasFields: what answers with a list, or writes something
// that has a shape, takes --fields, and a list takes --limit.
func TestEveryListAndWriteHasFields(t *testing.T) {
	page, err := os.ReadFile("../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	root := tree(&command.Env{Terminal: &frame.Terminal{}})
	without := []string{"dashboard list", "comment edit", "comment delete", "agent describe", "agent retire", "ci report", "session end"} // another shape, or small
	row := regexp.MustCompile("^\\| (?:`[a-z]+`: )?(`[^|]+`) \\| (array|write, with)")
	quoted := regexp.MustCompile("`([a-z -]+)`")
	_, table, found := strings.Cut(string(page), "## data, command by command")
	if table, _, _ = strings.Cut(strings.TrimSpace(table), "\n\n"); !found {
		t.Fatal("the table is gone")
	}
	seen := 0
	for line := range strings.Lines(table) {
		m := row.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		for _, name := range quoted.FindAllStringSubmatch(m[1], -1) {
			c := root
			for word := range strings.FieldsSeq(name[1]) {
				if strings.HasPrefix(word, "-") {
					break
				}
				if c = c.Command(word); c == nil {
					break
				}
			}
			if c == nil || slices.Contains(without, name[1]) {
				continue
			}
			seen++
			isWrite := m[2] != "array"
			if !isWrite && name[1] != "show" && name[1] != "trust approve" && !slices.ContainsFunc(c.Flags, func(f urfave.Flag) bool { return slices.Contains(f.Names(), "limit") }) {
				t.Errorf("'%s' has no --limit", name[1])
			}
			if !slices.ContainsFunc(c.Flags, func(f urfave.Flag) bool { return slices.Contains(f.Names(), "fields") }) {
				t.Errorf("'%s' has no --fields", name[1])
			}
		}
	}
	if seen < 40 {
		t.Errorf("%d commands seen", seen)
	}
}
