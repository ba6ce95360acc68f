package store

import (
	"github.com/git-crosslink/git-crosslink/event"
)

// WithPresence adds what clones say of their agents outside all logs; read is
// called when it is first asked for. It belongs to no state.
func (m *Memory) WithPresence(read func() map[string]event.AgentPresence) *Memory {
	m.presence = read
	return m
}

// Presence is the newest heartbeat that a clone gave of an agent outside its
// log. It is a hint, anybody can have written it.
func (m *Memory) Presence(agent string) (event.AgentPresence, bool) {
	if m.presence == nil {
		return event.AgentPresence{}, false
	}
	p, ok := m.presence()[agent]
	return p, ok
}
