// Package fail holds refusals, notices and findings as codes and fields. It
// says what happened, as plain facts: which command hints it, and how that is
// typed, is known to the surface that shows it (cli/hints for the command line).
package fail

import "strings"

// Kind sorts refusals by what the caller can do about them; each is an exit
// status (docs/exit-codes.md).
type Kind int

const (
	No          Kind = 1   // a plain "no": nothing ready, not found
	Lost        Kind = 2   // decided otherwise
	Unconfirmed Kind = 3   // durable here, not confirmed on the hub
	Denied      Kind = 4   // identity, trust or permission
	Fatal       Kind = 128 // cannot be done
	Usage       Kind = 129 // asked for in a wrong way
)

// Code says what happened: a name that never changes its meaning, and where one
// name has several hints, a case after a slash: "unsigned/rotation".
type Code string

// Name returns the code without its case. Scripts see it in JSON, and users silence
// notices by it (advice.crosslink.<name>).
func (c Code) Name() string {
	name, _, _ := strings.Cut(string(c), "/")
	return name
}

// Fields are the things a refusal is about, by name: agent, remote, issue, seq,
// path. Their values are as they are; the surface quotes what a shell would split.
type Fields map[string]string

// Error is a refusal.
type Error struct {
	Kind    Kind
	Code    Code
	Message string // lower case, subject in single quotes, no full stop
	Fields  Fields
	Err     error // the cause
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Notice makes a notice of the refusal, in other words.
func (e *Error) Notice(text string) Notice {
	return Notice{Code: e.Code, Text: text, Fields: e.Fields}
}

// Diagnosis makes a diagnosis of the refusal, in other words.
func (e *Error) Diagnosis(s Severity, text string) Diagnosis {
	return Diagnosis{Code: e.Code, Severity: s, Text: text, Fields: e.Fields}
}

// Notice is something the user should read once, on stderr: never an error.
type Notice struct {
	Code   Code
	Text   string // lower case, no full stop
	Fields Fields
}

// Severity says what a diagnosis means to the user.
type Severity string

const (
	Problem Severity = "problem" // something does not work until it is cured
	Warning Severity = "warning" // it works, and not as it should
	Note    Severity = "note"    // worth knowing; nothing is wrong
)

// Diagnosis is one thing that the doctor of a clone, or the check of a server,
// has to say.
type Diagnosis struct {
	Code     Code
	Severity Severity
	Text     string
	Fields   Fields
}

// Truncate keeps short what a message quotes of a stranger's words.
func Truncate(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
