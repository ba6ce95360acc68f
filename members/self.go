package members

import (
	"context"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Also is the setting that names other agents and principals that are the same person as
// the one who writes here.
const Also = "crosslink.me"

// Self finds out which agents are the person who writes in this clone.
func (m *Members) Self(ctx context.Context, p reading.Projection) (*people.Self, error) {
	s, err := m.Reads.Load(ctx)
	if err != nil {
		return nil, err
	}
	f := people.Facts{Agent: m.Agent, Program: m.Identity().Kind() == event.Machine, Own: m.Signer().Fingerprints(), Also: m.Conf.All(strings.ToLower(Also)),
		Signed: map[string][]string{}, Principals: map[string][]string{}}
	if a := p.Agent(m.Agent); a != nil {
		f.Program = f.Program || a.Kind == event.Machine
	}
	listed := map[string][]string{} // agent: keys
	wanted := map[string]bool{}
	for _, k := range f.Own {
		wanted[k] = true
	}
	if s.Roll != nil {
		for _, x := range s.Roll.Signers.All() {
			if agent := trust.AgentOf(x.Principal); agent != "" {
				listed[agent] = append(listed[agent], x.Key.Fingerprint())
				continue
			}
			f.Principals[x.Principal] = append(f.Principals[x.Principal], x.Key.Fingerprint())
			wanted[x.Key.Fingerprint()] = true
		}
	}
	for _, id := range s.LocalAgents(m.Agent) {
		if a := p.Agent(id); a != nil && a.Kind == event.Person {
			f.Here = append(f.Here, id)
		}
	}
	for _, a := range p.Agents() {
		if a.Kind == event.Machine && a.ID != m.Agent {
			continue
		}
		claimed := slices.Clone(listed[a.ID])
		if k, err := trust.ParseKey(a.PublicKey); err == nil {
			claimed = append(claimed, k.Fingerprint())
		}
		if s.Roll == nil || s.Roll.Meta.Signing == trust.Off || !slices.ContainsFunc(claimed, func(k string) bool { return wanted[k] }) {
			continue
		}
		if mark := p.Mark(a.ID, 1); mark != "" && mark != trust.RuleUnapproved { // what it claims is not proven
			continue
		}
		for _, k := range s.Keys(a.ID) {
			f.Signed[k.Fingerprint()] = append(f.Signed[k.Fingerprint()], a.ID)
		}
	}
	return people.SelfOf(f), nil
}
