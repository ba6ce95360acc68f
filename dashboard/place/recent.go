package place

import (
	"context"
	"slices"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Recent is one thing that was done, in words.
type Recent struct {
	At    event.Time
	Agent string // as it is shown
	Issue string // name; "" is about none
	Title string
	Text  string
}

// Recent returns what was done last about issues, newest first.
func (p *Place) Recent(ctx context.Context, n int) (all []Recent, err error) {
	err = p.opened.repo.Do(ctx, func(t *tracker.Tracker) error {
		view, err := t.Read(ctx, tracker.Offline)
		if err != nil {
			return err
		}
		rows, _, err := view.List(store.Filter{Status: "all", Sort: "updated", Limit: n})
		if err != nil {
			return err
		}
		names := people.NewNames(view)
		for _, i := range rows {
			lines, err := view.History(i.UUID)
			if err != nil {
				return err
			}
			lines = lines[max(0, len(lines)-n):]
			for k, shape := range answer.History(view, i.UUID, lines) {
				all = append(all, Recent{lines[k].Shown(), names.Brief(shape.Agent), i.Name(), i.Title, shape.Text})
			}
		}
		return nil
	})
	slices.SortStableFunc(all, func(a, b Recent) int { return int(min(1, max(-1, b.At-a.At))) })
	return all[:min(n, len(all))], err
}
