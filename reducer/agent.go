package reducer

import (
	"cmp"

	"github.com/git-crosslink/git-crosslink/event"
)

// The rules of agents are:
//
//   - an agent describes itself in registers under its own id, which no other agent's events
//     can change;
//   - AgentIntroduced writes kind, description, machine and name, and the public key if it
//     has one; KeyRotated writes the public key. This package does not decide which key is in
//     force for signatures;
//   - AgentRetired is permanent, whatever the agent writes later;
//   - AgentForkedFrom adds to a set: the logs that this one continues;
//   - AgentForked is a proof about another agent, and the code that decides which lines to apply
//     has to check it. Unchecked, it would let anybody mark anybody, so it has no effect here.

type agent struct {
	introduced register[introduction]
	publicKey  register[string]
	retired    register[string] // the reason
	forkedFrom set[ForkPoint]
}

type introduction struct {
	kind                       event.AgentKind
	description, machine, name string
}

// ForkPoint is a position in a log: the last line that counts.
type ForkPoint struct {
	Agent string
	Seq   uint64
	Hash  string
}

func (s *State) agent(id string) *agent { return find(s.agents, id) }

func (s *State) agentIntroduced(at *stamp, e *event.AgentIntroduced) {
	a := s.agent(at.key.Agent)
	a.introduced.write(at, introduction{e.Kind, e.Description, e.Machine, e.Name})
	if e.PublicKey != "" {
		a.publicKey.write(at, e.PublicKey)
	}
}

func (s *State) keyRotated(at *stamp, e *event.KeyRotated) {
	s.agent(at.key.Agent).publicKey.write(at, e.PublicKey)
}

func (s *State) agentForkedFrom(at *stamp, e *event.AgentForkedFrom) {
	s.agent(at.key.Agent).forkedFrom.put(at, ForkPoint{e.Agent, e.Seq, e.Hash}, true)
}

func (s *State) agentRetired(at *stamp, e *event.AgentRetired) {
	s.agent(at.key.Agent).retired.write(at, e.Reason)
}

func (a *agent) merge(o *agent) {
	a.introduced.merge(o.introduced)
	a.publicKey.merge(o.publicKey)
	a.retired.merge(o.retired)
	a.forkedFrom.merge(o.forkedFrom)
}

func (a *agent) canonical(w *writer) {
	canonRegister(w, "introduced", a.introduced, func(w *writer, v introduction) {
		w.quote(string(v.kind))
		w.quote(v.description)
		w.quote(v.machine)
		if v.name != "" {
			w.quote(v.name)
		}
	})
	canonRegister(w, "public-key", a.publicKey, (*writer).quote)
	canonRegister(w, "retired", a.retired, (*writer).quote)
	canonSet(w, "forked-from", a.forkedFrom, cmpForkPoint, func(w *writer, v ForkPoint) {
		w.quote(v.Agent)
		w.uint(v.Seq)
		w.quote(v.Hash)
	})
}

func cmpForkPoint(a, b ForkPoint) int {
	return cmp.Or(cmp.Compare(a.Agent, b.Agent), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Hash, b.Hash))
}

// Agent is an agent's description of itself. Only agents with a description are listed.
type Agent struct {
	ID          string
	Kind        event.AgentKind // empty when it never introduced itself
	Name        string          // the name that it claims
	Description string
	Machine     string
	PublicKey   string
	Retired     bool
	RetiredAt   event.Time  // 0 when it is not
	Reason      string      // of retiring
	ForkedFrom  []ForkPoint // sorted
}

func (a *agent) see(id string) *Agent {
	v := &Agent{
		ID:          id,
		Kind:        a.introduced.val.kind,
		Name:        a.introduced.val.name,
		Description: a.introduced.val.description,
		Machine:     a.introduced.val.machine,
		PublicKey:   a.publicKey.val,
		ForkedFrom:  presentBy(a.forkedFrom, cmpForkPoint),
	}
	if a.retired.at != nil {
		v.Retired, v.RetiredAt, v.Reason = true, a.retired.at.shown, a.retired.val
	}
	return v
}
