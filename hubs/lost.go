package hubs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// Losses are the logs of which a hub has lost lines: for each branch the tip that the hub
// has now, "" for none.
type Losses map[string]refs.OID

// Believed names the refs that the hub is known to have had, without the root.
func (l *Link) Believed(ctx context.Context) ([]string, error) {
	all, err := l.Replica.Local().Refs(ctx, refs.SeenPrefix)
	var names []string
	for _, r := range all {
		names = append(names, strings.TrimPrefix(r.Name, refs.SeenPrefix))
	}
	return names, err
}

// Lost returns which of the branches that were accepted before a fetch are missing after
// it.
func (l *Link) Lost(ctx context.Context, before []string) (meta bool, problems []Problem, err error) {
	all, err := l.Replica.Local().Refs(ctx, refs.IncomingPrefix)
	if err != nil {
		return false, nil, err
	}
	there := make(map[string]bool, len(all))
	for _, r := range all {
		there[strings.TrimPrefix(r.Name, refs.IncomingPrefix)] = true
	}
	if l.Hub.Moved(l.Contact) && !there[syncer.Meta] && slices.Contains(before, syncer.Meta) {
		return true, []Problem{l.Hub.NotThere(l.Contact, syncer.Meta)}, nil
	}
	if len(there) == 0 && slices.Contains(before, syncer.Meta) {
		return true, []Problem{l.Hub.LostAll(syncer.Meta)}, nil
	}
	if before, err = l.forgetEmpty(ctx, before, there); err != nil {
		return false, nil, err
	}
	archived, err := l.archived(ctx)
	if err != nil {
		return false, nil, err
	}
	before = slices.DeleteFunc(before, func(name string) bool { return archived[name] })
	for _, name := range before {
		if r := l.Contact.Refusals[name]; !there[name] && !(r.Tip != "" && r.High == 0) {
			meta = meta || name == syncer.Meta
			problems = append(problems, Problem{Ref: name, Text: fmt.Sprintf("the hub no longer has its branch 'crosslink/%s'; this clone keeps its copy", name), Gone: true})
		}
	}
	return meta, problems, nil
}

// archived names the logs that the hub has in its archive.
func (l *Link) archived(ctx context.Context) (map[string]bool, error) {
	all, err := l.Replica.Local().Refs(ctx, refs.ArchivedPrefix)
	names := make(map[string]bool, len(all))
	for _, r := range all {
		names[refs.Agents+strings.TrimPrefix(r.Name, refs.ArchivedPrefix)] = true
	}
	return names, err
}

// forgetEmpty removes logs that the hub no longer has and that contain no line: somebody
// had pushed a branch in place of a log, and the hub's owner removed it. It returns the
// other names.
func (l *Link) forgetEmpty(ctx context.Context, before []string, there map[string]bool) (kept []string, err error) {
	gone := func(name string) bool { return strings.HasPrefix(name, refs.Agents) && !there[name] }
	if !slices.ContainsFunc(before, gone) {
		return before, nil
	}
	all, err := l.Replica.Local().Refs(ctx, refs.SeenPrefix)
	if err != nil {
		return nil, err
	}
	var ups []refs.Update
	for _, r := range all {
		name := strings.TrimPrefix(r.Name, refs.SeenPrefix)
		if gone(name) {
			log, err := refs.ReadLog(ctx, l.Replica.Local(), strings.TrimPrefix(name, refs.Agents), r.OID, math.MaxUint64)
			if err != nil {
				return nil, err
			}
			if len(log.Lines) == 0 && len(log.Legacy) == 0 && log.Bad == "" {
				ups = append(ups, refs.Update{Ref: r.Name, Old: r.OID})
				continue
			}
		}
		kept = append(kept, name)
	}
	if len(ups) == 0 {
		return kept, nil
	}
	if err := l.Replica.Local().Swap(ctx, ups); err != nil && !errors.Is(err, refs.ErrConflict) {
		return nil, err
	}
	return kept, nil
}
