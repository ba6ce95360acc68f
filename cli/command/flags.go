package command

import (
	"context"
	"fmt"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

// FlagsOf returns the flags of a worktree's agent, from the requests that this clone obeys.
func FlagsOf(ctx context.Context, repo *Repository, p tracker.Projection) (verb.Flags, error) {
	me := repo.Agent()
	if me == "" {
		return verb.FlagsOf(nil, nil), nil
	}
	some, err := p.Requests(store.RequestFilter{Target: me})
	if err != nil {
		return verb.Flags{}, err
	}
	all, err := repo.Commands(ctx, p, some)
	if err != nil {
		return verb.Flags{}, err
	}
	start, err := verb.SessionStart(p, me)
	return verb.FlagsOf(all, start), err
}

// FlagsShape returns the JSON shape of flags.
func FlagsShape(s *answer.Builder, f verb.Flags) answer.Flags {
	doc := answer.Flags{State: f.State, Reprioritise: s.RefsOf(f.Reprioritise), Ignored: f.Ignored}
	if r := f.By; r != nil {
		since := r.SentAt.String()
		doc.Request, doc.By, doc.Reason, doc.Since = &r.ID, &r.By, answer.TextOrNull(r.Reason), &since
	}
	return doc
}

// Stopped is the failure of an agent that was told to stop; nil if it was not.
func Stopped(names *people.Names, f verb.Flags) *frame.Failure {
	if f.State == verb.Run || f.By == nil {
		return nil
	}
	no := &frame.Failure{Code: frame.ExitLost, Kind: f.State, Message: fmt.Sprintf("%s by %s", f.State, names.Full(f.By.By))}
	if f.By.Reason != "" {
		no.Message += ": " + frame.OneLine(f.By.Reason)
	}
	switch {
	case f.State == verb.Killed:
		no.Hints = []string{"end the session: git crosslink session end -m '…'", "then: git crosslink request ack " + f.By.ID + " --acted"}
	case f.By.Acked:
		no.Hints = []string{"wait: git crosslink request poll --wait"}
	default: // a poll returns at once while a request is unanswered
		no.Hints = []string{"answer: git crosslink request ack " + f.By.ID + " --acted", "then wait: git crosslink request poll --wait"}
	}
	return no
}

// MayNotClaim returns why an agent that was told to stop cannot take an issue; nil if it
// can. For a paused agent there is nothing to take now.
func MayNotClaim(ctx context.Context, repo *Repository, p tracker.Projection) (*frame.Failure, error) {
	f, err := FlagsOf(ctx, repo, p)
	no := Stopped(people.NewNames(p), f)
	if no != nil && f.State == verb.Paused {
		no.Code = frame.ExitNo
	}
	return no, err
}

// HeldNote returns since when an agent holds the lock of an issue, or that this is not
// confirmed.
func HeldNote(e *Env, i *store.Issue) string {
	note := "since " + e.Ago(i.Lock.Since)
	if i.Lock.Branch != "" {
		note += ", branch " + i.Lock.Branch
	}
	if !i.Lock.Confirmed { // somebody else may get it
		note = "not confirmed: git crosslink lock " + i.Name() + "; " + note
	}
	return note
}
