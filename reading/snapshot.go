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

// Projection answers queries about the state at one moment. It does not change, and can be
// used while its Reader is open. store.Memory and store.File implement it.
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
	Open   []*event.Envelope // lines without a step that a step may decide
	Legacy bool              // level-3 lines, which have no chain

	of      *replay.State     // the State that the verdict depends on; nil: there is none
	verdict *trust.Verdict    // set when first requested
	hub     string            // hub id in the lines
	lines   []*event.Envelope // all lines, when first requested
}

// Verdict returns which lines count; nil: all of them.
func (l *Log) Verdict() *trust.Verdict {
	if l.verdict == nil && l.of != nil {
		l.verdict = l.of.Verdict(l.Agent)
	}
	return l.verdict
}

// Chain returns the end of the log, to append a line.
func (l *Log) Chain() event.Chain {
	return event.Chain{Hub: l.hub, Agent: l.Agent, Seq: l.Seq, Hash: l.Hash, Time: l.Time}
}

// Begin returns the beginning of the log, to read all its lines.
func (l *Log) Begin() event.Chain { return event.Chain{Hub: l.hub, Agent: l.Agent} }

// Unsent returns how many lines the hub does not have.
func (l *Log) Unsent() int { return int(l.Cursor.Unsent()) }

// Forked reports whether one key is proven to have written two histories.
func (l *Log) Forked() bool { v := l.Verdict(); return v != nil && v.Forked }

// Kept returns how many lines there are before the unsigned ones at the end.
func (l *Log) Kept() uint64 { return l.Verdict().Kept() }

// Sends reports whether the log was written here, and can be sent.
func (l *Log) Sends() bool {
	return l.Here != "" && l.View == l.Here && l.Unsent() > 0 && !l.Diverged && !l.Trails // an unsigned end does not count for anybody
}

// Empty reports whether the log is a branch of the hub that contains no event.
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

// Short reports whether the hub has less of the log than the ledger covers, or other lines.
// Lines that the ledger covers are the log: another line in their place is a forgery.
func (l *Log) Short() bool {
	return l.Hub == "" || l.HubSeq < l.Position && !l.Diverged || l.View == l.Hub && l.Seq >= l.Position && l.Position > 0 && l.Covered == 0
}

// Snapshot is everything read from the replica at one moment, without the lines.
type Snapshot struct {
	*replay.State

	AllRefs map[string]refs.OID // all refs of the replica, whether the State depends on them or not
	Apart   bool                // a hub was met, but the local numbers stay until init --join
	View    Projection
	Presence
	UnreadFiles []event.UnreadFile // of a hub of level 2: files that are not shown

	logs    map[string]*Log // logs that were requested, and logs that are not in the State
	draft   bool            // the logs may be changed
	judge   func(*Snapshot) Decided
	decided *Decided // nil until Decided is called
}

// Presence is the replica's data about who is active, outside the logs.
type Presence struct {
	Seen   func() map[string]event.AgentPresence
	Unread func() int // how many more there are
}

// Of returns a snapshot with only a State.
func Of(s *replay.State) *Snapshot { return &Snapshot{State: s, logs: map[string]*Log{}} }

// Replayed reports whether the logs were read through their cursors. They are not if there
// is no replica, and at levels 2 and 3.
func (s *Snapshot) Replayed() bool { return s.State.Logs != nil }

// take replaces the State.
func (s *Snapshot) take(r *replay.State) { s.State, s.logs, s.decided = r, map[string]*Log{}, nil }

// Log returns the log of an agent, nil if it has none.
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

// AgentIDs returns the ids of all logs, sorted.
func (s *Snapshot) AgentIDs() []string { return s.sorted(s.State.AgentIDs()) }

// Logs returns all logs, sorted by agent, and reads their cursors. A command that only
// needs logs with unsent, undecided or invalid lines uses Active.
func (s *Snapshot) Logs() []*Log { return s.each(s.AgentIDs()) }

// Active returns the logs that are not settled, sorted by agent. In all others every line
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

// Seq returns the last line of an agent's log, and Counted how many of its lines count.
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

// Draft returns a copy of the snapshot, to which new lines can be added.
func (s *Snapshot) Draft() *Snapshot {
	s.Active() // read them while the hub is the same
	c, state := *s, *s.State
	c.State, c.logs, c.draft = &state, make(map[string]*Log, len(s.logs)), true
	for id, l := range s.logs {
		c.logs[id] = &Log{Agent: l.Agent, Cursor: new(*l.Cursor), of: l.of, verdict: l.verdict, Open: slices.Clone(l.Open), Legacy: l.Legacy, hub: l.hub}
	}
	return &c
}

// Found turns a draft into a snapshot of a hub whose meta was just written.
func (s *Snapshot) Found(commit refs.OID, roll *trust.State) {
	s.Meta, s.Roll, s.MetaCommit, s.Hub, s.Level, s.decided = roll.Meta, roll, commit, roll.Meta.Hub, replay.FormatVersion, nil
}

// NewLog adds to a draft the log of an agent that has written nothing yet.
func (s *Snapshot) NewLog(id string) *Log {
	l := &Log{Agent: id, Cursor: &replay.Cursor{}, hub: s.Hub}
	s.logs[id] = l
	return l
}

// Append adds lines that were stamped on a draft to the end of a log, and sets its new tip.
func (s *Snapshot) Append(l *Log, end event.Chain, tip refs.OID, lines []*event.Envelope) {
	l.Seq, l.Hash, l.Time, l.Here, l.View = end.Seq, end.Hash, end.Time, tip, tip
	for _, e := range lines {
		s.Newest = max(s.Newest, e.Time)
		if ledger.Decides(e) {
			l.Open = append(l.Open, e)
		}
	}
}

// Check returns the reducer's error for an event that is written after s and after the
// lines stamped since.
func (s *Snapshot) Check(stamped *reducer.State, author string, b event.Body) error {
	if err := s.View.Check(author, b); err != nil {
		return err
	}
	return stamped.Check(author, b)
}

// LocalAgents returns own and the agents of all other logs that are written here.
func (s *Snapshot) LocalAgents(own string) []string {
	ids := []string{own}
	for _, l := range s.Active() {
		if l.Here != "" && l.Agent != own {
			ids = append(ids, l.Agent)
		}
	}
	return ids
}

// Unsent returns how many lines the hub does not have.
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

// Undecidable reports whether the ledger cannot be judged or has invalid steps.
func (s *Snapshot) Undecidable() bool { return s.Ledger.Err != nil || len(s.Ledger.Bad) > 0 }

// NewerRules reports whether the ledger has a step with rules that this program does not
// know and the hub's meta admits.
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

// Held returns the issue whose lock an agent got last. If one step granted several, it
// always returns the same one; false if the agent holds none.
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

// HeldBy returns all issues whose locks an agent holds.
func (s *Snapshot) HeldBy(agent string) (issues []event.UUID) {
	for u, k := range s.Ledger.Locks {
		if k.Agent == agent {
			issues = append(issues, u)
		}
	}
	slices.SortFunc(issues, func(a, b event.UUID) int { return strings.Compare(a.String(), b.String()) })
	return issues
}

// Claims reports whether an agent holds a lock or waits for one, as far as this clone
// knows.
func (s *Snapshot) Claims(agent string) bool {
	for _, l := range s.Locks() {
		if l.Holder == agent && !l.Ending || slices.ContainsFunc(l.Queue, func(w delta.Waiter) bool { return w.Agent == agent }) {
			return true
		}
	}
	return false
}

// Keys returns the keys in force of an agent.
func (s *Snapshot) Keys(agent string) []trust.Key {
	if l := s.Log(agent); l != nil && l.Verdict() != nil {
		return l.Verdict().Keys
	}
	if s.Roll == nil {
		return nil
	}
	return s.Roll.Log(agent, trust.LogOptions{}).Verdict().Keys
}

// ContinuedSigned reports whether an agent's next line counts only if it is signed.
func (s *Snapshot) ContinuedSigned(agent string) bool {
	l := s.Log(agent)
	return l != nil && l.Verdict() != nil && l.Verdict().Signed()
}

// Short returns the logs in which the hub lacks lines that the ledger covers, and how much
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

// Glance is what a read reports besides its answer. The store keeps it.
type Glance struct {
	Level  int             `json:"level"`
	Bound  bool            `json:"bound"`
	Unsent int             `json:"unsent"`
	Held   map[string]Held `json:"held"` // by agent

	UnreadFiles int    `json:"unread_files,omitempty"` // of a hub of level 2: number of files that are not shown
	UnreadFile  string `json:"unread_file,omitempty"`  // one of them

	Newer bool `json:"-"` // the ledger has rules that only newer programs know; then nothing is stored
}

// Held is what an agent holds, and when it last wrote.
type Held struct {
	Issue event.UUID `json:"issue"`
	Wrote event.Time `json:"wrote"`
}

// Glance returns what a read of s reports besides its answer.
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
