package tracker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// adopt takes what the last fetch brought from refs/incoming (root) into
// refs/hub, each ref by its own rule:
//   - a log is taken when it holds all lines the one believed before holds;
//     else it stays in refs/incoming as evidence and the old one stands;
//   - meta is taken unless it names another hub or is older;
//   - a hub of level 3 or 2 is mirrored as it is, its logs may be rewritten;
//   - nothing believed is dropped because the hub no longer offers it.
//
// It returns what the user should know.
func (t *Tracker) adopt(ctx context.Context, root string) (problems []string, err error) {
	all, err := t.local().Refs(ctx, "refs/")
	if err != nil {
		return nil, fmt.Errorf("list the replica's refs: %w", err)
	}
	have := make(map[string]refs.OID, len(all))
	for _, r := range all {
		have[r.Name] = r.OID
	}
	level, err := t.incomingLevel(ctx, have, root)
	if err != nil {
		return nil, err
	}
	var ups []refs.Update
	for _, r := range all {
		name, ok := strings.CutPrefix(r.Name, root)
		if !ok {
			continue
		}
		old := have[hubRoot+name]
		if old == r.OID {
			continue
		}
		problem, err := t.refuse(ctx, name, old, r.OID, level)
		if err != nil {
			return nil, err
		}
		if problem != "" {
			problems = append(problems, problem)
			continue
		}
		ups = append(ups, refs.Update{Ref: hubRoot + name, Old: old, New: r.OID})
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

func (t *Tracker) incomingLevel(ctx context.Context, have map[string]refs.OID, root string) (int, error) {
	tip := have[root+metaName]
	if tip == "" {
		if have[root+v2Name] != "" {
			return 2, nil
		}
		return 0, nil
	}
	files, err := refs.ReadFiles(ctx, t.local(), tip, metaLimit)
	if err != nil {
		return 0, fmt.Errorf("read the hub's meta: %w", err)
	}
	return trust.Level(files["hub.json"]), nil
}

// refuse says why an incoming ref is not believed, "" if it is.
func (t *Tracker) refuse(ctx context.Context, name string, old, fresh refs.OID, level int) (string, error) {
	legacy := level == 2 || level == 3
	if id, ok := strings.CutPrefix(name, agents); ok {
		if legacy {
			return "", nil
		}
		if err := event.ValidAgentID(id); err != nil {
			return fmt.Sprintf("the log '%s' is ignored: %v", id, err), nil
		}
		if old == "" {
			return "", nil
		}
		rel, err := refs.IsPrefix(ctx, t.local(), id, old, fresh)
		if err != nil {
			return "", fmt.Errorf("compare the log of '%s' with the one known: %w", id, err)
		}
		switch rel {
		case refs.Prefix, refs.Equal:
			return "", nil
		case refs.Extends:
			return fmt.Sprintf("the hub is behind: its log of '%s' lacks lines that were on it before; the ones known here stand", id), nil
		}
		return fmt.Sprintf("the hub's log of '%s' was rewritten; the one known here stands", id), nil
	}
	if name != metaName || old == "" || legacy {
		return "", nil
	}
	was, err := t.readMeta(ctx, old)
	if err != nil {
		return "", err
	}
	is, err := t.readMeta(ctx, fresh)
	if err != nil {
		return fmt.Sprintf("the hub's meta cannot be read: %v", err), nil
	}
	switch {
	case is.Hub != was.Hub:
		return fmt.Sprintf("the hub id changed from '%s' to '%s'; the one known here stands", was.Hub, is.Hub), nil
	case is.Seq < was.Seq:
		return fmt.Sprintf("the hub's meta is older (%d) than the one known here (%d), which stands", is.Seq, was.Seq), nil
	}
	return "", nil
}

func (t *Tracker) readMeta(ctx context.Context, tip refs.OID) (*trust.Meta, error) {
	files, err := refs.ReadFiles(ctx, t.local(), tip, metaLimit)
	if err != nil {
		return nil, err
	}
	return trust.DecodeMeta(files["hub.json"])
}

// bind rebuilds the logs written here before the hub was known: same events,
// same times, same order, under the hub's id. Nothing of them was published,
// so no line changes that anybody has seen.
func (t *Tracker) bind(ctx context.Context) error {
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
