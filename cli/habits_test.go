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
	// printed and the issues that are there afterwards.
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
