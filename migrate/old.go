package migrate

import (
	"bytes"
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Old is a hub of level 2 or 3, as seen in a clone.
type Old struct {
	Level   int
	Source  refs.OID    // the commit its state was read from
	State   *event.Base // without lines
	Logs    []Log       // of level 3, by agent; a hub of level 2 has all in its files
	Signers []byte      // allowed_signers of its meta
	Left    Left
}

// Log is one agent's log of a hub of level 3.
type Log struct {
	Agent  string
	Tip    refs.OID
	Lines  []*event.Envelope // that are events of this agent
	Signed int               // of them
	Bad    int               // other lines
	End    trust.Position    // after all lines, bad ones included
	Ended  string            // why it cannot be read to its end, "" if it can
}

// Left counts what is not migrated, in addition to the locks in State.
type Left struct {
	Requests, Acks, Heartbeats, Approvals int
}

// maxFiles bounds the files of a log's tip: its events and what lies beside them.
const maxFiles = 256 << 20

// Read reads an old hub from the refs of a replica.
func Read(ctx context.Context, l refs.Local, level int, all map[string]refs.OID) (*Old, error) {
	o := &Old{Level: level, Source: all[replay.HubRoot+replay.LedgerName]}
	if level == 2 {
		o.Source = all[replay.HubRoot+replay.Level2Name]
	}
	var err error
	if o.State, err = replay.LegacyBase(ctx, l, level, all); err != nil {
		return nil, fmt.Errorf("read the state of the level-%d hub: %w", level, err)
	}
	if o.State == nil { // there is no checkpoint: all of it is in the logs
		o.State, o.Source = &event.Base{}, all[replay.HubRoot+replay.MetaName]
	}
	if level == 2 {
		files, err := refs.ReadFiles(ctx, l, o.Source, maxFiles)
		if err != nil {
			return nil, err
		}
		for name := range files {
			o.Left.count(name)
		}
		o.Signers = files["trust/allowed_signers"]
		o.State.Locks = append(o.State.Locks, event.Locks2(files)...)
		return o, nil
	}
	files, err := refs.ReadFiles(ctx, l, all[replay.HubRoot+replay.MetaName], replay.MetaLimit)
	if err != nil {
		return nil, err
	}
	o.Signers = files["allowed_signers"]
	return o, o.readLogs(ctx, l, all)
}

// readLogs reads the logs of a hub of level 3.
func (o *Old) readLogs(ctx context.Context, l refs.Local, all map[string]refs.OID) error {
	var want []refs.LogRequest
	for name, tip := range all {
		if id, ok := strings.CutPrefix(name, replay.HubRoot+replay.Agents); ok && event.ValidAgentID3(id) == nil {
			want = append(want, refs.LogRequest{Agent: id, Tip: tip})
		}
	}
	sort.Slice(want, func(i, j int) bool { return want[i].Agent < want[j].Agent })
	o.Logs = make([]Log, len(want))
	ends := make([]event.RunningHash, len(want))
	got, err := refs.WalkLogs(ctx, l, want, func(i int, seq uint64, line []byte) bool {
		x := &o.Logs[i]
		if seq != 0 {
			x.Ended = "it holds lines of a newer format version"
			return false
		}
		ends[i].Add(line)
		x.End.Seq++
		e, err := event.Decode3(bytes.Clone(line))
		if err != nil || e.Agent != want[i].Agent {
			x.Bad++
			return true
		}
		if x.Lines = append(x.Lines, e); e.Signature != "" {
			x.Signed++
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("read the logs: %w", err)
	}
	for i := range o.Logs {
		x := &o.Logs[i]
		x.Agent, x.Tip, x.End.Hash = want[i].Agent, want[i].Tip, ends[i].String()
		switch {
		case got[i].Missing:
			return fmt.Errorf("read the log of '%s': %s: %w", x.Agent, got[i].Bad, refs.ErrMissing)
		case got[i].Bad != "":
			x.Ended = got[i].Bad
		case x.Bad > 0:
			x.Ended = fmt.Sprintf("%d of its lines are not events of this agent", x.Bad)
		}
		files, err := refs.ReadFiles(ctx, l, x.Tip, maxFiles)
		if err != nil {
			return fmt.Errorf("read the files beside the log of '%s': %w", x.Agent, err)
		}
		for name := range files {
			o.Left.count(name)
		}
	}
	return nil
}

// count counts a file that is not migrated.
func (l *Left) count(name string) {
	dir, file, _ := strings.Cut(name, "/")
	if dir == "agents" { // of level 2, where each agent has a directory
		_, rest, _ := strings.Cut(file, "/")
		dir, file, _ = strings.Cut(rest, "/")
	}
	switch {
	case dir == "heartbeat.json":
		l.Heartbeats++
	case dir == "requests-ack", dir == "requests" && strings.HasSuffix(file, ".ack.json"):
		l.Acks++
	case dir == "requests-out", dir == "requests":
		l.Requests++
	case dir == "trust" && strings.HasPrefix(file, "approvals/"):
		l.Approvals++
	}
}

// Lines returns the events of all logs, agent by agent.
func (o *Old) Lines() (all []*event.Envelope) {
	for _, x := range o.Logs {
		all = append(all, x.Lines...)
	}
	return all
}

// Pins returns the ends of the logs that have lines.
func (o *Old) Pins() map[string]trust.Position {
	pins := map[string]trust.Position{}
	for _, x := range o.Logs {
		if x.End.Seq > 0 {
			pins[x.Agent] = x.End
		}
	}
	return pins
}
