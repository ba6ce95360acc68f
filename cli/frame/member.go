package frame

import (
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
)

// whereListed are the hints that show the ids of each kind.
var whereListed = map[string]string{
	"issue":   "list all issues: git crosslink list --status all",
	"comment": "show the comments of an issue: git crosslink show <id>",
}

// typed maps members to their option or argument, if it has another name.
var typed = map[string]string{
	"labels": "label", "content": "text", "trigger_type": "trigger", "intervention_context": "context",
}

// longest is the maximum length of a member in bytes.
func longest(member string) int {
	switch member {
	case "title", "branch", "ref":
		return event.MaxTitle
	}
	if LongText(member) {
		return event.MaxText
	}
	return event.MaxName
}

// LongText reports whether a member may have several lines.
func LongText(member string) bool {
	switch member {
	case "description", "content", "reason", "intervention_context", "notes":
		return true
	}
	return false
}

// BadMember explains which rule a text breaks, and what would be valid.
func BadMember(m *event.MemberError) *Failure {
	message := m.Detail
	if name := typed[m.Member]; name != "" {
		message = strings.Replace(message, "'"+m.Member+"'", "'"+name+"'", 1)
	}
	f := Misuse(message)
	f.Kind = "bad-value"
	switch m.Reason {
	case event.TooLong:
		f.Hints = []string{fmt.Sprintf("at most %d bytes", longest(m.Member))}
		if m.Member == "title" {
			f.Hints = append(f.Hints, "what is longer goes into the description: -d <text>, -F <file>")
		}
	case event.ControlCharacter:
		f.Hints = []string{"one line, without tabs and control characters"}
		if LongText(m.Member) {
			f.Hints = []string{"of all control characters only line breaks and tabs are allowed"}
		}
		if m.Member == "title" {
			f.Hints = append(f.Hints, "several lines go into the description: -d <text>, -F <file>")
		}
	case event.NotUTF8:
		f.Hints = []string{"convert it: iconv -f <its encoding> -t UTF-8"}
	}
	return f
}
