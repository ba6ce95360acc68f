package cli

import (
	"github.com/git-crosslink/git-crosslink/event"
)

// What a text may be is event's rule; the words for it are here: the name that
// people typed, and what would be right.

// checked lets only events through whose members obey event's rules, so that
// the mistake is told in the words of the command line.
func checked(bodies []event.Body, err error) ([]event.Body, error) {
	if err != nil {
		return nil, err
	}
	for _, b := range bodies {
		if err := event.Check(b); err != nil {
			return nil, err
		}
	}
	return bodies, nil
}
