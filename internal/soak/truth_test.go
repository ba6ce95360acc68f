//go:build linux

package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestTruthFindsViolations: each check of the soak can fail, and says nothing
// about what is allowed.
func TestTruthFindsViolations(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*truth)
		want string
	}{
		{"a number stays", func(t *truth) { t.saw("a", "u1", 1); t.saw("b", "u1", 1); t.saw("b", "u2", 2); t.saw("b", "u3", 0) }, ""},
		{"a number changes", func(t *truth) { t.saw("a", "u1", 1); t.saw("b", "u1", 2) }, "showed number 2"},
		{"a number is given twice", func(t *truth) { t.saw("a", "u1", 1); t.saw("b", "u2", 1) }, "showed it for u2"},
		{"a number is lost with the hub", func(t *truth) { t.saw("a", "u1", 1); t.rewound(); t.saw("b", "u1", 2); t.saw("b", "u2", 1) }, ""},
		{"a number changes after that", func(t *truth) { t.rewound(); t.saw("a", "u1", 1); t.saw("b", "u1", 2) }, "showed number 2"},
		{"one holder after the other", func(t *truth) { t.held("a", "u1"); t.releases("a", "u1"); t.held("b", "u1") }, ""},
		{"two holders", func(t *truth) { t.held("a", "u1"); t.held("b", "u1") }, "held by 'a' and by 'b'"},
		{"somebody else gives it back", func(t *truth) { t.held("a", "u1"); t.releases("b", "u1"); t.held("b", "u1") }, "held by 'a' and by 'b'"},
		{"a job is done again by the same agent", func(t *truth) { t.worked("a", "u1"); t.worked("a", "u1") }, ""},
		{"a job that could not be closed is given back", func(t *truth) { t.worked("a", "u1"); t.gaveBack("a", "u1"); t.worked("b", "u1") }, ""},
		{"somebody else gives a lock back", func(t *truth) { t.worked("a", "u1"); t.gaveBack("b", "u1"); t.worked("b", "u1") }, "done by 'a' and by 'b'"},
		{"a closed job is given back", func(t *truth) { t.worked("a", "u1"); t.closed["u1"] = true; t.gaveBack("a", "u1"); t.worked("b", "u1") }, "done by 'a' and by 'b'"},
		{"a job is done by two", func(t *truth) { t.worked("a", "u1"); t.worked("b", "u1") }, "done by 'a' and by 'b'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := newTruth(&tally{})
			c.do(all)
			got := strings.Join(all.violations, "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("violations %q, want %q", got, c.want)
			}
		})
	}
}

// TestEveryKindIsCounted: a kind of fault that never occurred is named.
func TestEveryKindIsCounted(t *testing.T) {
	all := &tally{faults: map[string]int{}, ends: map[string]int{}}
	if got, want := all.never(), slices.Sorted(maps.Keys(kinds)); !slices.Equal(got, want) {
		t.Fatalf("never occurred: %v, want %v", got, want)
	}
	for k := range kinds {
		all.fault(k)
	}
	if got := all.never(); got != nil {
		t.Errorf("never occurred: %v, want none", got)
	}
}
