package cli

import (
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
)

// What a text may be is event's rule; the words for it are here: the name that
// people typed, and what would be right.

// whereListed is where ids can be looked up.
var whereListed = map[string]string{
	"issue":   "git crosslink list --status all",
	"comment": "git crosslink show <id>",
}

// typed are the names of members whose option or argument is called otherwise.
var typed = map[string]string{
	"labels": "label", "content": "text", "trigger_type": "trigger", "intervention_context": "context",
}

// longest is how many bytes a member may have.
func longest(member string) int {
	switch member {
	case "title", "branch":
		return event.MaxTitle
	}
	if longText(member) {
		return event.MaxText
	}
	return event.MaxName
}

// longText reports a member that may have several lines.
func longText(member string) bool {
	switch member {
	case "description", "content", "reason", "intervention_context", "notes":
		return true
	}
	return false
}

// badMember says which text breaks which rule, and what would be right.
func badMember(m *event.MemberError) *failure {
	message := m.Detail
	if name := typed[m.Member]; name != "" {
		message = strings.Replace(message, "'"+m.Member+"'", "'"+name+"'", 1)
	}
	f := misuse(message)
	f.kind = "bad-value"
	switch m.Reason {
	case event.TooLong:
		f.hints = []string{fmt.Sprintf("at most %d bytes", longest(m.Member))}
		if m.Member == "title" {
			f.hints = append(f.hints, "what is longer goes into the description: -d <text>, -F <file>")
		}
	case event.ControlCharacter:
		f.hints = []string{"one line, without tabs and control characters"}
		if longText(m.Member) {
			f.hints = []string{"of all control characters only line breaks and tabs are allowed"}
		}
		if m.Member == "title" {
			f.hints = append(f.hints, "several lines go into the description: -d <text>, -F <file>")
		}
	case event.NotUTF8:
		f.hints = []string{"convert it: iconv -f <its encoding> -t UTF-8"}
	}
	return f
}

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
