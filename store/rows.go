package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
)

// The columns of tables besides k and sum.
const (
	issueColumns   = "short shown status rank created updated due scheduled position title labels assignees parent milestone holder ending row"
	commentColumns = "issue short gone"
	agentColumns   = "sign row"
	markColumns    = "agent seq rule"
)

func (w *writer) issues() error {
	return w.sync("issue", issueColumns, func(yield func(row) bool) {
		for u, i := range w.m.rows {
			if !yield(row{u[:], issueValues(i)}) {
				return
			}
		}
		for _, u := range w.m.issues.uuid {
			if w.m.rows[u] != nil {
				continue
			}
			if !yield(row{u[:], goneValues(w.m.issues.short(u))}) {
				return
			}
		}
	})
}

// issueValues are the columns by which issues are found and ordered, as
// Filter's rules have it, and the row itself.
func issueValues(i *Issue) []any {
	due, position := i.DueAt, int64(i.Number-1)
	if due == 0 {
		due = event.MaxTime
	}
	if position < 0 {
		position = math.MaxInt64
	}
	var holder any
	ending := int64(0)
	if i.Lock != nil {
		holder = i.Lock.Holder
		ending = flag(i.Lock.Ending)
	}
	return []any{i.Short, int64(1), string(i.Status), int64(Rank(i.Priority)), int64(i.CreatedAt), int64(i.UpdatedAt), int64(due), int64(i.ScheduledAt),
		position, []byte(i.Title), words(i.Labels), words(i.Assignees), i.Parent[:], i.Milestone[:], holder, ending, pack(i)}
}

// goneValues are the columns of an issue that is deleted.
func goneValues(short string) []any {
	vals := make([]any, strings.Count(issueColumns, " ")+1)
	vals[0], vals[1] = short, int64(0)
	return vals
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// words writes a list so that one of it can be looked for by its Name.
func words(list []string) string {
	var b strings.Builder
	for _, s := range list {
		b.WriteString(word(s))
	}
	return b.String()
}

func word(s string) string { return "(" + hex.EncodeToString([]byte(Name(s))) + ")" }

func (w *writer) edges() error {
	return w.sync("edge", "issue blocker", func(yield func(row) bool) {
		for u, i := range w.m.rows {
			for _, b := range i.BlockedBy {
				if !yield(row{slices.Concat(u[:], b[:]), []any{u[:], b[:]}}) {
					return
				}
			}
		}
	})
}

func (w *writer) comments() error {
	return w.sync("comment", commentColumns, func(yield func(row) bool) {
		for c, issue := range w.m.home {
			short, gone := "", ""
			h := hex.EncodeToString(c[:])
			if _, there := w.m.comment.uuid[h]; there {
				short = w.m.comment.short(c)
			}
			if _, there := w.m.gone.uuid[h]; there {
				gone = w.m.gone.short(c)
			}
			if !yield(row{c[:], []any{issue[:], short, gone}}) {
				return
			}
		}
	})
}

func (w *writer) decided() error {
	if err := w.sync("number", "issue", func(yield func(row) bool) {
		for n, u := range w.m.numbers {
			if !yield(row{int64(n), []any{u[:]}}) {
				return
			}
		}
	}); err != nil {
		return err
	}
	return w.sync("alias", "stands", func(yield func(row) bool) {
		for lost, now := range w.m.aliases {
			if !yield(row{int64(lost), []any{int64(now)}}) {
				return
			}
		}
	})
}

func (w *writer) milestones() error {
	return w.sync("milestone", "row", func(yield func(row) bool) {
		for u, x := range w.m.view.Milestones {
			if !yield(row{u[:], []any{pack(x)}}) {
				return
			}
		}
	})
}

func (w *writer) agents() error {
	last := map[string]*event.Envelope{}
	for _, e := range w.m.lines {
		if was := last[e.Agent]; was == nil || e.Seq > was.Seq {
			last[e.Agent] = e
		}
	}
	for id := range w.m.view.Agents {
		if last[id] == nil {
			last[id] = nil
		}
	}
	return w.sync("agent", agentColumns, func(yield func(row) bool) {
		for id, e := range last {
			sign, about := int64(0), any(nil)
			if e != nil {
				sign = int64(e.Shown())
			}
			if a := w.m.view.Agents[id]; a != nil {
				about = pack(a)
			}
			if !yield(row{id, []any{sign, about}}) {
				return
			}
		}
	})
}

func (w *writer) rejections() error {
	return w.sync("rejection", "row", func(yield func(row) bool) {
		for _, r := range w.m.state.Rejections() {
			b := pack(&r)
			sum := sha256.Sum256(b)
			if !yield(row{sum[:], []any{b}}) {
				return
			}
		}
	})
}

// marks keeps what is said of each line as runs, for it changes rarely along a
// log.
func (w *writer) marks() error {
	return w.sync("mark", markColumns, func(yield func(row) bool) {
		for id, lines := range w.m.byAgent() {
			rule := ""
			for _, e := range lines {
				now := w.m.Mark(id, e.Seq)
				if now == rule {
					continue
				}
				if rule = now; !yield(markRow(id, e.Seq, rule)) {
					return
				}
			}
			next := lines[len(lines)-1].Seq + 1 // what stands there does not count
			if now := w.m.Mark(id, next); now != "" && now != rule && !yield(markRow(id, next, now)) {
				return
			}
		}
	})
}

func markRow(agent string, seq uint64, rule string) row {
	return row{binary.BigEndian.AppendUint64([]byte(agent+"\x00"), seq), []any{agent, int64(seq), rule}}
}
