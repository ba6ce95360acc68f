package place

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/shell"
	"github.com/git-crosslink/git-crosslink/internal/system"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Join lets the repository at a path write as an agent, and shares its tracker with
// the hub, or joins the one that is there. A repository that already writes keeps its
// agent. It returns what there is to say.
func (l *Library) Join(ctx context.Context, path, agent string) (said []string, err error) {
	if err := CheckAgentID(agent); err != nil {
		return nil, err
	}
	options := tracker.Options{Dir: path, Environ: l.o.environ(), Now: l.o.Now, Program: l.o.Program, Unwatched: true,
		Notice: func(n fail.Notice) { said = append(said, n.Text) }}
	t, err := tracker.Open(ctx, options)
	if err != nil {
		return nil, err
	}
	had := t.Agent()
	if had == "" {
		err = taken(ctx, t, agent)
	}
	t.Close()
	if err != nil {
		return nil, err
	}
	if had == "" {
		outer, err := git.Discover(ctx, path, options.Environ)
		if err != nil {
			return nil, err
		}
		if err := outer.SetConfig(ctx, "crosslink.agent", agent); err != nil {
			return nil, err
		}
	} else if had != agent {
		said = append(said, fmt.Sprintf("already writes as '%s'", had))
	}
	if t, err = tracker.Open(ctx, options); err != nil {
		return nil, err
	}
	defer t.Close()
	if _, err := t.Init(ctx, tracker.InitOptions{}); err != nil {
		return nil, err
	}
	return said, nil
}

// CheckAgentID refuses what cannot be the id of an agent.
func CheckAgentID(agent string) error {
	if err := event.ValidAgentID(agent); err != nil {
		return fmt.Errorf("'%s' is not an agent id: %w", agent, err)
	}
	return nil
}

// taken refuses an id under which somebody writes already.
func taken(ctx context.Context, t *tracker.Tracker, agent string) error {
	view, err := t.Read(ctx, tracker.Fresh)
	if err != nil {
		return err
	}
	for _, a := range view.Agents() {
		if a.ID == agent {
			return fmt.Errorf("'%s' %w", agent, ErrAgentTaken)
		}
	}
	return nil
}

// ErrAgentTaken says that an agent with that id has written.
var ErrAgentTaken = errors.New("already writes in this tracker: choose another agent id")

// Capabilities of a place: whether it may be written, and why not.
const (
	Ready        = "ready"
	NotShared    = "not_shared"   // it may be written, but nobody else sees it
	NotJoined    = "not_joined"   // the first write makes an agent
	NotApproved  = "not_approved" // the hub takes only events of approved keys
	ReadOnly     = "read_only"    // the directory cannot be written
	HubMoved     = "hub_moved"    // the remote holds another hub, or has lost its branches
	OlderFormat  = "older_format"
	AgentTrouble = "agent_trouble" // forked, revoked, retired, or with a log that ends
)

// capability says whether the place may be written by the agent of its clone, and
// which command helps if not.
func (x *extractor) capability(p *opened, agent string) (capability, cure string) {
	in := func(command string) string { return "git -C " + shell.Word(p.path) + " crosslink " + command }
	var own *tracker.TrustAgent
	if k := slices.IndexFunc(x.trust.Agents, func(a tracker.TrustAgent) bool { return a.Agent == agent }); k >= 0 && agent != "" {
		own = &x.trust.Agents[k]
	}
	switch {
	case !system.Writable(p.dir):
		return ReadOnly, "ls -ld " + shell.Word(p.dir)
	case p.url == "":
		return NotShared, in("init --help")
	case x.status.OtherHub != "" || len(x.status.Gone) > 0:
		return HubMoved, in("doctor")
	case x.status.Level == 2 || x.status.Level == 3:
		return OlderFormat, in("status")
	case own != nil && (own.Forked || own.Revoked != nil):
		return AgentTrouble, in("doctor")
	case retired(x.view.Agent(agent)):
		return AgentTrouble, in("agent show")
	case x.trust.Signing == "require" && (own == nil || !own.Approved):
		return NotApproved, in("trust pending")
	case own != nil && own.Ends != "":
		return AgentTrouble, in("doctor")
	case agent == "":
		return NotJoined, in("init")
	}
	return Ready, ""
}

// MayWrite reports whether a change can be written in a place with a capability.
func MayWrite(capability string) bool {
	return !slices.Contains([]string{NotApproved, ReadOnly, OlderFormat, AgentTrouble}, capability)
}

func retired(a *reducer.Agent) bool { return a != nil && a.Retired }
