package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// The exit statuses. docs/exit-codes.md says what each means.
const (
	exitDone        = 0
	exitNo          = int(fail.No)
	exitLost        = int(fail.Lost)
	exitUnconfirmed = int(fail.Unconfirmed)
	exitDenied      = int(fail.Denied)
	exitFatal       = int(fail.Fatal)
	exitUsage       = 129
	exitInterrupted = 130
	exitTerminated  = 143
)

// failure is an error as the user meets it: one line, its cures, a status.
type failure struct {
	code    int
	kind    string   // short, stable: "not-found", "ambiguous", "usage" …
	message string   // lower case, subject in single quotes, no full stop
	usage   []string // the command's synopsis, for mistakes in usage
	hints   []string
	cause   error
	whole   bool // the answer is whole, and says no: an empty list, findings
}

func (f *failure) Error() string { return f.message }

// Unwrap returns the cause.
func (f *failure) Unwrap() error { return f.cause }

// fatal is something that cannot be done.
func fatal(kind, message string, hints ...string) *failure {
	return &failure{code: exitFatal, kind: kind, message: message, hints: hints}
}

// misuse is a mistake in the words of the command.
func misuse(message string, hints ...string) *failure {
	return &failure{code: exitUsage, kind: "usage", message: message, hints: hints}
}

// no is a plain answer in the negative.
func no(kind, message string, hints ...string) *failure {
	return &failure{code: exitNo, kind: kind, message: message, hints: hints}
}

// answersNo is no for a question that was answered in full: with the answer "ok"
// of JSON stays true.
func answersNo(kind, message string, hints ...string) *failure {
	f := no(kind, message, hints...)
	f.whole = true
	return f
}

// badValue is an option's value that is not one of the valid ones.
func badValue(option, value string, valid []string) *failure {
	f := misuse(fmt.Sprintf("'%s' is not a value of '%s'", value, option),
		"valid values: "+strings.Join(valid, ", "))
	f.kind = "bad-value"
	if near := nearest(value, valid); near != "" {
		f.hints = append([]string{"did you mean '" + near + "'?"}, f.hints...)
	}
	return f
}

// silent ends a command with a status and no words.
type silent struct{ code int }

func (s *silent) Error() string { return fmt.Sprintf("exit status %d", s.code) }

// explain is the one place where errors become words and an exit status.
func explain(err error) *failure {
	var (
		own       *failure
		refused   *fail.Error
		missing   *store.NotFoundError
		ambiguous *store.AmbiguousError
		badID     *store.BadIDError
		member    *event.MemberError
		rejected  *reducer.RejectedError
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(tracker.InTheWay(err), &refused):
		return &failure{code: int(refused.Kind), kind: refused.Code.Name(), message: refused.Message, hints: append(hints.For(refused.Code, refused.Fields), refused.Hints...), cause: err}
	case errors.As(err, &missing):
		f := no("not-found", missing.Error())
		var m *unknownMilestone
		switch where := whereListed[missing.What]; {
		case errors.As(err, &m):
			f.hints = []string{m.names()}
		case where != "":
			f.hints = []string{"those there are: " + where}
		}
		return f
	case errors.As(err, &ambiguous):
		f := fatal("ambiguous", ambiguous.Error())
		for _, c := range ambiguous.Candidates {
			f.hints = append(f.hints, fmt.Sprintf("'%s' is '%s'", c.Short, c.Title))
		}
		return f
	case errors.As(err, &badID):
		f := misuse(badID.Error())
		f.kind = "bad-id"
		if where := whereListed[badID.What]; where != "" {
			f.hints = []string{"those there are: " + where}
		}
		return f
	case errors.As(err, &member):
		return badMember(member)
	case errors.As(err, &rejected):
		return fatal(rejected.Reason, rejectedText(rejected))
	case errors.Is(err, context.Canceled):
		return &failure{code: exitInterrupted, kind: "interrupted", message: "interrupted", cause: err}
	case errors.Is(err, context.DeadlineExceeded):
		return fatal("timeout", "it took too long")
	}
	return &failure{code: exitFatal, kind: "fatal", message: err.Error(), cause: err}
}

func rejectedText(r *reducer.RejectedError) string {
	if r.Detail == "" {
		return fmt.Sprintf("refused: '%s'", r.Reason)
	}
	return r.Detail
}

// unreadable puts a file error into the project's words.
func unreadable(path string, err error) *failure {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return &failure{code: exitFatal, kind: "file", message: fmt.Sprintf("cannot read '%s': %s", path, strings.ToLower(err.Error())), cause: err}
}

// quietEnd reports errors that are no news: the reader of our output has gone.
func quietEnd(err error) bool { return errors.Is(err, syscall.EPIPE) }

// unprinted is an answer that could not be printed.
type unprinted struct {
	err error
	no  *failure // the status that the answer had
	ids []string
}

func (u *unprinted) Error() string { return u.err.Error() }

// Unwrap returns why it could not.
func (u *unprinted) Unwrap() error { return u.err }

// failure is what is told instead. After a write the status never says that
// nothing was written: a script that believes that does it again.
func (u *unprinted) failure(saved, wrote bool) *failure {
	why := u.err
	var p *fs.PathError
	if errors.As(why, &p) {
		why = p.Err
	}
	text := "the answer could not be printed: " + why.Error()
	if !saved {
		return &failure{code: exitFatal, kind: "not-printed", message: text, cause: u.err}
	}
	f := &failure{code: exitUnconfirmed, kind: "not-printed", cause: u.err,
		message: "the change is saved, but " + text, hints: []string{"do not run the command again"}}
	if wrote {
		f.hints[0] += "; see the newest changes: git crosslink list --status all --sort updated"
	}
	if len(u.ids) > 0 {
		f.message += "; it was " + strings.Join(u.ids, ", ")
	}
	if u.no != nil {
		f.code, f.kind, f.message = u.no.code, u.no.kind, u.no.message+"; "+text
	}
	return f
}

// conclude reports an error, if there is one, and gives the exit status.
func (e *env) conclude(ctx context.Context, err error) int {
	u := (*unprinted)(nil)
	lost := errors.As(err, &u) && e.saved
	if err == nil || quietEnd(err) && !lost {
		return exitDone
	}
	if s := (*silent)(nil); errors.As(err, &s) {
		return s.code
	}
	var f *failure
	if u != nil {
		f = u.failure(e.saved, e.wrote)
	} else {
		f = e.whereLooked(ctx, err)
	}
	e.trace.Debug().Err(err).Str("kind", f.kind).Msg("error")
	if e.asJSON && u == nil {
		if e.answered {
			return f.code
		}
		if err := e.writeEnvelope(answer{no: f}); err == nil {
			return f.code
		}
	}
	e.failing = true
	fmt.Fprintf(e.err, "error: %s\n", e.symbols(oneLine(f.message)))
	writeUsage(e.symbolic(e.err), f.usage)
	e.hint(f.hints)
	return f.code
}

// whereLooked explains an error; to a "not found" it adds whether the hub has
// been asked.
func (e *env) whereLooked(ctx context.Context, err error) *failure {
	f := explain(err)
	var missing *store.NotFoundError
	if !errors.As(err, &missing) || missing.Deleted != "" || e.opened == nil || ctx.Err() != nil {
		return f
	}
	remote, _ := e.opened.Hub()
	_, last := e.opened.Refreshed() // not Status, which reads every event
	switch {
	case remote == "":
		return f
	case e.offline:
		f.message += " (hub not asked)"
	case e.asked.IsZero():
		return f
	case last.IsZero():
		f.message += " (hub not reached)"
	case !last.Before(e.asked) && !last.After(e.now()):
		f.message += " (hub checked)"
	default:
		f.message += fmt.Sprintf(" (hub not reached, last seen %s)", e.ago(event.TimeOf(last)))
	}
	return f
}
