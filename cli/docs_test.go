package cli

import (
	"cmp"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
)

func page1(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// section is the part of a page from a heading to the next one, or from a
// table's head to its end.
func section(t *testing.T, page, from, to string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, from)
	if !ok {
		t.Fatalf("%q is missing", from)
	}
	part, _, _ := strings.Cut(rest, to)
	return part
}

var rowName = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|")

func rowNames(part string) []string {
	var names []string
	for _, m := range rowName.FindAllStringSubmatch(part, -1) {
		names = append(names, m[1])
	}
	return names
}

// members are the JSON names of a struct, embedded ones included.
func members(v any) []string {
	var names []string
	t := reflect.TypeOf(v)
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			names = append(names, members(reflect.Zero(f.Type).Interface())...)
			continue
		}
		if tag := f.Tag.Get("json"); tag != "" && tag != "-" {
			name, _, _ := strings.Cut(tag, ",")
			names = append(names, name)
		}
	}
	return names
}

// TestJSONIsDocumented: docs/json.md and the code name the same members, in the
// same order.
func TestJSONIsDocumented(t *testing.T) {
	page := page1(t, "json.md")
	part := section(t, page, "\n## Issue\n", "A reference to another issue")
	check(t, "envelope", rowNames(section(t, page, "| field | type | |", "| field of error")), members(frame.Envelope{}))
	check(t, "error", rowNames(section(t, page, "| field of error", "\n\n")), members(frame.ErrorShape{}))
	check(t, "issue", rowNames(part), members(answer.Issue{}))
	check(t, "show", rowNames(section(t, page, "`show` adds:", "## Comment")), members(answer.Detail{})[len(members(answer.Issue{})):])
	check(t, "comment", rowNames(section(t, page, "## Comment", "## data")), members(answer.Comment{}))
	check(t, "write", rowNames(section(t, page, "| field of write", "\n\n")), members(answer.Write{}))
	check(t, "request", rowNames(section(t, page, "| field of request", "\n\n")), members(answer.Request{}))
	check(t, "session", rowNames(section(t, page, "| field of session", "\n\n")), members(answer.Session{}))
	check(t, "milestone", rowNames(section(t, page, "| field of milestone", "\n\n")), members(answer.MilestoneInfo{}))
	check(t, "line", rowNames(section(t, page, "| field of line", "\n\n")), members(answer.Line{}))
	for _, c := range []struct {
		row string
		v   any
	}{
		{"| `init` |", answer.Init{}}, {"| `sync` |", answer.Sync{}},
		{"| `status` | `remote`", answer.Status{}}, {"| `version` |", versionShape{}}, {"A log of `status`", answer.Log{}},
		{"| `agent show` |", answer.Who{}}, {"| `agent list` |", answer.Agent{}}, {"| `session handoff` |", answer.HandoffNote{}}, {"| `time list` |", answer.TimeRow{}}, {"| `time report` |", answer.TimeGroup{}}, {"| `timer`: `timer start`", answer.Timer{}}, {"| `agent flags` |", answer.Flags{}}, {"| `agent fork` |", answer.Forked{}}, {"| `fork detach` |", answer.Detached{}},
		{"| `relations` |", answer.Relation{}}, {"| `time` | array", answer.TimeEntry{}}, {"| `milestone` |", answer.Milestone{}},
		{"| `warnings` |", frame.Warning{}}, {"A reference to another issue has", answer.Ref{}}, {"| `tree` | array of nodes", answer.Node{}},
	} {
		row := section(t, page, c.row, "\n")
		for _, m := range members(c.v) {
			if !strings.Contains(c.row+row, "`"+m+"`") {
				t.Errorf("docs/json.md: %s does not name '%s'", c.row, m)
			}
		}
	}
}

// TestDataIsDocumented: every command has its row.
func TestDataIsDocumented(t *testing.T) {
	rows := section(t, page1(t, "json.md"), "## data", "A write has")
	for _, c := range tree(&command.Env{Terminal: &frame.Terminal{}}).Subcommands {
		if !c.Hidden && c.Name != "help" && !strings.Contains(rows, "`"+c.Name+"`") {
			t.Errorf("docs/json.md does not say what '%s' answers", c.Name)
		}
	}
}

// TestExitCodesAreDocumented: docs/exit-codes.md has the statuses there are,
// and what JSON says of each.
func TestExitCodesAreDocumented(t *testing.T) {
	documented := map[int]bool{}
	ok := map[int]string{frame.ExitDone: "true", frame.ExitNo: "true or false"}
	for _, m := range regexp.MustCompile(`(?m)^\| (\d+) \| (true|false|true or false) \|`).FindAllStringSubmatch(page1(t, "exit-codes.md"), -1) {
		code, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		documented[code] = true
		check(t, "ok of "+m[1], m[2], cmp.Or(ok[code], "false"))
	}
	for _, code := range []int{frame.ExitDone, frame.ExitNo, frame.ExitLost, frame.ExitUnconfirmed, frame.ExitDenied, frame.ExitFatal, frame.ExitUsage, frame.ExitInterrupted, frame.ExitTerminated} {
		if !documented[code] {
			t.Errorf("docs/exit-codes.md does not have %d", code)
		}
	}
	check(t, "how many", len(documented), 9)
}
