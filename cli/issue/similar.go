package issue

import (
	"context"
	"strings"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

// similarAmong is how many issues a new one is compared with: the open ones that changed
// last.
const similarAmong = 500

// warnSimilar names open issues whose title is similar to that of a new one. It never asks
// and never refuses.
func warnSimilar(ctx context.Context, e *command.Env, p tracker.Projection, title string, but event.UUID) {
	if v, _ := e.Setting(ctx, "advice.crosslink.similar"); !frame.IsTrue(v, true) {
		return
	}
	rows, err := p.Latest(string(event.Open), similarAmong)
	if err != nil {
		return
	}
	var names, hints []string
	for _, i := range verb.Similar(title, but, rows) {
		names, hints = append(names, command.NamedBy(i.Name(), i.Title)), append(hints, "git crosslink show "+i.Name())
	}
	if names != nil {
		e.Warn("similar", "open with a similar title: "+strings.Join(names, ", "), hints...)
	}
}
