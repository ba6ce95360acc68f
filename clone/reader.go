package clone

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/note"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
)

// BadSteps is the message that there are n invalid steps.
func BadSteps(n int) string {
	if n == 1 {
		return "1 step of the ledger is"
	}
	return fmt.Sprintf("%d steps of the ledger are", n)
}

// newReader makes the reader of a session's replica.
func (c *Clone) newReader() *reading.Reader {
	return reading.New(reading.Options{
		Replica: func() refs.Replica { return c.Replica },
		Home:    filepath.Join(c.Outer.CommonDir, "crosslink"),
		Presence: func(ctx context.Context, all map[string]refs.OID) reading.Presence {
			seen, unread := c.Presences(ctx, all)
			return reading.Presence{Seen: seen, Unread: unread}
		},
		BadSteps: func(bad []ledger.Bad) {
			b := bad[len(bad)-1]
			c.TellOnce(fail.Notice{Code: "bad-step", Text: fmt.Sprintf("%s ignored (the last: %s, %s); decisions continue after them", BadSteps(len(bad)), b.ID[:min(12, len(b.ID))], b.Reason)})
		},
		Judged:   c.keepCache,
		Stored:   c.Options.Stored,
		KeepFrom: c.Options.KeepFrom,
	})
}

// keepCache writes a cache; a failure only costs the next command time. If something else
// is at its path, this is reported once.
func (c *Clone) keepCache(path string, cache any) {
	var e *fail.Error
	if errors.As(note.Write(path, cache), &e) {
		c.TellOnce(e.Notice(e.Message))
	}
}
