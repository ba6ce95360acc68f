package store

import (
	"github.com/git-crosslink/git-crosslink/event"
)

// WithPresence adds heartbeats outside the logs, which are not part of the state. It calls
// read when they are first needed.
func (m *Memory) WithPresence(read func() map[string]event.AgentPresence) *Memory {
	m.presence = read
	return m
}

// Presence returns the newest heartbeat of an agent outside its log. It is only a hint,
// because anybody can write it.
func (m *Memory) Presence(agent string) (event.AgentPresence, bool) {
	if m.presence == nil {
		return event.AgentPresence{}, false
	}
	p, ok := m.presence()[agent]
	return p, ok
}
