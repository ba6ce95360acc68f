package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestHabits: what the table in docs/recipes.md calls the same is the same: both print
// the same, and leave the same issues.
func TestHabits(t *testing.T) {
	b, err := os.ReadFile("../docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(b), "| you type | it is the same as |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	code := regexp.MustCompile("`([^`]+)`")
	words := regexp.MustCompile(`'[^']*'|\S+`)
	// does runs commands where there are some issues, and returns what the last of them
	// printed and the issues that are there afterward.
	does := func(commands []string) (printed, left string) {
		w := newWorld(t)
		for _, args := range [][]string{
			{"new", "one", "-l", "ui", "-l", "core"}, {"new", "two", "-l", "ui"}, {"new", "three", "-p", "low"}, {"assign", "1", "@me"}, {"close", "3"},
		} {
			w.ok(args...)
		}
		at := w.time
		for _, c := range commands {
			w.time = at // dates are relative to it
			args := words.FindAllString(c, -1)
			for k := range args {
				args[k] = strings.Trim(args[k], "'")
			}
			printed = w.ok(args...).out
		}
		left = w.ok("list", "--all", "--format", "%(number) %(status) %(priority) %(labels) %(assignees) %(due_at) %(blocked_by) %(reason) %(comment_count) %(title) %(description)").out
		return printed, left
	}
	rows := 0
	for row := range strings.SplitSeq(table, "\n") {
		typed, same, _ := strings.Cut(strings.Trim(row, "|"), "|")
		habit := code.FindStringSubmatch(typed)
		var commands []string
		for _, m := range code.FindAllStringSubmatch(same, -1) {
			commands = append(commands, m[1])
		}
		if habit == nil || commands == nil {
			t.Fatalf("no row: %q", row)
		}
		rows++
		printed, left := does(habit[1:])
		want, wantLeft := does(commands)
		if left != wantLeft || len(commands) == 1 && printed != want {
			t.Errorf("%s:\n%s%swant, as of %v:\n%s%s", habit[1], printed, left, commands, want, wantLeft)
		}
	}
	if rows < 25 {
		t.Errorf("%d rows", rows)
	}
}

// TestHabitsWithoutAnother: what the second table in docs/recipes.md lists is found.
func TestHabitsWithoutAnother(t *testing.T) {
	b, err := os.ReadFile("../docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(b), "| you type | it prints |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	w := newWorld(t)
	for _, args := range [][]string{
		{"new", "one", "-l", "ui"}, {"new", "two", "-d", "see #1: the flux capacitor"}, {"new", "three", "-l", "ui", "-d", "a capacitor without flux, and #10"}, {"assign", "2", "@me"},
	} {
		w.ok(args...)
	}
	want := map[string]string{
		"list --author alice": "3 2 1", "list --no-label": "2", "list --unassigned": "3 1",
		`search '"flux capacitor"'`: "2", "search '#1'": "1 2",
		"list --format '%(number) %(title)'": "3 three\n2 two\n1 one\n", "list --porcelain": "3\t2\t1",
	}
	rows := 0
	for row := range strings.SplitSeq(table, "\n") {
		typed := strings.Split(row, "`")[1]
		args := regexp.MustCompile(`'[^']*'|\S+`).FindAllString(typed, -1)
		for k := range args {
			args[k] = strings.Trim(args[k], "'")
			if args[k] == "alice" { // this agent's id is another one
				args[k] = "@me"
			}
		}
		rows++
		var got string
		switch {
		case strings.Contains(typed, "--format"):
			got = w.ok(args...).out
		case strings.Contains(typed, "--porcelain"):
			var firsts []string
			for line := range strings.Lines(w.ok(args...).out) {
				fields := strings.Split(line, "\t")
				if firsts = append(firsts, fields[0]); len(fields) != 12 {
					t.Errorf("%d fields: %q", len(fields), line)
				}
			}
			got = strings.Join(firsts, "\t")
		default:
			got = strings.Join(strings.Fields(w.ok(append(args, "-q")...).out), " ")
		}
		if got != want[typed] {
			t.Errorf("%s: %q, want %q", typed, got, want[typed])
		}
	}
	if rows != len(want) {
		t.Errorf("%d rows, want %d", rows, len(want))
	}
}
