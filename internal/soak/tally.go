//go:build linux

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
)

// The kinds of fault, each with its meaning.
var kinds = map[string]string{
	"kill":            "SIGKILL to a command and its children at any moment",
	"kill-at":         "SIGKILL at one of the named points of internal/fault",
	"power":           "SIGKILL to every process of a clone, those in the background included",
	"http-busy":       "429 or 503 instead of an answer",
	"http-cut":        "the connection is cut before the request is served",
	"http-lost":       "the request is served and its answer lost",
	"http-hang":       "no answer for some seconds, then the connection is cut",
	"slow-push":       "the hub takes seconds over a push",
	"clock":           "a command of a clone whose clock is wrong",
	"full-disk":       "a command on a full file system",
	"caches-removed":  "whatever a clone can make again is removed",
	"replica-removed": "a clone loses its replica, after its events were sent",
	"clone-restored":  "a clone goes back to an older backup",
	"hub-restored":    "the hub goes back to an older backup",
	"gc":              "git gc in a clone, in its replica or on the hub",
}

// tally counts the injected faults and the results of commands, over all seeds.
type tally struct {
	mu       sync.Mutex
	commands int
	faults   map[string]int
	ends     map[string]int // results of commands: verb, status, kind of error
	acked    int
	jobs     int
	claims   int
	forks    int // ids that were changed as a refusal advised
	renumber int // numbers that changed because the hub lost them
}

func (t *tally) fault(kind string) {
	if kinds[kind] == "" {
		panic("soak: no such kind of fault: " + kind)
	}
	t.mu.Lock()
	t.faults[kind]++
	t.mu.Unlock()
}

func (t *tally) count(n *int) {
	t.mu.Lock()
	*n++
	t.mu.Unlock()
}

func (t *tally) end(how string) {
	t.mu.Lock()
	t.commands++
	t.ends[how]++
	t.mu.Unlock()
}

// never lists the kinds of fault that did not occur.
func (t *tally) never() (names []string) {
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		if t.faults[k] == 0 {
			names = append(names, k)
		}
	}
	return names
}

func (t *tally) print(out io.Writer) {
	faults := 0
	for _, n := range t.faults {
		faults += n
	}
	fmt.Fprintf(out, "%d commands, %d faults, %d acknowledged writes, %d claims, %d jobs done, %d forks, %d numbers lost with a hub\n",
		t.commands, faults, t.acked, t.claims, t.jobs, t.forks, t.renumber)
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Fprintf(out, "  %6d  %-16s %s\n", t.faults[k], k, kinds[k])
	}
	fmt.Fprintln(out, "how commands ended (verb, status, kind of error):")
	for _, k := range slices.Sorted(maps.Keys(t.ends)) {
		fmt.Fprintf(out, "  %6d  %s\n", t.ends[k], k)
	}
}
