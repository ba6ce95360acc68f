package event

import (
	"errors"
	"slices"
	"sort"

	"github.com/git-crosslink/git-crosslink/event/canon"
)

// Presence is what presence.json of refs/crosslink/presence/<clone-id> holds: when the agents
// of one clone were last seen there. It is not an event: it has no history, no rule depends on
// it, it is not signed, and it is only a hint.
type Presence []AgentPresence

// AgentPresence is one agent's heartbeat.
type AgentPresence struct {
	Agent    string
	LastSeen Time
	Issue    UUID   // issue?: worked on; zero is none
	State    string // working, idle, awaiting_input, paused; others are kept
}

// PresenceStates are those a command takes.
var PresenceStates = []string{"working", "idle", "awaiting_input", "paused"}

// Bounds of a presence.json.
const (
	MaxPresence       = 64 << 10
	maxPresenceAgents = 256
)

// Encode returns the file: one canonical line and LF.
func (p Presence) Encode() []byte {
	all := slices.Clone(p)
	sort.Slice(all, func(i, j int) bool { return all[i].Agent < all[j].Agent })
	var w canon.Writer
	w.Obj()
	w.Name("agents")
	w.Obj()
	for _, a := range all {
		w.Name(a.Agent)
		w.Obj()
		w.Name("last_seen")
		w.Str(a.LastSeen.String())
		if a.Issue != (UUID{}) {
			w.Name("issue")
			w.Str(a.Issue.String())
		}
		w.Name("state")
		w.Str(a.State)
		w.EndObj()
	}
	w.EndObj()
	w.EndObj()
	return append(w.Bytes(), '\n')
}

var errPresence = errors.New("not a presence")

// DecodePresence reads a presence.json; members it does not know are ignored.
func DecodePresence(b []byte) (Presence, error) {
	if len(b) > MaxPresence || len(b) == 0 || b[len(b)-1] != '\n' {
		return nil, errPresence
	}
	v, err := canon.Parse(b[:len(b)-1])
	if err != nil {
		return nil, err
	}
	agents, ok := v.Get("agents")
	if !ok || agents.Kind() != canon.Object || len(agents.Members()) > maxPresenceAgents {
		return nil, errPresence
	}
	p := Presence{}
	for _, m := range agents.Members() {
		a := AgentPresence{Agent: m.Name}
		seen, _ := m.Value.Get("last_seen")
		state, _ := m.Value.Get("state")
		at, isText := seen.Str()
		if a.State, ok = state.Str(); !ok || !isText || ValidAgentID(a.Agent) != nil || !presenceState(a.State) {
			return nil, errPresence
		}
		if a.LastSeen, err = ParseTime(at); err != nil {
			return nil, err
		}
		if issue, there := m.Value.Get("issue"); there {
			s, _ := issue.Str()
			if a.Issue, ok = ParseUUID(s); !ok {
				return nil, errPresence
			}
		}
		p = append(p, a)
	}
	return p, nil
}

func presenceState(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '_' && (c < 'a' || c > 'z') {
			return false
		}
	}
	return s != "" && len(s) <= 32
}
