package tracker

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// refusal is what the hub refused, of one branch.
type refusal struct {
	// Of a log that was written here: the hub takes the lines up to Low, and
	// refuses the lines after it up to High. Hash is that of line High.
	Low  uint64 `json:"low,omitempty"`
	High uint64 `json:"high,omitempty"`
	Hash string `json:"hash,omitempty"`
	// Of a log that the hub has lost, and of the ledger: its tip as it was seen
	// on the hub before.
	Tip   refs.OID  `json:"tip,omitempty"`
	Why   string    `json:"why"` // the hub's rule, in the server's words
	At    time.Time `json:"at,omitzero"`
	Times int       `json:"times,omitempty"` // in a row
	About string    `json:"about,omitempty"` // "event", "log"; "" is not known
}

// abouts are what refusals are about, as they are noted.
var abouts = map[syncer.About]string{syncer.Unknown: "", syncer.AboutEvent: "event", syncer.AboutLog: "log"}

// remembered is the refusal as the machine knows it.
func (r refusal) remembered() syncer.Refusal {
	x := syncer.Refusal{Low: r.Low, High: r.High, Tip: syncer.Tip(r.Tip), Why: r.Why, At: r.At, Times: r.Times}
	for about, word := range abouts {
		if word == r.About {
			x.About = about
		}
	}
	return x
}

// memory is what is remembered of the hub, as it is noted.
func (t *Tracker) memory() syncer.Memory {
	t.contact = t.readContact()
	c := &t.contact
	m := syncer.Memory{Pace: t.readPace(), NoAtomic: c.NoAtomic, Raced: c.Raced, Refused: map[string]syncer.Refusal{}}
	for name, r := range c.Refusals {
		m.Refused[name] = r.remembered()
	}
	if c.Refused != "" && (c.RefusedTo == "" || c.RefusedTo == t.pushTarget()) {
		m.Closed = &syncer.Refusal{Why: c.Refused, At: c.RefusedAt, Times: c.RefusedTimes}
	}
	return m
}

// keep notes what a run has changed of what is remembered, before a is done.
func (d *drive) keep(ctx context.Context, m syncer.Memory, a syncer.Action) error {
	was := d.kept
	d.kept = m
	d.notePace(m.Pace)
	if was.NoAtomic == m.NoAtomic && was.Raced.Equal(m.Raced) && was.Closed == m.Closed && maps.Equal(was.Refused, m.Refused) {
		return nil
	}
	hashes := map[string]string{}
	for name, r := range m.Refused {
		l := d.snap.logs[strings.TrimPrefix(name, agentLogs)]
		if l == nil || r.High == 0 || r.High == was.Refused[name].High {
			continue
		}
		hash, err := d.lineHash(ctx, l, r.High)
		if err != nil {
			return err
		}
		hashes[name] = hash
	}
	for name, r := range m.Refused {
		if _, again := was.Refused[name]; !again && r.High == 0 && name != checkpointName && !d.unwatched {
			d.notice(fail.Notice{Code: "not-put-back", Text: fmt.Sprintf("the hub refuses to restore its log of '%s': %s; the log is kept here", strings.TrimPrefix(name, agentLogs), r.Why)})
		}
	}
	return d.remember(func(c *contact) {
		c.NoAtomic, c.Raced = m.NoAtomic, m.Raced
		all := map[string]refusal{}
		for name, r := range m.Refused {
			hash, changed := hashes[name]
			if !changed {
				hash = c.Refusals[name].Hash
			}
			all[name] = refusal{Low: r.Low, High: r.High, Hash: hash, Tip: refs.OID(r.Tip), Why: r.Why, At: r.At, Times: r.Times, About: abouts[r.About]}
		}
		if c.Refusals = all; len(all) == 0 {
			c.Refusals = nil
		}
		d.noteClosed(c, m.Closed, a)
	})
}

// noteClosed notes that the hub refuses all pushes from this clone, or no longer.
func (d *drive) noteClosed(c *contact, closed *syncer.Refusal, a syncer.Action) {
	if closed == nil {
		c.Refused, c.RefusedAt, c.RefusedTo, c.RefusedTimes = "", time.Time{}, "", 0
		return
	}
	c.RefusedAt, c.RefusedTo, c.RefusedTimes = closed.At, d.pushTarget(), closed.Times
	if done, ok := a.(syncer.Done); ok {
		switch r := done.Outcome; r.Reason {
		case syncer.ClosedHub:
			if r.Asked {
				c.Refused = "the hub refuses all pushes from this clone: " + r.Why
			}
		case syncer.TakesNone:
			if c.Refused = d.takesNone(); r.Why != "" {
				c.Refused += " (" + r.Why + ")"
			}
		}
	}
}

// withheld reports whether the hub is known to refuse the unsent lines of a log.
func (t *Tracker) withheld(ctx context.Context, s *snapshot, l *log) bool {
	if l.here == "" || l.unsent() == 0 || l.diverged || l.trails() {
		return false
	}
	if s.inTheWay(agentLogs+l.agent) != "" {
		return true
	}
	r, known := t.contact.Refusals[agentLogs+l.agent]
	if !known || r.High <= l.hubSeq {
		return false
	}
	hash, err := t.lineHash(ctx, l, r.High)
	return err == nil && hash == r.Hash
}

// line is a line of a log as it was written here, nil where there is none.
func (t *Tracker) line(ctx context.Context, l *log, seq uint64) ([]byte, error) {
	got, err := refs.ReadLog(ctx, t.local(), l.agent, l.here, seq)
	if err != nil {
		return nil, err
	}
	return got.At(seq), nil
}

func (t *Tracker) lineHash(ctx context.Context, l *log, seq uint64) (string, error) {
	line, err := t.line(ctx, l, seq)
	if err != nil || line == nil {
		return "", err
	}
	return event.Hash(line), nil
}

// beginning makes a tip that holds what the hub has of a log and the lines
// after that up to a sequence.
func (t *Tracker) beginning(ctx context.Context, l *log, upTo uint64) (refs.OID, error) {
	got, err := refs.ReadLog(ctx, t.local(), l.agent, l.here, l.hubSeq+1)
	if err != nil {
		return "", err
	}
	var lines [][]byte
	for seq := l.hubSeq + 1; seq <= upTo; seq++ {
		line := got.At(seq)
		if line == nil {
			return "", fmt.Errorf("the log of '%s' has no event %d: %w", l.agent, seq, refs.ErrBadLog)
		}
		lines = append(lines, line)
	}
	return refs.AppendLog(ctx, t.local(), l.agent, l.hub, lines, refs.CommitInfo{Address: t.committer(), Author: l.agent, When: t.now(),
		Message: fmt.Sprintf("crosslink: %s up to event %d\n\n[skip ci]\n", l.agent, upTo)})
}

// nothingOnTop makes a tip that adds no line to what the hub has of a log: to
// find out whether the hub refuses the log or a line.
func (t *Tracker) nothingOnTop(ctx context.Context, l *log) (refs.OID, error) {
	return refs.Recommit(ctx, t.local(), l.hub, []refs.OID{l.hub}, refs.CommitInfo{Address: t.committer(), Author: l.agent, When: t.now(),
		Message: fmt.Sprintf("crosslink: %s adds nothing to event %d\n\n[skip ci]\n", l.agent, l.hubSeq)})
}

// stepRefusal says why the hub takes no step of the ledger. Where a branch of
// the hub is in the way, git's own words name no cure.
func (s *snapshot) stepRefusal(why string) string {
	if other := s.inTheWay(checkpointName); other != "" {
		return inTheWayText(other, checkpointName)
	}
	return "the hub refuses the next step of the ledger: " + why
}

// inTheWay is a branch of the hub, as it was last seen, beside which git cannot
// keep the branch of this name: one is a directory of the other. "" if there is
// none.
func (s *snapshot) inTheWay(name string) string {
	for ref := range s.refs {
		other, ok := strings.CutPrefix(ref, incomingRoot)
		if ok && (strings.HasPrefix(name, other+"/") || strings.HasPrefix(other, name+"/")) {
			return other
		}
	}
	return ""
}

// notTakenBack reports whether the hub lost a log and refuses to take it back.
func (t *Tracker) notTakenBack(name string, tip refs.OID) bool {
	r, known := t.contact.Refusals[name]
	return known && !r.remembered().Due(t.now()) && r.High == 0 && r.Tip == tip && name != checkpointName
}

// refusalDue reports whether a sync has to look into a refusal.
func (t *Tracker) refusalDue() bool {
	for name, r := range t.contact.Refusals {
		if !t.notTakenBack(name, r.Tip) {
			return true
		}
	}
	return false
}

// lostSomething reports whether the hub has lost a log that it may take back.
func (t *Tracker) lostSomething(s *snapshot) bool {
	for name := range t.behind {
		if !t.notTakenBack(name, s.refs[hubRoot+name]) {
			return true
		}
	}
	return false
}
