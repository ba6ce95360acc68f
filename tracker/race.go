package tracker

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
)

// Clones that write at the same moment meet on the ledger's branch, where one
// of them wins each time. If all of the others tried again at once, n clones
// would need about n²/2 pushes. So the rules are:
//
//   - who has lost such a race sends the logs alone, which always lands, for as
//     long as racedFor: the next process of the clone does not lose again first;
//   - before it decides, it lets those go first whose lines await a decision too
//     and whose id is smaller, each for as long as a push takes. Whoever decides
//     does it for all, so mostly the first one does, and the others need no
//     push; should it have died, the next one follows;
//   - who has not lost a race does none of this: log and step are one push.
const (
	racedFor  = 5 * time.Second
	firstTurn = 100 * time.Millisecond
	maxTurns  = 10
)

// raced reports whether this clone has lost a race for the ledger just now,
// perhaps while this process waited for its turn.
func (t *Tracker) raced() bool {
	lost := t.readContact().Raced
	age := t.now().Sub(lost)
	return !lost.IsZero() && age >= 0 && age < racedFor
}

// overtaken reports whether a push that was planned on s carried a step and
// another one was faster, and notes it.
func (t *Tracker) overtaken(ctx context.Context, s *snapshot, p refs.Push) (bool, error) {
	const name = hubRoot + checkpointName
	if !slices.ContainsFunc(p.Refs, func(r refs.PushRef) bool { return r.Dst == headRoot+checkpointName }) {
		return false, nil
	}
	now, err := t.local().Refs(ctx, name)
	if err != nil || len(now) == 0 || now[0].Name != name || now[0].OID == s.refs[name] {
		return false, err
	}
	// a note that cannot be kept costs a push
	_ = t.remember(func(c *contact) { c.Raced = t.now() })
	return true, nil
}

// lookInTurn fetches what others have sent and decided; where clones race it
// waits for those before it and looks again. took is how long a push takes.
func (t *Tracker) lookInTurn(ctx context.Context, o *outcome, took time.Duration) error {
	if err := t.look(ctx, o); err != nil || o.reason != "" || !t.raced() {
		return err
	}
	s, err := t.load(ctx)
	if err != nil {
		return err
	}
	before := 0
	for _, id := range s.agents() {
		if id < t.author(s) && len(s.pending(id)) > 0 {
			before++
		}
	}
	if before == 0 || len(s.pending(t.author(s))) == 0 {
		return nil
	}
	turn := max(took, firstTurn)
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(min(before, maxTurns))*turn + rand.N(turn)):
	}
	return t.look(ctx, o)
}
