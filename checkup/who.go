package checkup

import (
	"context"
	"errors"
	"fmt"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reading"
)

// Some forges accept only commits with a known address. Nothing reads the address of the
// tracker's commits: a log is its lines, a step its files, and neither depends on the
// commit that contains it. So users may choose any address.

// findCommitter checks that address.
func (k *Checkup) findCommitter(context.Context, *reading.Snapshot) ([]fail.Diagnosis, error) {
	if bad, ok := errors.AsType[*fail.Error](k.CheckCommitter()); ok {
		return []fail.Diagnosis{bad.Diagnosis(fail.Problem, bad.Message+": nothing is written here")}, nil
	}
	return nil, nil
}

// The states of a worktree's agent.
const (
	AgentOK      = "ok"
	AgentNone    = "none"    // nobody has written here yet
	AgentCopied  = "copied"  // the identity file is a copy: the first write takes a new id
	AgentForked  = "forked"  // two clones wrote under this id: Fork
	AgentDamaged = "damaged" // the log cannot be read to its end here
	AgentRetired = "retired" // it has retired: writes are refused, or create a new id if a file names this one
)

// Who is the agent of this worktree and its state.
type Who struct {
	Agent  string // "" if there is none
	Source string // environment, config or file; "" if there is none
	Where  string // the variable, the key or the path that names it
	Events uint64
	Unsent int
	State  string

	Name        string          // the name that it claims; "" if none
	Kind        event.AgentKind // the kind that it claims
	Description string
}

// Who returns the id under which this worktree writes, and its source. It writes nothing,
// so a worktree in which nobody has written has none.
func (k *Checkup) Who(ctx context.Context) (*Who, error) {
	return k.who(func() (*reading.Snapshot, error) { return k.Reads.Load(ctx) })
}

func (k *Checkup) who(load func() (*reading.Snapshot, error)) (*Who, error) {
	id := k.Identity()
	agent, err := id.Agent()
	if err != nil {
		return nil, err
	}
	w := &Who{Agent: agent, State: AgentNone}
	if _, w.Source, w.Where = id.Named(); w.Source == "" && agent != "" {
		w.Source, w.Where = agents.FromFile, id.File
	}
	if agent == "" {
		if id.Copied() {
			w.State = AgentCopied
		}
		return w, nil
	}
	s, err := load()
	if err != nil {
		return nil, fmt.Errorf("read the log of '%s': %w", agent, err)
	}
	l := s.Log(agent)
	if w.State = AgentOK; l == nil {
		return w, nil
	}
	if w.Events = l.Seq; k.Hub != nil {
		w.Unsent = l.Unsent()
	}
	if a := s.View.Agent(agent); a != nil {
		w.Name, w.Kind, w.Description = a.Name, a.Kind, a.Description
	}
	switch {
	case l.Diverged:
		w.State = AgentForked
	case l.Torn || l.Ended != "":
		w.State = AgentDamaged
	case k.RetiredError(s.View) != nil:
		w.State = AgentRetired
	}
	return w, nil
}

// checkAgent checks who writes here.
func (k *Checkup) checkAgent(ctx context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error) {
	w, err := k.who(func() (*reading.Snapshot, error) { return s, nil })
	if err != nil {
		return []fail.Diagnosis{diagnosed(fail.Problem, err, "agent-id/failed")}, nil
	}
	var found []fail.Diagnosis
	switch w.State {
	case AgentNone:
		if k.Identity().InCI() {
			e := agents.NoAgentInCI()
			found = append(found, e.Diagnosis(fail.Problem, e.Message))
		} else {
			found = append(found, fail.Diagnosis{Code: "no-agent/note", Severity: fail.Note, Text: "nobody has written here yet: the first write creates an id"})
		}
	case AgentCopied:
		found = append(found, fail.Diagnosis{Code: "copied-clone/note", Severity: fail.Note, Text: "this repository is a copy: the first write creates a new id"})
	case AgentForked:
		e := k.DivergedError(w.Agent)
		found = append(found, e.Diagnosis(fail.Problem, e.Message))
	case AgentRetired:
		if w.Source == agents.FromFile {
			found = append(found, fail.Diagnosis{Code: "retired/note", Severity: fail.Note, Text: fmt.Sprintf("'%s' is retired: the next write creates a new id", w.Agent)})
			break
		}
		if e, ok := errors.AsType[*fail.Error](k.RetiredError(s.View)); ok { // this is intended
			found = append(found, e.Diagnosis(fail.Note, fmt.Sprintf("'%s' is retired: only another agent can write here", w.Agent)))
		}
	case AgentDamaged:
		if err := k.MayAppend(s); err != nil {
			found = append(found, diagnosed(fail.Problem, err, "own-log/failed"))
		}
	case AgentOK:
		if e := k.NotAdmitted(s, false); e != nil {
			found = append(found, e.Diagnosis(fail.Problem, e.Message+": nothing can be written"))
		} else if e := k.LockedError(ctx, s); e != nil {
			found = append(found, e.Diagnosis(fail.Problem, e.Message))
		} else if _, err := k.Key(agents.Request{Agent: w.Agent, InForce: s.Keys(w.Agent)}); errors.Is(err, agents.ErrNoJobKey) {
			found = append(found, fail.Diagnosis{Code: "ci-key", Severity: fail.Note, Text: fmt.Sprintf("events of '%s' are not signed: %v", w.Agent, err)})
		}
	}
	if l := s.Log(w.Agent); len(found) == 0 && l != nil && distrust(l) != "" {
		found = append(found, fail.Diagnosis{Code: "trust", Severity: fail.Warning, Text: distrust(l), Fields: fail.Fields{"agent": w.Agent}})
	}
	if scope := k.Identity().ConfigScope(); w.Source == agents.FromConfig && (scope == "global" || scope == "system") {
		found = append(found, fail.Diagnosis{Code: "shared-agent", Severity: fail.Warning,
			Text:   fmt.Sprintf("crosslink.agent is set to '%s' in the %s configuration: every clone of this user would write under that id, and only one can", w.Agent, scope),
			Fields: fail.Fields{"agent": w.Agent, "scope": scope}})
	}
	return found, nil
}
