package reading

import (
	"errors"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Projection answers questions about the state at one moment. It does not change,
// and is asked while its Reader is open; store.Memory is one, store.File another.
type Projection interface {
	store.Issues
	store.Lists
	store.Records
	store.Signs
	store.Checks
}

var (
	_ Projection = (*store.Memory)(nil)
	_ Projection = (*store.File)(nil)
)

// Log is one agent's log as this replica sees it.
type Log struct {
	Agent string
	*replay.Cursor
	Open   []*event.Envelope // lines that no step covers and that one may answer
	Legacy bool              // level-3 lines, which have no chain

	of      *replay.State     // that the verdict follows from; nil: there is none
	verdict *trust.Verdict    // once it was asked for
	hub     string            // id that the lines carry
	lines   []*event.Envelope // all, once they were asked for
}

// Verdict is what of the lines counts; nil: all of them.
func (l *Log) Verdict() *trust.Verdict {
	if l.verdict == nil && l.of != nil {
		l.verdict = l.of.Verdict(l.Agent)
	}
	return l.verdict
}

// Chain is the end of the log, for a line to be appended.
func (l *Log) Chain() event.Chain {
	return event.Chain{Hub: l.hub, Agent: l.Agent, Seq: l.Seq, Hash: l.Hash, Time: l.Time}
}

// Begin is the beginning of the log, for all its lines to be read.
func (l *Log) Begin() event.Chain { return event.Chain{Hub: l.hub, Agent: l.Agent} }

// Unsent is how many lines the hub does not have.
func (l *Log) Unsent() int { return int(l.Cursor.Unsent()) }

// Forked reports whether one key is proven to have written two histories.
func (l *Log) Forked() bool { v := l.Verdict(); return v != nil && v.Forked }

// Kept is how many lines are before the unsigned ones, where it trails.
func (l *Log) Kept() uint64 { return l.Verdict().Kept() }

// Sends reports whether the log was written here, and can be sent.
func (l *Log) Sends() bool {
	return l.Here != "" && l.View == l.Here && l.Unsent() > 0 && !l.Diverged && !l.Trails // what ends unsigned counts for nobody
}

// Empty reports a branch of the hub that is named as a log and holds no event.
func (l *Log) Empty() bool {
	return l.Hub != "" && l.Here == "" && l.Seq == 0 && l.Ended == "" && !l.Missing && !l.Foreign
}

// Stray reports whether the hub's log of an agent is Empty, and is not one of the hub
// that was migrated.
func (s *Snapshot) Stray(id string) bool {
	if s.Meta != nil && s.Meta.Migrated != nil {
		if _, old := s.Meta.Migrated.Logs[id]; old {
			return false
		}
	}
	return s.Log(id).Empty()
}

// Short reports whether the hub holds less of the log, or another one, than the
// ledger covers. What the ledger covers is the log: another line there is a forgery.
func (l *Log) Short() bool {
	return l.Hub == "" || l.HubSeq < l.Position && !l.Diverged || l.View == l.Hub && l.Seq >= l.Position && l.Position > 0 && l.Covered == 0
}

// Snapshot is everything read from the replica at one moment, without the lines.
type Snapshot struct {
	*replay.State

	AllRefs map[string]refs.OID // the replica's, whether the State follows from them or not
	Apart   bool                // a hub was met, but the numbers given out here stand until init --join
	View    Projection
	Presence
	UnreadFiles []event.UnreadFile // of a hub of level 2: they are not shown

	logs    map[string]*Log // those that were asked for, and those that are not in the State
	draft   bool            // the logs may be changed
	judge   func(*Snapshot) Decided
	decided *Decided // nil until Decided is called
}

// Presence is what lies in the replica outside the logs about who works.
type Presence struct {
	Seen   func() map[string]event.AgentPresence
	Unread func() int // how many more of them there are
}

// Of returns a snapshot of a State and nothing else.
func Of(s *replay.State) *Snapshot { return &Snapshot{State: s, logs: map[string]*Log{}} }

// Replayed reports whether the logs were read through their cursors: not where there
// is no replica, nor at level 2 and 3.
func (s *Snapshot) Replayed() bool { return s.State.Logs != nil }

// take fills in what was read.
func (s *Snapshot) take(r *replay.State) { s.State, s.logs, s.decided = r, map[string]*Log{}, nil }

// Log is the log of an agent, nil if it has none.
func (s *Snapshot) Log(agent string) *Log {
	if l := s.logs[agent]; l != nil {
		return l
	}
	c := s.State.Cursor(agent)
	if c == nil {
		return nil
	}
	if s.draft {
		c = new(*c)
	}
	l := &Log{Agent: agent, Cursor: c, of: s.State, Open: s.State.Open(agent), hub: s.Hub}
	s.logs[agent] = l
	return l
}

// AgentIDs are the ids of all logs, sorted.
func (s *Snapshot) AgentIDs() []string { return s.sorted(s.State.AgentIDs()) }

// Logs are all logs, sorted by agent. They are read for that: a command that only needs
// those in which something is unsent, undecided or wrong asks for Active.
func (s *Snapshot) Logs() []*Log { return s.each(s.AgentIDs()) }

// Active are the logs that are not settled, sorted by agent. In all others every line
// is on the hub, counts, and is covered by the ledger.
func (s *Snapshot) Active() []*Log { return s.each(s.sorted(s.State.Active())) }

// sorted adds the ids of logs that are not in the State, or are drafts.
func (s *Snapshot) sorted(ids []string) []string {
	n := len(ids)
	for id, l := range s.logs {
		if _, known := slices.BinarySearch(ids[:n], id); !known && (l.of == nil || s.draft) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (s *Snapshot) each(ids []string) []*Log {
	all := make([]*Log, len(ids))
	for i, id := range ids {
		all[i] = s.Log(id)
	}
	return all
}

// Seq is the last line of an agent's log, and Counted how many lines of it count.
func (s *Snapshot) Seq(agent string) uint64 {
	return s.lines(agent, func(l *Log) uint64 { return l.Seq })
}

func (s *Snapshot) Counted(agent string) uint64 {
	return s.lines(agent, func(l *Log) uint64 { return l.Counted })
}

func (s *Snapshot) lines(agent string, of func(*Log) uint64) uint64 {
	if l := s.logs[agent]; l != nil {
		return of(l)
	}
	if n := s.State.Settled(agent); n > 0 {
		return n
	}
	if l := s.Log(agent); l != nil {
		return of(l)
	}
	return 0
}

// Draft is the same snapshot, for lines to be stamped on.
func (s *Snapshot) Draft() *Snapshot {
	s.Active() // with the hub they were read for
	c, state := *s, *s.State
	c.State, c.logs, c.draft = &state, make(map[string]*Log, len(s.logs)), true
	for id, l := range s.logs {
		c.logs[id] = &Log{Agent: l.Agent, Cursor: new(*l.Cursor), of: l.of, verdict: l.verdict, Open: slices.Clone(l.Open), Legacy: l.Legacy, hub: l.hub}
	}
	return &c
}

// Found makes a draft that of a hub whose meta was just written.
func (s *Snapshot) Found(commit refs.OID, roll *trust.State) {
	s.Meta, s.Roll, s.MetaCommit, s.Hub, s.Level, s.decided = roll.Meta, roll, commit, roll.Meta.Hub, replay.FormatVersion, nil
}

// NewLog makes in a draft the log of an agent that has written nothing yet.
func (s *Snapshot) NewLog(id string) *Log {
	l := &Log{Agent: id, Cursor: &replay.Cursor{}, hub: s.Hub}
	s.logs[id] = l
	return l
}

// Append puts lines that were stamped on a draft at the end of a log, whose tip they
// become.
func (s *Snapshot) Append(l *Log, end event.Chain, tip refs.OID, lines []*event.Envelope) {
	l.Seq, l.Hash, l.Time, l.Here, l.View = end.Seq, end.Hash, end.Time, tip, tip
	for _, e := range lines {
		s.Newest = max(s.Newest, e.Time)
		if ledger.Decides(e) {
			l.Open = append(l.Open, e)
		}
	}
}

// Check says whether the reducer would reject an event that is written on s, and on
// what was stamped since.
func (s *Snapshot) Check(stamped *reducer.State, author string, b event.Body) error {
	if err := s.View.Check(author, b); err != nil {
		return err
	}
	return stamped.Check(author, b)
}

// LocalAgents are own, and those of all other logs that are written here.
func (s *Snapshot) LocalAgents(own string) []string {
	ids := []string{own}
	for _, l := range s.Active() {
		if l.Here != "" && l.Agent != own {
			ids = append(ids, l.Agent)
		}
	}
	return ids
}

// Unsent is how many lines the hub does not have.
func (s *Snapshot) Unsent() int {
	n := 0
	for _, l := range s.Active() {
		n += l.Unsent()
	}
	return n
}

// UnboundLines reports whether lines written here wait to be rebuilt for the hub.
func (s *Snapshot) UnboundLines() bool {
	for _, l := range s.Active() {
		if l.Foreign && l.Ended == "" {
			return true
		}
	}
	return false
}

// Proven reports whether somebody has proven that a log forked.
func (s *Snapshot) Proven() bool {
	for _, l := range s.Active() {
		if len(l.Cursor.Proofs) > 0 {
			return true
		}
	}
	return false
}

// Undecidable reports whether the ledger cannot be judged, or steps of it are not
// believed.
func (s *Snapshot) Undecidable() bool { return s.Ledger.Err != nil || len(s.Ledger.Bad) > 0 }

// NewerRules reports whether the ledger holds a step that was decided by rules
// that this program does not know, and the hub's meta admits them.
func (s *Snapshot) NewerRules() bool { return errors.Is(s.Ledger.Err, ledger.ErrNewer) }

// Writable reports whether this program writes to a hub of this level, and the hub has
// not moved.
func (s *Snapshot) Writable() bool {
	return s.Level == replay.FormatVersion && !s.NewerRules() && s.Successor() == ""
}

// Successor is the URL of the hub on which one that has moved continues, "" if it has not.
func (s *Snapshot) Successor() string {
	if s.Meta == nil || !s.Bound {
		return ""
	}
	return s.Meta.Successor()
}

// Waits reports whether an agent waits for a lock.
func (s *Snapshot) Waits(issue event.UUID, agent string) bool {
	return slices.ContainsFunc(s.Ledger.Queue[issue], func(w ledger.Waiter) bool { return w.Agent == agent })
}

// Held returns the issue whose lock an agent got last, of those that one step
// granted any, but always the same; false if it has none.
func (s *Snapshot) Held(agent string) (event.UUID, bool) {
	var issue event.UUID
	var token uint64
	for u, k := range s.Ledger.Locks {
		if k.Agent == agent && (k.Token > token || k.Token == token && slices.Compare(u[:], issue[:]) > 0) {
			issue, token = u, k.Token
		}
	}
	return issue, token > 0
}

// HeldBy are all issues whose locks an agent has.
func (s *Snapshot) HeldBy(agent string) (issues []event.UUID) {
	for u, k := range s.Ledger.Locks {
		if k.Agent == agent {
			issues = append(issues, u)
		}
	}
	slices.SortFunc(issues, func(a, b event.UUID) int { return strings.Compare(a.String(), b.String()) })
	return issues
}

// Claims reports whether an agent has a lock or waits for one, as far as is known
// here.
func (s *Snapshot) Claims(agent string) bool {
	for _, l := range s.Locks() {
		if l.Holder == agent && !l.Ending || slices.ContainsFunc(l.Queue, func(w delta.Waiter) bool { return w.Agent == agent }) {
			return true
		}
	}
	return false
}

// Keys are the keys in force of an agent.
func (s *Snapshot) Keys(agent string) []trust.Key {
	if l := s.Log(agent); l != nil && l.Verdict() != nil {
		return l.Verdict().Keys
	}
	if s.Roll == nil {
		return nil
	}
	return s.Roll.Log(agent, trust.LogOptions{}).Verdict().Keys
}

// ContinuedSigned reports whether what an agent writes next counts only if it is
// signed.
func (s *Snapshot) ContinuedSigned(agent string) bool {
	l := s.Log(agent)
	return l != nil && l.Verdict() != nil && l.Verdict().Signed()
}

// Short are the logs of which the hub lacks lines that the ledger covers, and what
// it covers of each.
func (s *Snapshot) Short() map[string]ledger.Position {
	missing := map[string]ledger.Position{}
	if s.Ledger.Err != nil || s.Ledger.Step == "" {
		return missing
	}
	covered := len(s.AgentIDs()) - len(s.Active())
	few := true
	for _, l := range s.Active() {
		if l.Position > 0 {
			covered++
			few = few && !l.Short()
		}
	}
	if few && covered == s.Ledger.Covers {
		return missing
	}
	for id, at := range s.Decided().View.Ledger.Positions() {
		if s.Settled(id) > 0 {
			continue
		}
		if l := s.Log(id); l == nil || l.Short() {
			missing[id] = at
		}
	}
	return missing
}

// Glance is what a read tells besides the answer. It is kept with the store.
type Glance struct {
	Level  int             `json:"level"`
	Bound  bool            `json:"bound"`
	Unsent int             `json:"unsent"`
	Held   map[string]Held `json:"held"` // by agent

	UnreadFiles int    `json:"unread_files,omitempty"` // of a hub of level 2: they are not shown
	UnreadFile  string `json:"unread_file,omitempty"`  // one of them

	Newer bool `json:"-"` // the ledger has rules that only newer programs know; then nothing is kept
}

// Held is what an agent has, and when it last wrote.
type Held struct {
	Issue event.UUID `json:"issue"`
	Wrote event.Time `json:"wrote"`
}

// Glance is what a read of s tells besides the answer.
func (s *Snapshot) Glance() Glance {
	g := Glance{Level: s.Level, Bound: s.Bound, Unsent: s.Unsent(), Held: map[string]Held{}, Newer: s.NewerRules()}
	if g.UnreadFiles = len(s.UnreadFiles); g.UnreadFiles > 0 {
		g.UnreadFile = s.UnreadFiles[0].Path
	}
	for _, k := range s.Ledger.Locks {
		var h Held
		h.Issue, _ = s.Held(k.Agent)
		if l := s.Log(k.Agent); l != nil {
			h.Wrote = l.Shown
		}
		g.Held[k.Agent] = h
	}
	return g
}
