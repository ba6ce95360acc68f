package tracker

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/trust"
)

// twins names the remotes, other than the hub, that hold a tracker of this
// hub's id and have decided something that this one has not: one is a fork of
// the other. They are seen in what the user's own fetches brought, without
// network. A copy that is only behind is a mirror and no twin.
func (t *Tracker) twins(ctx context.Context, s *reading.Snapshot) ([]string, error) {
	if t.clone.Hub == nil || t.clone.Hub.Self || !s.Bound || s.Meta == nil || s.Level != replay.FormatVersion {
		return nil, nil
	}
	others := slices.DeleteFunc(t.clone.Conf.Remotes(), func(remote string) bool {
		return remote == t.clone.Hub.Name || hubs.URLOf(t.clone.Conf, remote) == t.clone.Hub.Shown()
	})
	if len(others) == 0 {
		return nil, nil
	}
	copies, err := t.clone.Outer.Copies(ctx, t.clone.Conf, []string{replay.MetaName, replay.LedgerName})
	if err != nil {
		return nil, err
	}
	var twins []string
	for _, remote := range others {
		c := copies[remote]
		if c[replay.MetaName] == "" || c[replay.LedgerName] == "" {
			continue
		}
		files, err := t.clone.Outer.File(ctx, c[replay.MetaName], "hub.json", trust.MaxMeta)
		if err != nil || trust.Claimed(files).Hub != s.Meta.Hub {
			continue // what cannot be read there is no twin of this
		}
		ours := s.AllRefs[replay.HubRoot+replay.LedgerName]
		behind, err := s.Decided().Reader.Extends(string(ours), string(c[replay.LedgerName]))
		if refs.IgnoreMissing(err) != nil {
			return nil, err
		}
		if !behind {
			twins = append(twins, remote)
		}
	}
	return twins, nil
}

// twinText says what is to be known of a twin.
func (t *Tracker) twinText(remote string) string {
	return fmt.Sprintf("'%s' holds this tracker, too, with decisions that '%s' has not: one is a fork of the other", remote, t.clone.Hub.Name)
}

func (t *Tracker) twinFields(remote string) fail.Fields {
	return fail.Fields{"other": remote, "remote": t.clone.Hub.Name}
}

// tellTwins says so, once.
func (t *Tracker) tellTwins(ctx context.Context) {
	s, err := t.clone.Reads.Load(ctx)
	if err != nil {
		return
	}
	twins, err := t.twins(ctx, s)
	if err != nil || len(twins) == 0 {
		return // the next sync looks again
	}
	text := t.twinText(twins[0])
	if len(twins) > 1 {
		text += fmt.Sprintf(" (so do '%s')", strings.Join(twins[1:], "', '"))
	}
	t.clone.TellOnce(fail.Notice{Code: "hub-fork", Text: text, Fields: t.twinFields(twins[0])})
}
