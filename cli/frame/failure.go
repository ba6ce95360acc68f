package frame

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/git-crosslink/git-crosslink/fail"
)

// The exit statuses. docs/exit-codes.md explains them.
const (
	ExitDone        = 0
	ExitNo          = int(fail.No)
	ExitLost        = int(fail.Lost)
	ExitUnconfirmed = int(fail.Unconfirmed)
	ExitDenied      = int(fail.Denied)
	ExitFatal       = int(fail.Fatal)
	ExitUsage       = 129
	ExitInterrupted = 130
	ExitTerminated  = 143
)

// Failure is an error as the user sees it: one line, its hints, a status.
type Failure struct {
	Code    int
	Kind    string   // short and stable: "not-found", "ambiguous", "usage" …
	Message string   // lower case, no full stop
	Usage   []string // the command's synopsis, for mistakes in usage
	Hints   []string
	Cause   error
	Whole   bool // the answer is complete, and negative: an empty list, findings
}

func (f *Failure) Error() string { return f.Message }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// Fatal is the failure of an action that is impossible.
func Fatal(kind, message string, hints ...string) *Failure {
	return &Failure{Code: ExitFatal, Kind: kind, Message: message, Hints: hints}
}

// Misuse is a mistake in the command line.
func Misuse(message string, hints ...string) *Failure {
	return &Failure{Code: ExitUsage, Kind: "usage", Message: message, Hints: hints}
}

// No is a negative answer.
func No(kind, message string, hints ...string) *Failure {
	return &Failure{Code: ExitNo, Kind: kind, Message: message, Hints: hints}
}

// AnswersNo is a negative answer to a question that was answered completely: in JSON "ok"
// stays true.
func AnswersNo(kind, message string, hints ...string) *Failure {
	f := No(kind, message, hints...)
	f.Whole = true
	return f
}

// BadValue is an option's value that is not valid.
func BadValue(option, value string, valid []string) *Failure {
	f := Misuse(fmt.Sprintf("'%s' is not a value of '%s'", value, option),
		"valid values: "+strings.Join(valid, ", "))
	f.Kind = "bad-value"
	if near := Nearest(value, valid); near != "" {
		f.Hints = append([]string{"did you mean '" + near + "'?"}, f.Hints...)
	}
	return f
}

// Silent ends a command with a status and no message.
type Silent struct{ Code int }

func (s *Silent) Error() string { return fmt.Sprintf("exit status %d", s.Code) }

// Unreadable explains that a file cannot be read.
func Unreadable(path string, err error) *Failure {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return &Failure{Code: ExitFatal, Kind: "file", Message: fmt.Sprintf("cannot read '%s': %s", path, strings.ToLower(err.Error())), Cause: err}
}

// ReaderGone reports whether an error only means that the reader of our output has ended.
func ReaderGone(err error) bool { return errors.Is(err, syscall.EPIPE) }

// Unprinted is an answer that could not be printed.
type Unprinted struct {
	Err     error
	Failure *Failure // the failure that the answer contained
	IDs     []string
}

func (u *Unprinted) Error() string { return u.Err.Error() }

// Unwrap returns the reason.
func (u *Unprinted) Unwrap() error { return u.Err }

// Instead is printed in place of the answer. After a write the status never means that
// nothing was written, because a script would repeat the command.
func (u *Unprinted) Instead(saved, wrote bool) *Failure {
	why := u.Err
	var p *fs.PathError
	if errors.As(why, &p) {
		why = p.Err
	}
	text := "the answer could not be printed: " + why.Error()
	if !saved {
		return &Failure{Code: ExitFatal, Kind: "not-printed", Message: text, Cause: u.Err}
	}
	f := &Failure{Code: ExitUnconfirmed, Kind: "not-printed", Cause: u.Err,
		Message: "the change is saved, but " + text, Hints: []string{"do not run the command again"}}
	if wrote {
		f.Hints[0] += "; see the newest changes: git crosslink list --status all --sort updated"
	}
	if len(u.IDs) > 0 {
		f.Message += "; it was " + strings.Join(u.IDs, ", ")
	}
	if u.Failure != nil {
		f.Code, f.Kind, f.Message = u.Failure.Code, u.Failure.Kind, u.Failure.Message+"; "+text
	}
	return f
}

// UnwrapPath returns the system's message without the path.
func UnwrapPath(err error) string {
	s := err.Error()
	if i := strings.LastIndex(s, ": "); i >= 0 {
		return s[i+2:]
	}
	return s
}
