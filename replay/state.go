package replay

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Names of refs in a replica that a State follows from.
const (
	HereRoot = "refs/heads/crosslink/" // written here
	HubRoot  = refs.SeenPrefix         // last seen on the hub, and accepted
	LostRoot = "refs/lost/"            // tips of the ledger that the hub lost, by id

	// ArchivedRoot is the prefix of refs for logs that the hub keeps in its archive, by
	// agent.
	ArchivedRoot = refs.ArchivedPrefix

	// IncomingRoot is the prefix of refs that were fetched last and are not checked yet.
	// They never affect a State.
	IncomingRoot = refs.IncomingPrefix

	Agents     = refs.Agents // below HereRoot and HubRoot: one log each
	MetaName   = "meta"
	LedgerName = "checkpoint"

	ArchiveName = "archive" // logs of retired agents
)

// FormatVersion is the hub format that this package reads.
const FormatVersion = 4

// Relevant reports whether a ref of this name affects a State. Presence is read
// separately, and refs that were fetched but not accepted change nothing.
func Relevant(name string) bool {
	return strings.HasPrefix(name, HereRoot) || strings.HasPrefix(name, HubRoot) || strings.HasPrefix(name, LostRoot) || strings.HasPrefix(name, ArchivedRoot) || strings.HasPrefix(name, TrustedMeta)
}

// Stamp returns a hash of all refs that affect a State.
func Stamp(all map[string]refs.OID) []byte {
	names := make([]string, 0, len(all))
	for name := range all {
		if Relevant(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var b []byte
	for _, name := range names {
		b = append(append(append(append(b, all[name]...), ' '), name...), '\n')
	}
	sum := sha256.Sum256(b)
	return sum[:]
}

// State is what was read from a replica at one moment, without the lines. The zero State
// means that nothing was read. The content of a returned State never changes; ReadWith and
// the first use of a cursor only change where it is read from.
type State struct {
	Refs  map[string]refs.OID // the relevant ones; those of logs only if they were read, not decoded
	Level int                 // the hub's format version; 0: there is no hub yet
	Bound bool                // the hub's own meta has been seen
	Hub   string              // id that the lines carry; "" if there is no meta

	// From the meta. Roll is nil if there is none of this format version.
	Meta       *trust.Meta
	Roll       *trust.State
	MetaCommit refs.OID // the commit Roll was read from
	BadMeta    *BadMeta // commits above it that are not valid

	Ledger LedgerState
	Logs   *Logs
	Newest event.Time // greatest time of the lines that count

	stamp []byte // of Refs, where it was made
}

// Stamp returns the hash of the refs that the State was read from.
func (s *State) Stamp() []byte {
	if s.stamp != nil {
		return s.stamp
	}
	return Stamp(s.Refs)
}

// LedgerState is the content of the ledger.
type LedgerState struct {
	Ref     refs.OID                       `json:"ref,omitempty"`   // what it was read from
	Tip     string                         `json:"tip,omitempty"`   // Ref, where that could be judged
	Step    string                         `json:"step,omitempty"`  // the nearest valid step
	Since   uint64                         `json:"since,omitempty"` // bad steps after it
	Bad     []ledger.Bad                   `json:"bad,omitempty"`   // the newest MaxBad of all below Tip
	Issues  int                            `json:"issues"`          // how many have a number
	Covers  int                            `json:"covers"`          // how many logs steps cover something of
	Locks   map[event.UUID]ledger.Lock     `json:"locks,omitempty"`
	Queue   map[event.UUID][]ledger.Waiter `json:"queue,omitempty"`
	Aliases map[uint64]uint64              `json:"aliases,omitempty"`

	Base     string     `json:"base,omitempty"`      // hash of the base that the hub started from
	BaseTime event.Time `json:"base_time,omitempty"` // the greatest time in it

	// Err is the reason why the ledger could not be checked; then nothing is decided. With
	// ledger.ErrNewer, the fields above have the decisions by known rules.
	Err error `json:"-"`
}

// MaxBad is how many bad steps are remembered.
const MaxBad = 100

// Verdict returns which lines of an agent's log count, and which are signed; nil if there
// is no meta. If the cursor cannot be read, no line counts; the next read judges the log
// from its first line.
func (s *State) Verdict(agent string) *trust.Verdict {
	c := s.Cursor(agent)
	switch {
	case c == nil, c.Trust == nil && c.Judged == nil:
		return nil
	case c.Trust == nil:
		if v, ok := c.judged(); ok {
			return v
		}
	default:
		if at, ok := c.checkpoint(); ok {
			return s.Roll.Recall(agent, at, c.Covered)
		}
	}
	return trust.Unread(agent, c.Seq)
}

// Chain returns the end of an agent's log, to which a line can be appended.
func (s *State) Chain(agent string) event.Chain {
	k := event.Chain{Hub: s.Hub, Agent: agent}
	if c := s.Cursor(agent); c != nil {
		k.Seq, k.Hash, k.Time = c.Seq, c.Hash, c.Time
	}
	return k
}

// Cursor returns the cursor of an agent's log; nil if there is no such log. If the cursor
// can no longer be read, it returns that of a log whose objects are missing.
func (s *State) Cursor(agent string) *Cursor {
	c, err := s.Logs.get(agent)
	if err != nil {
		hub := s.Logs.settled[agent].hub
		return &Cursor{Hub: hub, View: hub, Missing: true}
	}
	return c
}

// activeWith are the ids of the logs that are not settled and have something, sorted.
func (s *State) activeWith(some func(*Cursor) bool) (ids []string) {
	for _, id := range s.Logs.active() {
		if some(s.Logs.cursors[id]) {
			ids = append(ids, id)
		}
	}
	return ids
}

// AgentIDs returns the ids of all logs, sorted.
func (s *State) AgentIDs() []string { return s.Logs.agents() }

// Active returns the ids of the logs that are not settled, sorted. In a settled log every
// line is on the hub, counts, and is covered by the ledger.
func (s *State) Active() []string { return s.Logs.active() }

// WroteSince returns how many agents have a line that counts with this time or a later
// one, and how many of their logs are written here.
func (s *State) WroteSince(from event.Time) (all, here int) {
	if s.Logs == nil {
		return 0, 0
	}
	for _, x := range s.Logs.settled { // none of them is written here
		if x.newest >= from {
			all++
		}
	}
	for id, c := range s.Logs.cursors {
		if _, settled := s.Logs.settled[id]; settled || c.Counted == 0 || c.Newest < from {
			continue
		}
		if all++; c.Here != "" {
			here++
		}
	}
	return all, here
}

// Lines is how many lines all logs have.
func (s *State) Lines() (n uint64) {
	if s.Logs == nil {
		return 0
	}
	for id, x := range s.Logs.settled {
		if s.Logs.cursors[id] == nil {
			n += x.seq
		}
	}
	for _, c := range s.Logs.cursors {
		n += c.Seq
	}
	return n
}

// Settled returns how many lines a settled log has; 0 if it is not settled.
func (s *State) Settled(agent string) uint64 {
	if s.Logs == nil {
		return 0
	}
	return s.Logs.settled[agent].seq
}

// ReadWith replaces the function that reads cursors that were not read yet, because the
// file that it read was closed. The new function returns the same cursors.
func (s *State) ReadWith(read func(agent string) (*Cursor, error)) {
	if s.Logs != nil {
		s.Logs.read = read
	}
}

// Open returns the undecided lines of a log, in order. Lines that create something have
// only the sequence. Unsigned lines at the end that do not count are left out.
func (s *State) Open(agent string) []*event.Envelope {
	c := s.Cursor(agent)
	if c == nil || len(c.Undecided) == 0 {
		return nil
	}
	var lines []*event.Envelope
	for _, u := range c.Undecided {
		if c.Trails && u.Seq > c.Counted {
			break
		}
		e := &event.Envelope{Agent: agent, Seq: u.Seq, Body: &event.IssueCreated{}}
		if u.Raw != "" {
			var err error
			if e, err = event.Decode([]byte(u.Raw)); err != nil {
				continue // it was decoded when it was read
			}
		}
		lines = append(lines, e)
	}
	return lines
}

// Lost returns the branches of the ledger that the hub has lost and that are not restored
// yet.
func (s *State) Lost() (tips []refs.OID) {
	for name, oid := range s.Refs {
		if strings.HasPrefix(name, LostRoot) {
			tips = append(tips, oid)
		}
	}
	slices.Sort(tips)
	return tips
}

// Proofs returns the fork proofs in the logs, by the agent they are about.
func (s *State) Proofs() map[string][]*trust.Proof {
	all := map[string][]*trust.Proof{}
	for _, id := range s.activeWith(func(c *Cursor) bool { return len(c.Proofs) > 0 }) {
		for _, x := range s.Logs.cursors[id].Proofs {
			if p, err := trust.NewProof([]byte(x.A), []byte(x.B)); err == nil {
				all[p.Agent] = append(all[p.Agent], p)
			}
		}
	}
	return all
}

// judges reports whether the lines can be judged by a meta of this format version.
func (s *State) judges() bool { return s.Roll != nil && s.Roll.Newer() == 0 }

// Cacheable reports whether the State depends only on its refs: it shows nothing in place
// of data that is missing for now.
func (s *State) Cacheable() bool {
	if s.Level != FormatVersion || !s.judges() || s.Ledger.Err != nil {
		return false
	}
	return s.activeWith(func(c *Cursor) bool { return c.Torn || c.Missing || c.Foreign }) == nil
}

// header is a State without its cursors.
type header struct {
	Hub    string              `json:"hub"`
	Bound  bool                `json:"bound"`
	Meta   refs.OID            `json:"meta"`
	Refs   map[string]refs.OID `json:"refs"` // those that are no log's
	Ledger LedgerState         `json:"ledger"`
	Newest event.Time          `json:"newest"`
}

// Header returns the State without its cursors, encoded.
func (s *State) Header() []byte {
	h := header{s.Hub, s.Bound, s.MetaCommit, map[string]refs.OID{}, s.Ledger, s.Newest}
	for name, oid := range s.Refs {
		if _, _, isLog := logRef(name); !isLog {
			h.Refs[name] = oid
		}
	}
	b, err := json.Marshal(h)
	if err != nil {
		panic(err) // strings and numbers
	}
	return b
}

// Saved is an encoded State, as a store keeps it.
type Saved struct {
	Stamp, Header []byte
	Index         []byte                              // of the logs
	Cursor        func(agent string) (*Cursor, error) // of a log that is in the index
}

// Decode returns a saved State without its meta, so that Advance can resume from it.
func Decode(b Saved) (*State, error) {
	var h header
	if err := json.Unmarshal(b.Header, &h); err != nil {
		return nil, fmt.Errorf("decode the header: %w", err)
	}
	logs, err := decodeLogs(b.Index, b.Cursor)
	if err != nil {
		return nil, fmt.Errorf("decode the index of the logs: %w", err)
	}
	return &State{stamp: b.Stamp, Refs: h.Refs, Level: FormatVersion, Bound: h.Bound, Hub: h.Hub, MetaCommit: h.Meta, Ledger: h.Ledger, Newest: h.Newest, Logs: logs}, nil
}

// logRef reports whether a ref is a log's, and whose.
func logRef(name string) (agent string, here, isLog bool) {
	if id, ok := strings.CutPrefix(name, HereRoot+Agents); ok {
		return id, true, event.ValidAgentID(id) == nil
	}
	for _, root := range []string{HubRoot + Agents, ArchivedRoot} {
		if id, ok := strings.CutPrefix(name, root); ok {
			return id, false, event.ValidAgentID(id) == nil
		}
	}
	return "", false, false
}

// HubTip returns the tip of a log on the hub: that of its branch or, if there is no
// branch, that in the archive; "" if the hub has neither.
func HubTip(all map[string]refs.OID, agent string) (tip refs.OID, archived bool) {
	if tip := all[HubRoot+Agents+agent]; tip != "" {
		return tip, false
	}
	tip = all[ArchivedRoot+agent]
	return tip, tip != ""
}
