package query

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Query{
		"":                                 {},
		"fix the parser":                   {Words: "fix the parser"},
		`"fix the" parser`:                 {Words: `"fix the" parser`},
		`"at 10:30" label:x`:               {Words: `"at 10:30"`, Labels: []string{"x"}},
		"is:closed is:overdue":             {Status: "closed", Overdue: true},
		"is:ready is:blocked is:locked x":  {Ready: true, Blocked: true, Locked: true, Words: "x"},
		"label:bug label:\"a b\" -label:x": {Labels: []string{"bug", "a b"}, Without: []string{"x"}},
		"project:o/r x":                    {Project: "o/r", Words: "x"},
		"@alice lock:agent-1":              {Assignee: "alice", LockedBy: "agent-1"},
		"assignee:bob":                     {Assignee: "bob"},
		"prio:high":                        {Priority: event.High},
		"priority:>=high":                  {Priority: event.High, AtLeast: true},
		"due:<7d":                          {DueWithin: 7 * 24 * time.Hour},
		`milestone:"1.0 beta"`:             {Milestone: "1.0 beta"},
		"https://example.org":              {Words: "https://example.org"},
		"@ label: 10:30":                   {Words: "@ label: 10:30"},
	} {
		if got, err := Parse(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for text, part := range map[string]string{"is:x": "is:x", "prio:x": "prio:x", "due:7d": "due:7d", "due:<x": "due:<x", "due:<0d": "due:<0d"} {
		if _, err := Parse(text); err == nil || !strings.HasPrefix(err.Error(), "'"+part+"' is not valid") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestOperators: each operator that is shown to people can be read.
func TestOperators(t *testing.T) {
	for _, o := range Operators {
		q, err := Parse(o[0])
		if err != nil || q.Words != "" {
			t.Errorf("%s: %+v, %v", o[0], q, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`is:open "a b" label:x due:<7d @a`)
	f.Fuzz(func(t *testing.T, text string) {
		q, err := Parse(text)
		if err == nil && len(q.Words) > len(text) {
			t.Errorf("%q became longer: %q", text, q.Words)
		}
	})
}
