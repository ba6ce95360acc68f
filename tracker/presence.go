package tracker

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/internal/note"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// A holder that works for hours without an event looks dead to whoever wants
// its lock. Presence says that it is not, outside all logs: a ref per clone,
// without a history. The rules are:
//
//   - only while an agent of the clone holds a lock, and its last sign, an event
//     or a presence, is 5 min old: others call an agent silent after 10;
//   - an agent that begins or ceases to wait for a person (its state is
//     awaiting_input or paused) shows that at once, at most every minute, whether
//     or not it holds a lock;
//   - pushed by itself, in the background, never with a log or a step, at most
//     every 5 min but for that; after one refusal not for 24 h (some hosts allow
//     no refs but branches);
//   - fetched with everything else; read only when a sign of life is asked for;
//   - of many clones only the newest are read: anybody may push any number;
//   - a hint, for people and for the offer to break a lock. Nothing is decided
//     by it. A time that has not come yet is passed over.
const (
	presenceEvery   = 5 * time.Minute
	presenceUrgent  = time.Minute
	presenceRefused = 24 * time.Hour
	presenceTried   = time.Minute // between two attempts that came to nothing
	clockSkew       = 5 * time.Minute
)

// present is what a clone remembers of its own signs of life.
type present struct {
	Agents  map[string]sign `json:"agents"`
	Due     bool            `json:"due,omitempty"` // the next sync in the background pushes it
	Pushed  time.Time       `json:"pushed,omitzero"`
	Tried   time.Time       `json:"tried,omitzero"`
	Refused time.Time       `json:"refused,omitzero"`
}

// sign is one agent's.
type sign struct {
	Seen  time.Time  `json:"seen"`
	Issue event.UUID `json:"issue,omitzero"`
	State string     `json:"state"`
	Shown string     `json:"shown,omitempty"` // the state that others were shown last
}

// needsPerson reports whether an agent in a state waits for a person.
func needsPerson(state string) bool { return state == "awaiting_input" || state == "paused" }

// urgent reports whether others have to see at once what the agent does now.
func (s sign) urgent() bool {
	return s.State != s.Shown && (needsPerson(s.State) || needsPerson(s.Shown))
}

// every is how long after a push the next may follow.
func (p *present) every() time.Duration {
	for _, a := range p.Agents {
		if a.urgent() {
			return presenceUrgent
		}
	}
	return presenceEvery
}

func (t *Tracker) presentPath() string {
	return filepath.Join(t.outer.CommonDir, "crosslink", "present.json")
}

// readPresent returns the note as of now; one that cannot be read is none.
func (t *Tracker) readPresent() present {
	var p present
	if note.Read(t.presentPath(), maxPresent, &p) != nil {
		p = present{}
	}
	if p.Agents == nil {
		p.Agents = map[string]sign{}
	}
	maps.DeleteFunc(p.Agents, func(id string, a sign) bool {
		return event.ValidAgentID(id) != nil || !slices.Contains(event.PresenceStates, a.State)
	})
	for _, at := range []*time.Time{&p.Pushed, &p.Tried, &p.Refused} {
		if at.After(t.now()) { // a clock was wrong
			*at = time.Time{}
		}
	}
	return p
}

func (t *Tracker) notePresent(p present) error {
	if err := statefile.MakeHome(filepath.Dir(t.presentPath())); err != nil {
		return note.InTheWay(err)
	}
	return note.Write(t.presentPath(), p)
}

// held returns the issue whose lock an agent got last, of those that one step
// granted any, but always the same; false if it has none.
func (s *snapshot) held(agent string) (event.UUID, bool) {
	var issue event.UUID
	var token uint64
	for u, k := range s.decidedState().Locks {
		if k.Agent == agent && (k.Token > token || k.Token == token && bytes.Compare(u[:], issue[:]) > 0) {
			issue, token = u, k.Token
		}
	}
	return issue, token > 0
}

// canShow reports whether there is anybody to show signs of life to, and a
// clone that lasts.
func (t *Tracker) canShow(bound, writable bool) bool {
	return t.hub != nil && !t.hub.Self && bound && writable && t.getenv("CI") == "" && t.config("crosslink.sync") != "manual"
}

// pulse is called at the end of commands that know the state: that somebody
// runs them is a sign of life.
func (t *Tracker) pulse(g glance) {
	has, holds := g.Held[t.agent]
	if !holds || t.unwatched || !t.canShow(g.Bound, g.Level == Level && !g.newer) {
		return
	}
	p, now := t.readPresent(), t.now()
	last := p.Pushed
	if at := has.Wrote.Std(); at.After(last) && !at.After(now) { // else a clock was wrong
		last = at
	}
	me := p.Agents[t.agent]
	if now.Sub(last) < presenceEvery && !(me.urgent() && now.Sub(p.Pushed) >= presenceUrgent) || now.Sub(p.Tried) < presenceTried {
		return
	}
	if me.Seen, me.Issue = now, has.Issue; me.State == "" {
		me.State = event.PresenceStates[0]
	}
	p.Agents[t.agent], p.Due, p.Tried = me, true, now
	// nobody waits for it: a note that cannot be kept is a sign not given
	if t.notePresent(p) == nil && now.Sub(p.Refused) >= presenceRefused {
		t.detach()
	}
}

// HeartbeatOptions say what an agent is doing.
type HeartbeatOptions struct {
	Issue   UUID   // zero: the one whose lock it got last
	State   string // "" is as before
	Offline bool
}

// What becomes of a heartbeat.
const (
	HeartbeatSent    = "sent"    // on its way, in the background
	HeartbeatRecent  = "recent"  // others have seen a sign less than 5 min old
	HeartbeatUnheld  = "unheld"  // no lock is held: nobody waits for it
	HeartbeatRefused = "refused" // the hub takes no signs of life
	HeartbeatKept    = "kept"    // nobody to show it to: no hub, offline, a CI job
)

// Heartbeat is what a heartbeat came to.
type Heartbeat struct {
	Agent   string
	State   string
	Issue   UUID   // zero is none
	Outcome string // one of the above
	Pushed  time.Time
}

// Heartbeat notes that this worktree's agent is alive, and shows it to others
// if one of its locks makes somebody ask.
func (t *Tracker) Heartbeat(ctx context.Context, o HeartbeatOptions) (*Heartbeat, error) {
	if t.agent == "" {
		if _, err := t.knownAgent(); err != nil {
			return nil, err
		}
		return nil, &fail.Error{Kind: fail.No, Code: "no-agent/presence", Message: "nobody has written here yet"}
	}
	s, err := t.load(ctx)
	if err != nil {
		return nil, err
	}
	p, now := t.readPresent(), t.now()
	issue, holds := s.held(t.agent)
	me := p.Agents[t.agent]
	if me.Seen, me.Issue = now, issue; o.Issue != (UUID{}) {
		me.Issue = o.Issue
	}
	switch {
	case o.State != "":
		me.State = o.State
	case me.State == "":
		me.State = event.PresenceStates[0]
	}
	p.Agents[t.agent] = me
	h := &Heartbeat{Agent: t.agent, State: me.State, Issue: me.Issue, Outcome: HeartbeatSent, Pushed: p.Pushed}
	switch {
	case !t.canShow(s.bound, s.writable()) || o.Offline:
		h.Outcome = HeartbeatKept
	case !holds && !me.urgent():
		h.Outcome = HeartbeatUnheld
	case now.Sub(p.Refused) < presenceRefused:
		h.Outcome = HeartbeatRefused
	case now.Sub(p.Pushed) < p.every():
		h.Outcome = HeartbeatRecent
	default:
		p.Due, p.Tried = true, now
	}
	if err := t.notePresent(p); err != nil {
		return nil, t.unwritable(fmt.Errorf("note the heartbeat: %w", err))
	}
	if h.Outcome == HeartbeatSent {
		t.detach()
	}
	return h, nil
}

// showPresence is the part of a sync in the background that pushes signs of
// life, under the sync lock. What goes wrong with it is nobody's business.
func (t *Tracker) showPresence(ctx context.Context) error {
	p, now := t.readPresent(), t.now()
	if !p.Due || now.Sub(p.Refused) < presenceRefused || now.Sub(p.Pushed) < p.every() || t.contact.Refused != "" {
		return nil
	}
	s, err := t.load(ctx)
	if err != nil || !t.canShow(s.bound, s.writable()) {
		return err
	}
	var shown event.Presence
	for id, a := range p.Agents {
		if _, holds := s.held(id); !holds && !needsPerson(a.State) && !a.urgent() || s.logs[id] == nil || s.logs[id].here == "" {
			delete(p.Agents, id)
			continue
		}
		shown = append(shown, event.AgentPresence{Agent: id, LastSeen: event.TimeOf(a.Seen), Issue: a.Issue, State: a.State})
	}
	if p.Due = false; len(shown) == 0 {
		return t.notePresent(p)
	}
	id, err := t.cloneID()
	if err != nil {
		return err
	}
	tip, err := refs.WriteCommit(ctx, t.local(), map[string][]byte{"presence.json": shown.Encode()}, nil,
		refs.CommitInfo{Address: t.committer(), Author: shown[0].Agent, When: now, Message: "crosslink: presence\n\n[skip ci]\n"})
	if err != nil {
		return err
	}
	push := refs.Push{Refs: []refs.PushRef{{Src: tip, Dst: refs.HubPresence + id, Force: true}}}
	res, err := t.push(ctx, push, syncer.Facts)
	switch {
	case err != nil:
		return nil // paced, or no time left: the next one shows more
	case hubs.AllAccepted(push, res):
		p.Pushed = now
		for id, a := range p.Agents {
			a.Shown = a.State
			p.Agents[id] = a
		}
	case !res.Reached: // a connection that was lost is no refusal
	default:
		p.Refused = now
	}
	return t.notePresent(p)
}

// cloneID names this clone, at random, once; a copy of a clone takes another.
func (t *Tracker) cloneID() (string, error) {
	path := filepath.Join(t.outer.CommonDir, "crosslink", "clone")
	id, err := readIdentity(path)
	if err == nil && id != nil && !copied(path, id) {
		return id.Agent, nil
	}
	return writeIdentity(path, strings.ToLower(rand.Text()), id != nil || err != nil)
}

// maxPresences is how many clones' signs of life are read, the newest by their
// commits' dates; maxPresenceHeads of how many the date is looked at. Variables
// for their test.
var maxPresences, maxPresenceHeads = 1000, 20_000

// presences reads, when it is first asked for, what the last fetch brought. The
// second function says how many were not read.
func (t *Tracker) presences(ctx context.Context, s *snapshot) (seen func() map[string]event.AgentPresence, unread func() int) {
	ctx = context.WithoutCancel(ctx) // a snapshot outlives the fetch in which it was loaded
	read := sync.OnceValues(func() (map[string]event.AgentPresence, int) {
		all := map[string]event.AgentPresence{}
		latest := event.TimeOf(t.now().Add(clockSkew))
		tips, left := t.newestPresences(ctx, s)
		for _, tip := range tips {
			files, err := refs.ReadFiles(ctx, t.local(), tip, event.MaxPresence)
			if err != nil {
				continue
			}
			p, err := event.DecodePresence(files["presence.json"])
			if err != nil {
				continue
			}
			for _, a := range p {
				if a.LastSeen > all[a.Agent].LastSeen && a.LastSeen <= latest {
					all[a.Agent] = a
				}
			}
		}
		return all, left
	})
	return func() map[string]event.AgentPresence { all, _ := read(); return all }, func() int { _, left := read(); return left }
}

// newestPresences are the commits to be read, and how many are left. A date
// that has not come yet is older than any.
func (t *Tracker) newestPresences(ctx context.Context, s *snapshot) (tips []refs.OID, left int) {
	var names []string
	for name := range s.refs {
		if strings.HasPrefix(name, refs.PresenceHere) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names[:min(len(names), maxPresenceHeads)] {
		tips = append(tips, s.refs[name])
	}
	if len(names) <= maxPresences {
		return tips, 0
	}
	dates := map[refs.OID]int64{}
	latest := t.now().Add(clockSkew).Unix()
	// one that cannot be read has no date
	_ = t.local().Read(ctx, tips, presenceHead, func(i int, o refs.Object, err error) error {
		if err == nil && o.Kind == refs.Commit {
			if h, err := refs.ParseCommit(t.local().Format(), o.Data); err == nil && h.When <= latest {
				dates[tips[i]] = h.When
			}
		}
		return nil
	})
	slices.SortStableFunc(tips, func(a, b refs.OID) int { return cmp.Compare(dates[b], dates[a]) })
	tips = tips[:min(len(tips), maxPresences)]
	return tips, len(names) - len(tips)
}

// presenceHead bounds the commit of a sign of life.
const presenceHead = 8 << 10

// checkPresence is the doctor's look at signs of life.
func (t *Tracker) checkPresence(_ context.Context, s *snapshot) ([]fail.Diagnosis, error) {
	var found []fail.Diagnosis
	if s.unread == nil {
		return nil, nil // nothing was fetched yet
	}
	if n := s.unread(); n > 0 {
		found = append(found, fail.Diagnosis{Code: "presence-many", Severity: fail.Note, Text: fmt.Sprintf("the hub holds %d signs of life, of which the newest %d are read: %d are not shown", n+maxPresences, maxPresences, n)})
	}
	if _, holds := s.held(t.agent); !holds || t.now().Sub(t.readPresent().Refused) >= presenceRefused {
		return found, nil
	}
	return append(found, presenceNote()), nil
}

func presenceNote() fail.Diagnosis {
	return fail.Diagnosis{Code: "presence", Severity: fail.Note, Text: "the hub takes no signs of life (refs/crosslink/presence): who wants your lock sees your events only, so write one now and then"}
}
