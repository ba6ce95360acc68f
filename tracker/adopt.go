package tracker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
)

// maxLogs bounds how many logs of a hub are taken over: a hub that offers more
// is not one, and each costs every reader something. The ones known stay.
const maxLogs = 1 << 16

// adopt takes what the last fetch brought from refs/incoming (root) into
// refs/hub, each ref by its own rule:
//   - a log is taken when it holds all lines the one believed before holds;
//     else it stays in refs/incoming as evidence and the old one stands;
//   - meta is taken if it can be read, is of the same hub, not older and of no
//     lower level;
//   - a hub of level 3 or 2 is mirrored as it is, its logs may be rewritten;
//   - a ref that is none of the tracker's is left alone;
//   - nothing believed is dropped because the hub no longer offers it.
//
// One ref that is refused never stops another. It returns what the user should
// know.
func (t *Tracker) adopt(ctx context.Context, root string) (problems []string, err error) {
	all, err := t.local().Refs(ctx, "refs/")
	if err != nil {
		return nil, fmt.Errorf("list the replica's refs: %w", err)
	}
	have := make(map[string]refs.OID, len(all))
	logs := 0
	for _, r := range all {
		have[r.Name] = r.OID
		if strings.HasPrefix(r.Name, hubRoot+agents) {
			logs++
		}
	}
	a := adoption{t: t, known: t.readClaims(ctx, have[hubRoot+metaName]), fresh: t.readClaims(ctx, have[root+metaName])}
	a.settle(have[root+v2Name] != "")
	var ups []refs.Update
	untaken := 0
	for _, r := range all {
		name, ok := strings.CutPrefix(r.Name, root)
		if !ok {
			continue
		}
		old := have[hubRoot+name]
		if old == r.OID {
			continue
		}
		take, problem, err := a.judge(ctx, name, old, r.OID)
		switch {
		case err != nil:
			return nil, err
		case problem != "" && !take:
			problems = append(problems, problem)
		case problem != "":
			problems = append(problems, problem)
			ups = append(ups, refs.Update{Ref: hubRoot + name, Old: old, New: r.OID})
			if aside := lostRoot + string(old); have[aside] == "" {
				ups = append(ups, refs.Update{Ref: aside, New: old})
			}
		case take && old == "" && strings.HasPrefix(name, agents) && logs >= maxLogs:
			untaken++
		case take:
			if old == "" && strings.HasPrefix(name, agents) {
				logs++
			}
			ups = append(ups, refs.Update{Ref: hubRoot + name, Old: old, New: r.OID})
		}
	}
	if untaken > 0 {
		problems = append(problems, fmt.Sprintf("the hub offers %d logs more than the %d that are read", untaken, maxLogs))
	}
	if len(ups) == 0 {
		return problems, nil
	}
	err = t.local().Swap(ctx, ups)
	if errors.Is(err, refs.ErrConflict) {
		return problems, nil // another process of this clone adopted at the same time
	}
	return problems, err
}

// bind rebuilds the logs written here before the hub was known: same events,
// same times, same order, under the hub's id. Nothing of them was published,
// so no line changes that anybody has seen.
func (t *Tracker) bind(ctx context.Context) error {
	if provisional, err := t.local().Refs(ctx, headRoot+metaName); err != nil || len(provisional) == 0 {
		return err
	}
	for range 8 {
		s, err := t.load(ctx)
		if err != nil {
			return err
		}
		ups, err := t.rebuild(ctx, s)
		if err != nil || len(ups) == 0 {
			return err
		}
		err = t.local().Swap(ctx, ups)
		if !errors.Is(err, refs.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("bind the logs written here to the hub: %w", refs.ErrConflict)
}

func (t *Tracker) rebuild(ctx context.Context, s *snapshot) ([]refs.Update, error) {
	provisional := s.refs[headRoot+metaName]
	if !s.bound || s.level != Level || provisional == "" {
		return nil, nil
	}
	was, err := t.readMeta(ctx, provisional)
	if err != nil {
		return nil, fmt.Errorf("read the provisional meta: %w", err)
	}
	ups := []refs.Update{{Ref: headRoot + metaName, Old: provisional}}
	private := s.refs[headRoot+checkpointName]
	if private != "" && was.Hub != s.meta.Hub && !t.joining {
		return nil, nil // numbers would end: init --join
	}
	if private != "" {
		ups = append(ups, refs.Update{Ref: headRoot + checkpointName, Old: private})
	}
	if was.Hub == s.meta.Hub {
		return ups, nil // ours became the hub's: every line stands
	}
	for _, id := range s.agents() {
		l := s.logs[id]
		if l.here == "" || l.hub != "" {
			continue
		}
		raw, err := refs.ReadLog(ctx, t.local(), id, l.here, 1)
		if err != nil {
			return nil, err
		}
		lines, err := rewrite(raw.Lines, id, was.Hub, s.meta.Hub)
		if err != nil {
			return nil, fmt.Errorf("bind the log of '%s' to the hub: %w", id, err)
		}
		tip, err := refs.AppendLog(ctx, t.local(), id, "", lines, refs.CommitInfo{
			Author: id, When: t.now(), Message: fmt.Sprintf("crosslink: %s rebound to hub %s\n\n[skip ci]\n", id, s.meta.Hub)})
		if err != nil {
			return nil, err
		}
		ups = append(ups, refs.Update{Ref: headRoot + agents + id, Old: l.here, New: tip})
	}
	return ups, nil
}

// rewrite gives lines of one hub id another one, with the chain that follows
// from it. Signatures do not survive it.
func rewrite(lines [][]byte, agent, from, to string) ([][]byte, error) {
	was := event.Chain{Hub: from, Agent: agent}
	prev := ""
	var out [][]byte
	for _, line := range lines {
		e, err := was.Next(slices.Clone(line))
		if err != nil {
			return nil, err
		}
		e.Hub, e.Prev, e.SignedBy, e.Signature = to, prev, "", ""
		b, err := event.Encode(e)
		if err != nil {
			return nil, err
		}
		prev = event.Hash(b)
		out = append(out, b)
	}
	return out, nil
}
