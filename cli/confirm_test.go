package cli

import (
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

// The issues that were shown are deleted, not those that the words name when the
// answer comes.
func TestDeleteMeansWhatWasShown(t *testing.T) {
	w := newWorld(t)
	for _, title := range []string{"one", "two", "three"} {
		w.ok("new", title)
	}
	number := map[uint64]event.UUID{}
	for u, n := range w.hub.numbers {
		number[n] = u
	}
	one, two, three := number[1], number[2], number[3]
	w.ok("delete", "--yes", "3")
	w.tty, w.in = true, "y\n"
	w.ask = func() { // the hub says otherwise
		w.hub.numbers[one], w.hub.numbers[two] = 2, 1
	}
	r := w.ok("delete", "1", "3")
	contains(t, "the question", r.err, "delete 1 'one' everywhere?")
	check(t, "deletes", types(w.last()), "IssueDeleted")
	check(t, "the issue", w.last()[0].(*event.IssueDeleted).UUID, one)
	check(t, "the answer", r.out, "2\n3\n")

	// a word that named a deleted issue, and names another issue when the user has answered
	w.ask = func() { w.hub.numbers[three], w.hub.numbers[two] = 7, 3 }
	w.hub.numbers[one], w.hub.numbers[two] = 1, 2
	w.ok("new", "four")
	w.ok("delete", "4", "3")
	check(t, "deletes", types(w.last()), "IssueDeleted")
}

// Nobody is asked who does not answer: with GIT_TERMINAL_PROMPT=0 there is nobody at a
// terminal, and --quiet and --json ask nothing.
func TestNobodyToAsk(t *testing.T) {
	for _, how := range [][]string{{"GIT_TERMINAL_PROMPT", "0"}, {"GIT_TERMINAL_PROMPT", "false"}, {"--quiet"}, {"--json"}} {
		w := newWorld(t)
		w.ok("new", "one")
		w.tty, w.ask = true, func() { t.Errorf("%v: somebody is asked", how) }
		var options []string
		if len(how) == 2 {
			w.vars[how[0]] = how[1]
		} else {
			options = how
		}
		check(t, "undo", w.run(append(options, "undo")...).code, 129)
		w.ok(append(options, "init", "origin")...)
		w.ok(append(options, "delete", "1")...)
		check(t, "deletes", types(w.last()), "IssueDeleted")
	}
}
