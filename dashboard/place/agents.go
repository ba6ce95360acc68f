package place

import (
	"cmp"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// agents keeps those that have written, introduced themselves, or hold a lock.
func (x *extractor) agents() error {
	all := map[string]*facts.Agent{}
	add := func(id string) *facts.Agent {
		if all[id] == nil {
			all[id] = &facts.Agent{ID: id, LastSign: x.view.LastSign(id), Burst: x.bursts[id]}
			if times := x.times[id]; len(times) > 0 {
				all[id].Recent, all[id].RecentAt = facts.RecentOf(times)
			}
		}
		return all[id]
	}
	names := people.NewNames(x.view)
	for _, a := range x.view.Agents() {
		one := add(a.ID)
		one.Kind, one.Retired, one.Shown = string(a.Kind), a.Retired, names.Shown(a.ID)
	}
	for _, l := range x.f.Locks {
		add(l.Holder)
	}
	for _, l := range x.status.Logs {
		one := add(l.Agent)
		one.LastLine, _ = event.ParseTime(l.Newest)
		one.Unsent = l.Unsent
		one.Ended, one.EndedAt = l.Ended, l.Events
		if l.Ended == "" {
			one.EndedAt = 0
		}
	}
	for k := range x.trust.Agents {
		if t := &x.trust.Agents[k]; t.Events > 0 {
			judge(add(t.Agent), t)
		}
	}
	for _, one := range all {
		if p, ok := x.view.Presence(one.ID); ok {
			one.State, one.Issue = p.State, p.Issue
		}
		x.f.Newest = max(x.f.Newest, one.LastLine)
		x.f.Agents = append(x.f.Agents, *one)
	}
	return nil
}

// judge records the state of an agent's log. One that ends because somebody revoked or
// never approved it is not damaged.
func judge(a *facts.Agent, t *tracker.TrustAgent) {
	a.Forked = t.Forked
	switch t.Ends {
	case "bad-signature", "unknown-signer", "rotated-out", "unsigned":
		if a.Ended == "" {
			a.Ended, a.EndedAt = t.Ends, t.Counts
		}
	}
	for k, m := range t.Marks {
		to := t.Events
		if k+1 < len(t.Marks) {
			to = t.Marks[k+1].From - 1
		}
		if m.Rule == "" || m.From > to {
			continue
		}
		if a.Marks == nil {
			a.Marks = map[string]int{}
		}
		a.Marks[m.Rule] += int(to - m.From + 1)
		if m.Rule == "bad-signature" {
			for seq := max(m.From, to-min(to, facts.MaxBad)+1); seq <= to; seq++ {
				a.Bad = append(a.Bad, seq)
			}
		}
	}
	a.Bad = a.Bad[max(0, len(a.Bad)-facts.MaxBad):]
}

// Requests that were answered, and any, in the facts.
const (
	maxAnswered = 20
	maxRequests = 200
)

// requests keeps the newest of those that wait for an answer, and of the others.
func (x *extractor) requests() error {
	all, err := x.view.Requests(store.RequestFilter{})
	if err != nil {
		return err
	}
	answered := 0
	for _, r := range slices.Backward(all) {
		if r.Acked {
			answered++
		}
		if r.Acked && answered > maxAnswered || len(x.f.Requests) == maxRequests {
			continue
		}
		x.f.Requests = append(x.f.Requests, facts.Request{ID: r.ID, Target: r.Target, Kind: string(r.Kind), Subject: r.Subject, By: cmp.Or(r.RequestedBy, r.By),
			SentAt: r.SentAt, ExpiresAt: r.ExpiresAt, Acked: r.Acked, Acted: r.Acted, Result: r.Result})
	}
	return nil
}

// maxReports bounds the reports of CI in the facts.
const maxReports = 200

// reports keeps what CI jobs found last, those on the default branch before others.
func (x *extractor) reports() error {
	all, err := x.view.Reports()
	if err != nil {
		return err
	}
	for _, r := range all {
		is := r.Branch == x.branch || x.branch == "" && (r.Branch == "main" || r.Branch == "master")
		x.f.CI = append(x.f.CI, facts.CI{Context: r.Context, Branch: r.Branch, Default: is, Commit: r.Commit, State: string(r.State), URL: r.URL, At: r.At})
	}
	slices.SortStableFunc(x.f.CI, func(a, b facts.CI) int {
		switch {
		case a.Default == b.Default:
			return cmp.Compare(b.At, a.At)
		case a.Default:
			return -1
		}
		return 1
	})
	x.f.CI = x.f.CI[:min(len(x.f.CI), maxReports)]
	return nil
}

// health collects the state of the tracker itself.
func (x *extractor) health() {
	h, s := &x.f.Health, x.status
	h.Undecided, h.Unsent = facts.Backlog{N: s.Undecided, Oldest: s.UndecidedSince}, facts.Backlog{N: s.Unsent, Oldest: s.UnsentSince}
	h.Sequence, h.BadSteps, h.Level = s.Sequence, s.BadSteps, s.Level
	h.Lost, h.OtherHub = len(s.Gone)+s.Lost, s.OtherHub
	if s.LastContact != nil {
		h.Contact = event.TimeOf(*s.LastContact)
	}
	h.Manual = x.manual
	h.Hub, h.Signing, h.BadMeta = x.trust.Hub, x.trust.Signing, x.trust.RefusedCommits
	h.Rejected = map[string]int{}
	for _, r := range x.view.Rejections() {
		h.Rejected[r.Reason]++
	}
}

// lines follows what is written, to find storms.
type lines struct {
	after tracker.Cursor
	times map[string][]event.Time // of the newest lines, by agent
	burst map[string]event.Time
}

// bursts returns the time of each agent's last storm of events. A log that cannot be read is
// reported elsewhere.
func (l *lines) bursts(ctx context.Context, t *tracker.Tracker, now event.Time) (map[string]event.Time, error) {
	if l.after == nil {
		at, err := t.Tail(ctx, facts.StormLines+1, now-event.Time(time.Hour))
		if err != nil {
			return nil, ctx.Err()
		}
		l.after, l.times, l.burst = at, map[string][]event.Time{}, map[string]event.Time{}
	}
	fresh, next, err := t.Lines(ctx, l.after)
	if err != nil {
		return l.burst, ctx.Err()
	}
	l.after = next
	wrote := map[string]bool{}
	for _, e := range fresh {
		l.times[e.Agent] = append(l.times[e.Agent], e.Shown())
		wrote[e.Agent] = true
	}
	for id := range wrote {
		times := l.times[id]
		slices.Sort(times)
		if at := facts.BurstIn(times); at != 0 {
			l.burst[id] = at
		}
		l.times[id] = slices.Clone(times[max(0, len(times)-facts.StormLines):])
	}
	return maps.Clone(l.burst), nil
}

// defaultBranch is the branch that a remote shows first, as git noted it when it
// cloned.
func defaultBranch(dir, remote string) string {
	b, err := os.ReadFile(filepath.Join(dir, "refs", "remotes", filepath.Base(remote), "HEAD"))
	name, found := strings.CutPrefix(strings.TrimSpace(string(b)), "ref: refs/remotes/"+remote+"/")
	if err != nil || !found {
		return ""
	}
	return name
}
