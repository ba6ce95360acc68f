package frame

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/note"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

// Explain is the only function that turns errors into messages and an exit status.
func Explain(err error) *Failure {
	var (
		own       *Failure
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
	case errors.As(note.InTheWay(err), &refused):
		return &Failure{Code: int(refused.Kind), Kind: refused.Code.Name(), Message: refused.Message, Hints: hints.For(refused.Code, refused.Fields), Cause: err}
	case errors.As(err, &missing):
		f := No("not-found", missing.Error())
		if others := othersThan(missing); others != "" {
			f.Hints = []string{others}
		}
		if missing.What == "person" {
			f.Hints = append(f.Hints, "to assign somebody whom the tracker does not know: --force")
		}
		return f
	case errors.As(err, &ambiguous):
		f := Fatal("ambiguous", ambiguous.Error())
		for _, c := range ambiguous.Candidates {
			if ambiguous.What == "milestone" { // all have the same name
				f.Hints = append(f.Hints, "show one: git crosslink milestone show "+c.Short)
				continue
			}
			f.Hints = append(f.Hints, fmt.Sprintf("'%s' is '%s'", c.Short, c.Title))
		}
		return f
	case errors.As(err, &badID):
		f := Misuse(badID.Error())
		f.Kind = "bad-id"
		if where := whereListed[badID.What]; where != "" {
			f.Hints = []string{where}
		}
		return f
	case errors.As(err, &member):
		return BadMember(member)
	case errors.As(err, &rejected):
		return Fatal(rejected.Reason, rejectedText(rejected))
	case errors.Is(err, syscall.ENOSPC):
		return diskFull(err)
	case errors.Is(err, context.Canceled):
		return &Failure{Code: ExitInterrupted, Kind: "interrupted", Message: "interrupted", Cause: err}
	case errors.Is(err, context.DeadlineExceeded):
		return Fatal("timeout", "it took too long")
	}
	return &Failure{Code: ExitFatal, Kind: "fatal", Message: err.Error(), Cause: err}
}

// diskFull explains that a file could not be written because the disk is full.
func diskFull(err error) *Failure {
	f := &Failure{Code: ExitFatal, Kind: "disk-full", Message: "no space left on the disk", Cause: err}
	if file := (*fs.PathError)(nil); errors.As(err, &file) {
		dir := filepath.Dir(file.Path)
		f.Message += " of '" + dir + "'"
		f.Hints = hints.For("disk-full", fail.Fields{"path": dir})
	}
	return f
}

// othersThan is the hint that lists existing objects when one was not found.
func othersThan(missing *store.NotFoundError) string {
	switch where := whereListed[missing.What]; {
	case missing.What == "person" && len(missing.Known) > 0:
		return "people: " + OneLine(strings.Join(missing.Known, ", "))
	case where != "":
		return where
	case missing.What != "milestone":
		return ""
	case len(missing.Known) == 0:
		return "there are no milestones"
	}
	return "existing milestones: '" + strings.Join(missing.Known, "', '") + "'"
}

func rejectedText(r *reducer.RejectedError) string {
	if r.Detail == "" {
		return fmt.Sprintf("refused: '%s'", r.Reason)
	}
	return r.Detail
}
