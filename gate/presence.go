package gate

import (
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
)

// A heartbeat is one commit without a parent and one small file. It is force-moved and may
// be deleted, because nothing depends on it. Anybody may push any number of heartbeats, and
// every clone fetches all, so the gate bounds their number:
//
//   - a heartbeat names only agents whose logs the hub has;
//   - it is dated within a day of the hub's clock;
//   - of those of the last week, at most Limits.Presence name one agent, and there are at most
//     maxSigns. Older ones belong to clones that are gone, and do not count.

const (
	presenceSlack = 24 * time.Hour
	presenceWeek  = 7 * 24 * time.Hour
	maxSigns      = 1000 // as many as a clone reads
)

// signsOfLife are the hub's heartbeats of the last week.
type signsOfLife struct {
	all     int
	byAgent map[string]int
}

// presence judges a heartbeat.
func (g *gate) presence(c Command) (*Refusal, error) {
	if c.New == "" {
		return nil, nil
	}
	h, err := g.commit(c.New)
	if err != nil {
		return nil, err
	}
	if len(h.Parents) > 0 {
		return refuse(Tree, cureNoPush, "a heartbeat commit has no parents"), nil
	}
	w := treeWalk{g: g, seen: map[string]bool{}, allow: func(p string, e entry) string {
		if p != "presence.json" || e.mode != refs.ModeBlob {
			return "is not part of a heartbeat"
		}
		return ""
	}}
	if r, err := w.tree("", h.Tree); r != nil || err != nil {
		return r, err
	}
	agents, err := g.shown(c.New)
	if err != nil {
		return nil, err
	}
	if agents == nil {
		return refuse(Tree, cureNoPush, "'presence.json' is not a heartbeat"), nil
	}
	for _, id := range agents {
		if g.after[agentPrefix+id] == "" {
			return refuse(NotOnHub, cureSync, "it names '%s', which has no log on the hub", id), nil
		}
	}
	if away := g.o.Now.Sub(time.Unix(h.When, 0)); away.Abs() > presenceSlack {
		return refuse(Clock, cureClock, "the heartbeat is dated %s, more than a day from the hub's clock", time.Unix(h.When, 0).UTC().Format(time.DateOnly)), nil
	}
	return g.room(c, agents)
}

// shown returns the agents that a heartbeat names; nil if it is not a heartbeat.
func (g *gate) shown(id refs.OID) ([]string, error) {
	files, err := refs.ReadFiles(g.ctx, g.repo, id, event.MaxPresence)
	if err != nil {
		return nil, err
	}
	p, err := event.DecodePresence(files["presence.json"])
	if err != nil {
		return nil, nil
	}
	agents := make([]string, 0, len(p))
	for _, a := range p {
		agents = append(agents, a.Agent)
	}
	return agents, nil
}

// room refuses a heartbeat above the limits, and counts an accepted one.
func (g *gate) room(c Command, agents []string) (*Refusal, error) {
	limit := g.o.Limits.Presence
	if limit == 0 {
		return nil, nil
	}
	if err := g.countSigns(); err != nil {
		return nil, err
	}
	if c.Old == "" && g.signs.all >= maxSigns {
		return refuse(TooMuch, curePresence, "the hub has %d heartbeats from the last week already", g.signs.all), nil
	}
	var was []string
	if c.Old != "" {
		was, _ = g.shown(c.Old) // an unreadable one names nobody
	}
	for _, id := range agents {
		if !slices.Contains(was, id) && g.signs.byAgent[id] >= limit {
			return refuse(TooMuch, curePresence, "%d clones have sent heartbeats of '%s' in the last week, and the limit is %d (%s)", g.signs.byAgent[id], id, limit, presenceLimit), nil
		}
	}
	if c.Old == "" {
		g.signs.all++
	}
	for _, id := range agents {
		if !slices.Contains(was, id) {
			g.signs.byAgent[id]++
		}
	}
	return nil, nil
}

// countSigns counts the heartbeats on the hub, once.
func (g *gate) countSigns() error {
	if g.signs != nil {
		return nil
	}
	g.signs = &signsOfLife{byAgent: map[string]int{}}
	all, err := g.repo.Refs(g.ctx, g.o.Namespace+presence)
	if err != nil {
		return err
	}
	var tips []refs.OID
	for _, r := range all {
		if strings.HasPrefix(strings.TrimPrefix(r.Name, g.o.Namespace), presence) {
			tips = append(tips, r.OID)
		}
	}
	var recent []refs.OID
	err = g.repo.Read(g.ctx, tips, 8<<10, func(i int, o refs.Object, err error) error {
		if h, perr := refs.ParseCommit(g.repo.Format(), o.Data); err == nil && perr == nil && g.o.Now.Sub(time.Unix(h.When, 0)) < presenceWeek {
			recent = append(recent, tips[i])
		}
		return nil
	})
	if err != nil {
		return err
	}
	g.signs.all = len(recent)
	for _, id := range recent[:min(len(recent), maxSigns)] {
		agents, _ := g.shown(id) // as above
		for _, a := range agents {
			g.signs.byAgent[a]++
		}
	}
	return nil
}
