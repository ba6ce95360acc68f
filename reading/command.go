package reading

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
)

// A command writes its events as one commit of the log. The first line of the message names
// the agent and the first of these events. If a log is written again, for example when it
// is bound to a hub, its messages change, and it is no longer known which events belong to
// which command.

const (
	subjectColumns = 72
	bodyLines      = 20
)

// CommandMessage is the message of the commit with a command's events.
func CommandMessage(lines []*event.Envelope) string {
	prefix := commandPrefix(lines[0].Agent, lines[0].Seq)
	said := lines
	if _, first := lines[0].Body.(*event.AgentIntroduced); first && len(lines) > 1 {
		said = lines[1:]
	}
	if len(said) == 1 {
		return truncate(prefix+" "+what(said[0].Body)) + "\n\n[skip ci]\n"
	}
	var b strings.Builder
	b.WriteString(truncate(prefix+" "+counts(said)) + "\n\n")
	for _, e := range lines[:min(len(lines), bodyLines)] {
		b.WriteString(truncate(fmt.Sprintf("%d %s", e.Seq, what(e.Body))) + "\n")
	}
	if n := len(lines) - bodyLines; n > 0 {
		fmt.Fprintf(&b, "and %d more\n", n)
	}
	return b.String() + "\n[skip ci]\n"
}

func commandPrefix(agent string, seq uint64) string {
	return fmt.Sprintf("crosslink: %s %d", agent, seq)
}

// what describes an event, and the issue that it creates.
func what(b event.Body) string {
	if c, ok := b.(*event.IssueCreated); ok {
		return c.Type() + " " + c.Title
	}
	return b.Type()
}

// counts lists the types of events with their numbers, in the order of the first events.
func counts(lines []*event.Envelope) string {
	var types []string
	n := map[string]int{}
	for _, e := range lines {
		t := e.Body.Type()
		if n[t] == 0 {
			types = append(types, t)
		}
		n[t]++
	}
	for k, t := range types {
		if n[t] > 1 {
			types[k] = fmt.Sprintf("%d %s", n[t], t)
		}
	}
	return strings.Join(types, ", ")
}

// truncate cuts a line of a message to the width of a terminal.
func truncate(s string) string {
	if r := []rune(s); len(r) > subjectColumns {
		return string(r[:subjectColumns-1]) + "…"
	}
	return s
}

// LastCommand returns the events of an agent's last command, nil if there are none or if
// the log no longer shows which they are.
func (r *Reader) LastCommand(ctx context.Context, agent string) ([]*event.Envelope, error) {
	s, err := r.Load(ctx)
	if err != nil {
		return nil, err
	}
	l := s.Log(agent)
	if l == nil || l.View == "" || l.Seq == 0 {
		return nil, nil
	}
	head, message, err := refs.ReadMessage(ctx, r.local(), l.View)
	if err != nil {
		return nil, err
	}
	before := uint64(0)
	if len(head.Parents) > 0 {
		was, err := refs.ReadLog(ctx, r.local(), l.Agent, head.Parents[0], math.MaxUint64)
		if err != nil {
			return nil, err
		}
		before = was.Last()
	}
	if before >= l.Seq || !strings.HasPrefix(message, commandPrefix(l.Agent, before+1)+" ") {
		return nil, nil
	}
	log, err := refs.ReadLog(ctx, r.local(), l.Agent, l.View, before+1)
	if err != nil {
		return nil, err
	}
	var lines []*event.Envelope
	for seq := before + 1; seq <= l.Seq; seq++ {
		e, err := event.Decode(bytes.Clone(log.At(seq)))
		if err != nil {
			return nil, fmt.Errorf("read event %d of '%s': %w", seq, l.Agent, err)
		}
		lines = append(lines, e)
	}
	return slices.Clip(lines), nil
}
