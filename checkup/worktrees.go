package checkup

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/agents"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/reading"
)

// checkWorktrees checks for locks of agents whose worktree was removed. Their keys are
// still in the clone, so every user of the clone can release the locks. An agent named by
// the environment has no worktree.
func (k *Checkup) checkWorktrees(_ context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error) {
	locked, err := s.View.Locked()
	if err != nil || len(locked) == 0 {
		return nil, err
	}
	var found []fail.Diagnosis
	var used func(agent string) bool
	for _, id := range s.LocalAgents(k.Agent) {
		a := s.View.Agent(id)
		if id == k.Agent || a == nil || a.Kind != event.Person || a.Retired {
			continue
		}
		var issues []string
		for _, i := range locked {
			if i.Lock.Holder == id && !i.Lock.Ending && i.Status == event.Open {
				issues = append(issues, i.Name())
			}
		}
		if len(issues) == 0 {
			continue
		}
		if used == nil {
			used = k.worktreeAgents()
		}
		if !used(id) {
			found = append(found, fail.Diagnosis{Code: "lost-worktree", Severity: fail.Warning,
				Text:   fmt.Sprintf("the worktree of %s was removed, and its agent still holds the lock on %s", people.NewNames(s.View).Quoted(id), strings.Join(issues, ", ")),
				Fields: fail.Fields{"agent": id, "issues": strings.Join(issues, " ")}})
		}
	}
	return found, nil
}

// worktreeAgents returns whether a worktree of the clone writes as an agent: its identity
// file or its configuration names the agent.
func (k *Checkup) worktreeAgents() func(agent string) bool {
	const most = 64 << 10
	dirs, _ := filepath.Glob(filepath.Join(k.Outer.CommonDir, "worktrees", "*"))
	var ids []string
	var configs [][]byte
	for _, dir := range append(dirs, k.Outer.CommonDir) {
		if id, err := (agents.Identity{File: filepath.Join(dir, "crosslink", "identity")}).Agent(); err == nil {
			ids = append(ids, id)
		}
		if b, err := statefile.Read(filepath.Join(dir, "config.worktree"), most); err == nil {
			configs = append(configs, b)
		}
	}
	return func(agent string) bool {
		return slices.Contains(ids, agent) || slices.ContainsFunc(configs, func(b []byte) bool { return bytes.Contains(b, []byte(agent)) })
	}
}
