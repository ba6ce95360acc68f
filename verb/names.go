package verb

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Labels and people are named beside issues, and a list of ids is easily taken
// for a list of names. So nothing that the program calls an issue becomes a name.

// NameError refuses names that are ids of issues.
type NameError struct {
	Word   string   // the first of them
	Called string   // what its issue is called
	Shown  []string // what the issues are called that are not deleted
	Names  []string // the words that name no issue
}

func (e *NameError) Error() string { return fmt.Sprintf("'%s' is issue %s", e.Word, e.Called) }

// CheckNames refuses words that name issues, unless they are in the set of i,
// which is nil for a new issue.
func (n *Names) CheckNames(p tracker.Projection, i *store.Issue, words []string) error {
	e := &NameError{}
	for _, w := range words {
		called, shown := "", false
		if i == nil || !n.Has(i, w) {
			called, shown = issueCalled(p, w)
		}
		if called == "" {
			e.Names = append(e.Names, w)
			continue
		}
		if e.Called == "" {
			e.Word, e.Called = w, called
		}
		if shown {
			e.Shown = append(e.Shown, called)
		}
	}
	if e.Called == "" {
		return nil
	}
	return e
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
	i, err := p.Row(u)
	if err != nil || strings.Trim(id, "0123456789") != "" && id != i.Short && id != u.String() {
		return "", false
	}
	return i.Name(), true
}
