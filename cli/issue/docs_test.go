package issue

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli/frame"
)

// TestLinesAreDocumented: docs/json.md names the fields of records and formats.
func TestLinesAreDocumented(t *testing.T) {
	b, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	section := func(from, to string) string {
		t.Helper()
		_, rest, ok := strings.Cut(page, from)
		if !ok {
			t.Fatalf("%q is missing", from)
		}
		part, _, _ := strings.Cut(rest, to)
		return part
	}
	if got, want := section("| `list`, `search`, `ready`, `blocked`, `next` | number", "|"), strings.TrimPrefix(strings.Join(porcelainFields, ", "), "number")+" "; got != want {
		t.Errorf("porcelain: %q, want %q", got, want)
	}
	var named []string
	for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(section("fields of issues:", "The other lists"), -1) {
		named = append(named, m[1])
	}
	slices.Sort(named)
	if !slices.Equal(named, fieldNames()) {
		t.Errorf("format: %q, want %q", named, fieldNames())
	}
	for _, m := range frame.DateModifiers {
		if !strings.Contains(page, "`:"+m+"`") {
			t.Errorf("modifiers: %q is missing", "`:"+m+"`")
		}
	}
	if !strings.Contains(page, "a page for people holds "+strconv.Itoa(pageLimit)) {
		t.Errorf("limit: %q is missing", "a page for people holds "+strconv.Itoa(pageLimit))
	}
}
