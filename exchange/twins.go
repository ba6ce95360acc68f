package exchange

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

// Twins returns the remotes, other than the hub, that have a tracker with this hub's id
// and with decisions that the hub lacks: one is a fork of the other. It checks what the
// user's own fetches brought, without network. A copy that is only behind the hub is a
// mirror, not a twin.
func (x *Exchange) Twins(ctx context.Context, s *reading.Snapshot) ([]string, error) {
	if x.Hub == nil || x.Hub.Self || !s.Bound || s.Meta == nil || s.Level != replay.FormatVersion {
		return nil, nil
	}
	others := slices.DeleteFunc(x.Conf.Remotes(), func(remote string) bool {
		return remote == x.Hub.Name || hubs.URLOf(x.Conf, remote) == x.Hub.Shown()
	})
	if len(others) == 0 {
		return nil, nil
	}
	copies, err := x.Outer.Copies(ctx, x.Conf, []string{replay.MetaName, replay.LedgerName})
	if err != nil {
		return nil, err
	}
	var twins []string
	for _, remote := range others {
		c := copies[remote]
		if c[replay.MetaName] == "" || c[replay.LedgerName] == "" {
			continue
		}
		files, err := x.Outer.File(ctx, c[replay.MetaName], "hub.json", trust.MaxMeta)
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

// TwinText describes a twin to the user.
func (x *Exchange) TwinText(remote string) string {
	return fmt.Sprintf("'%s' also has this tracker, with decisions that '%s' does not have: one is a fork of the other", remote, x.Hub.Name)
}

// TwinFields returns the fields for the hints about a twin.
func (x *Exchange) TwinFields(remote string) fail.Fields {
	return fail.Fields{"other": remote, "remote": x.Hub.Name}
}

// TellTwins notifies the user, once, of remotes with this hub's id.
func (x *Exchange) TellTwins(ctx context.Context) {
	s, err := x.Reads.Load(ctx)
	if err != nil {
		return
	}
	twins, err := x.Twins(ctx, s)
	if err != nil || len(twins) == 0 {
		return // the next sync looks again
	}
	text := x.TwinText(twins[0])
	if len(twins) > 1 {
		text += fmt.Sprintf(" (also: '%s')", strings.Join(twins[1:], "', '"))
	}
	x.TellOnce(fail.Notice{Code: "hub-fork", Text: text, Fields: x.TwinFields(twins[0])})
}
