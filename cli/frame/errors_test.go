package frame

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

// TestExplain: every kind of error has its words and its status.
func TestExplain(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		kind string
		text string
	}{
		{&fail.Error{Kind: fail.Lost, Code: "held", Message: "held by 'bob'"}, 2, "held", "held by 'bob'"},
		{&fail.Error{Kind: fail.Denied, Code: "ci-agent", Message: "no id"}, 4, "ci-agent", "no id"},
		{fmt.Errorf("emit: %w", &fail.Error{Kind: fail.Fatal, Code: "level", Message: "m"}), 128, "level", "m"},
		{&store.NotFoundError{What: "issue", ID: "9"}, 1, "not-found", "no issue '9'"},
		{&store.BadIDError{What: "issue", ID: "zz"}, 129, "bad-id", "'zz' is not an id: a number, a uuid, or at least 4 hex digits of a uuid with a letter among them"},
		{&store.AmbiguousError{What: "issue", ID: "00aa", Candidates: make([]store.Candidate, 2)}, 128, "ambiguous", "short id '00aa' is ambiguous: 2 issues begin with it"},
		{&event.MemberError{Reason: event.BadValue, Member: "title", Detail: "bad"}, 129, "bad-value", "bad"},
		{&reducer.RejectedError{Reason: "self-edge", Detail: "d"}, 128, "self-edge", "d"},
		{&reducer.RejectedError{Reason: "not-target"}, 128, "not-target", "refused: 'not-target'"},
		{errors.New("disk full"), 128, "fatal", "disk full"},
		{context.Canceled, 130, "interrupted", "interrupted"},
	} {
		f := Explain(c.err)
		check(t, c.text, fmt.Sprint(f.Code, " ", f.Kind, " ", f.Message), fmt.Sprint(c.code, " ", c.kind, " ", c.text))
	}
}

func TestAmbiguousListsCandidates(t *testing.T) {
	f := Explain(&store.AmbiguousError{What: "issue", ID: "00aa", Candidates: []store.Candidate{{Short: "00aa111", Title: "one"}, {Short: "00aa222", Title: "two"}}})
	check(t, "hints", f.Hints, "['00aa111' is 'one' '00aa222' is 'two']")
}
