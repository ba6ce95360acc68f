package cli

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Labels and people are named on the command line beside issues, and a list of
// ids is easily taken for a list of names. So nothing that the program calls an
// issue becomes a name.

// naming is a kind of names that an issue has, in the words of the command line.
type naming struct {
	what        string // "a label"
	placeholder string
	of          func(*store.Issue) []string
}

var (
	labeling  = naming{"a label", "<label>", func(i *store.Issue) []string { return i.Labels }}
	assigning = naming{"an assignee", "<who>", func(i *store.Issue) []string { return i.Assignees }}
)

// names are words in the form in which they are written, each once.
func (n naming) names(words []string) ([]string, error) {
	var names []string
	for _, w := range words {
		if w = store.Name(w); w == "" {
			return nil, frame.Misuse(n.what + " cannot be empty")
		}
		names = append(names, w)
	}
	return unique(names), nil
}

// refuseIssues refuses words that name issues and no name that i has. i is nil
// for a new issue.
func (n naming) refuseIssues(p tracker.Projection, verb string, i *store.Issue, words []string) error {
	var message string
	var ids, names []string
	for _, w := range words {
		called, shown := "", false
		if i == nil || len(store.Called(n.of(i), w)) == 0 {
			called, shown = issueCalled(p, w)
		}
		if called == "" {
			names = append(names, frame.ShellWord(w))
			continue
		}
		if message == "" {
			message = fmt.Sprintf("'%s' is issue %s, not %s", w, called, n.what)
		}
		if shown {
			ids = append(ids, called)
		}
	}
	if message == "" {
		return nil
	}
	f := frame.Misuse(message)
	f.Kind = "bad-value"
	switch {
	case i == nil && len(ids) > 0:
		f.Hints = []string{fmt.Sprintf("to refer to issue %[1]s: --parent %[1]s, --blocked-by %[1]s or --discovered-from %[1]s", ids[0])}
	case i != nil && len(names) > 0:
		var commands []string
		for _, id := range unique(append([]string{i.Name()}, ids...)) {
			commands = append(commands, fmt.Sprintf("git crosslink %s %s %s", verb, id, strings.Join(names, " ")))
		}
		f.Hints = []string{"one command for each issue: " + strings.Join(commands, " && ")}
	case i != nil:
		f.Hints = []string{fmt.Sprintf("name one issue, then names: git crosslink %s %s %s", verb, i.Name(), n.placeholder)}
	}
	return f
}

// issueCalled returns what the issue is called that word names, and whether it
// is shown; "" if word names none. It may be a number, with '#' or without, a
// short uuid as it is printed or a whole one, in any form of its digits (full
// width, for instance). Any other prefix of a uuid may well be a word.
func issueCalled(p tracker.Projection, word string) (name string, shown bool) {
	id := strings.ToLower(strings.TrimPrefix(norm.NFKC.String(word), "#"))
	u, err := p.Resolve(id)
	var gone *store.NotFoundError
	switch {
	case errors.As(err, &gone) && gone.Deleted == id:
		return id, false
	case err != nil:
		return "", false
	}
	i, err := p.Issue(u)
	if err != nil || strings.Trim(id, "0123456789") != "" && id != i.Short && id != u.String() {
		return "", false
	}
	return i.Name(), true
}
