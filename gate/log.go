package gate

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"sync"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// A pushed log is valid if
//
//   - it is based on the hub's tip;
//   - its lines are those on the hub and more, each of which continues the line before it (a
//     log is its lines: the commits that contain them do not matter);
//   - or it restores lines that the ledger covers and the hub's log has lost: then all of its
//     lines are new, and anybody may push it;
//   - or it leaves out unsigned lines that follow the hub's last signed line and do not count
//     (trust.Verdict.Trails): they arrived before the gate was installed;
//   - every new commit contains the beginning of that log and nothing else, except for other
//     entries in the hub's tip;
//   - a branch of an archived log has all lines that the ledger covers;
//   - no new line is stamped ahead of every clock, unless the ledger covers it.

// logCheck judges one log.
type logCheck struct {
	*gate
	c        Command
	id       string
	old, new map[string]entry
	was      event.Chain // after the hub's last line
	pin      pin         // position that the ledger covers
	restored bool        // the hub's log differs from the one that the ledger covers
	fresh    int64       // bytes of new lines
	filled   bool        // and they fill a segment
	verdict  verdict
}

func (g *gate) judgeLog(c Command, id string) (*Refusal, error) {
	fresh, edge := g.reach(c.New)
	if r, err := g.forward(c, edge); r != nil || err != nil {
		return r, err
	}
	l := &logCheck{gate: g, c: c, id: id, old: map[string]entry{}, was: event.Chain{Hub: g.meta.Hub, Agent: id}}
	pinned, err := g.pins()
	if err != nil {
		return nil, err
	}
	l.pin = pinned[id]
	if c.Old != "" {
		if l.old, err = g.list(c.Old); err != nil {
			return nil, err
		}
	}
	if r, err := l.shape(); r != nil || err != nil {
		return r, err
	}
	if l.verdict, err = g.meta.verdict(l); err != nil {
		return nil, err
	}
	if r, err := l.lines(); r != nil || err != nil {
		return r, err
	}
	if r, err := l.length(); r != nil || err != nil {
		return r, err
	}
	if r, err := g.comesBack(c, id, l.pin); r != nil || err != nil {
		return r, err
	}
	return l.history(fresh, edge)
}

var (
	shardPath   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^events/[0-9]{6,10}$`) })
	segmentPath = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^events/([0-9]{6,10})/([0-9]{12})\.[0-9a-f]{8}$`)
	})
)

// place checks an entry of this agent's log, at any time in its history; "" if it is valid.
func (l *logCheck) place(p string, e entry) string {
	switch {
	case p == "events" || shardPath().MatchString(p):
		if e.mode != refs.ModeTree {
			return "is not a directory"
		}
		return ""
	case !segmentPath().MatchString(p):
		return "is not part of a log"
	case e.mode != refs.ModeBlob:
		return "is not a plain file"
	}
	first, _ := strconv.ParseUint(segmentPath().FindStringSubmatch(p)[2], 10, 64)
	if first == 0 || p != refs.SegmentPath(l.id, first) {
		return "is not part of the log of '" + l.id + "'"
	}
	return ""
}

// shape checks the new tip's tree.
func (l *logCheck) shape() (*Refusal, error) {
	h, err := l.commit(l.c.New)
	if err != nil {
		return nil, err
	}
	l.new = map[string]entry{}
	w := treeWalk{g: l.gate, seen: map[string]bool{}, allow: func(p string, e entry) string {
		l.new[p] = e
		if was, ok := l.old[p]; ok && was == e {
			return ""
		}
		return l.place(p, e)
	}}
	return w.tree("", h.Tree)
}

// lines walks the new lines, from the first segment in which the logs differ.
func (l *logCheck) lines() (*Refusal, error) {
	var tail refs.Log
	if l.c.Old != "" {
		var err error
		if tail, err = refs.ReadLog(l.ctx, l.repo, l.id, l.c.Old, math.MaxUint64); err != nil {
			return nil, err
		}
		if tail.Missing {
			return nil, fmt.Errorf("the hub's log of '%s': %s: %w", l.id, tail.Bad, errOwn)
		}
	}
	r, err := l.extends(tail)
	if r == nil || err != nil {
		return r, err
	}
	if signed, err := l.withoutTrail(r); err != nil || signed != nil {
		if err == nil {
			r, err = l.walk(signed, 1)
		}
		return r, err
	}
	if l.pin.seq == 0 {
		return r, nil
	}
	// They do not continue the hub's lines: perhaps they restore lost ones.
	lost, err := l.lost(tail)
	if err != nil || !lost {
		return r, err
	}
	l.restored, l.was = true, event.Chain{Hub: l.meta.Hub, Agent: l.id}
	if l.verdict, err = l.meta.verdict(l); err != nil {
		return nil, err
	}
	return l.walk(nil, 1)
}

// withoutTrail returns the counted lines of a hub's log that ends with unsigned lines that
// do not count, otherwise nil; r is why the new log does not continue the hub's. The new
// log is then judged after these lines.
func (l *logCheck) withoutTrail(r *Refusal) (signed [][]byte, err error) {
	if r.Rule != Rewritten {
		return nil, nil
	}
	hub, err := refs.ReadLog(l.ctx, l.repo, l.id, l.c.Old, 1)
	if err != nil || hub.Bad != "" {
		return nil, err
	}
	if at := hub.At(l.pin.seq); l.pin.seq > 0 && (at == nil || event.Hash(at) != l.pin.hash) {
		return nil, nil // lines that the ledger covers have to be restored first
	}
	judge, chain := l.meta.roll.Log(l.id, trust.LogOptions{Covered: l.pin.seq}), event.Chain{Hub: l.meta.Hub, Agent: l.id}
	var lines []*event.Envelope
	for _, line := range hub.Lines {
		e, err := chain.Next(bytes.Clone(line))
		if err != nil {
			return nil, nil
		}
		judge.Feed(e)
		lines = append(lines, e)
	}
	v := judge.Verdict()
	if !v.Trails() {
		return nil, nil
	}
	last := lines[v.Kept()-1]
	l.was.Seq, l.was.Hash, l.was.Time = last.Seq, event.Hash(last.Raw), last.Time
	l.verdict, err = l.meta.verdict(l)
	return hub.Lines[:v.Kept()], err
}

// extends checks that the new log consists of the hub's lines and more.
func (l *logCheck) extends(tail refs.Log) (*Refusal, error) {
	if tail.Bad != "" {
		return refuse(Damaged, cureServer, "the log on the hub ends early: %s", plain(tail.Bad)), nil
	}
	if len(tail.Lines) == 0 {
		if len(l.old) > 0 && hasSegments(l.old) {
			return refuse(Damaged, cureServer, "the log on the hub has no last line"), nil
		}
		return l.walk(nil, 1)
	}
	last, err := event.Decode(tail.Lines[len(tail.Lines)-1])
	if err != nil || last.Seq != tail.Last() || last.Agent != l.id || last.Hub != l.meta.Hub {
		return refuse(Damaged, cureServer, "the last line of the log on the hub is not in this log"), nil
	}
	l.was.Seq, l.was.Hash, l.was.Time = last.Seq, event.Hash(last.Raw), last.Time
	first, file := tail.First, refs.OID("") // full segments are the same files
	for p, e := range l.old {
		if m := segmentPath().FindStringSubmatch(p); m != nil && l.new[p] != e {
			if n, _ := strconv.ParseUint(m[2], 10, 64); n < first {
				first, file = n, e.oid
			}
		}
	}
	if file == "" {
		return l.walk(tail.Lines, tail.First)
	}
	data, err := l.object(file, refs.Blob, refs.SegmentLimit)
	if err != nil {
		return nil, err
	}
	r, err := l.walk(bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")), first)
	if r == nil && err == nil {
		r = l.rewritten(first, "the lines from here on are not those on the hub")
	}
	return r, err
}

func hasSegments(files map[string]entry) bool {
	for p := range files {
		if segmentPath().MatchString(p) {
			return true
		}
	}
	return false
}

func (l *logCheck) rewritten(seq uint64, why string) *Refusal {
	r := refuse(Rewritten, cureFork, "%s", why)
	r.Line = seq
	return r
}

// walk reads the new log from sequence from on: first the lines that the hub has, known,
// then new ones.
func (l *logCheck) walk(known [][]byte, from uint64) (r *Refusal, err error) {
	chain := l.was
	seen := 0
	var late []stamp // checked afterward, because nothing else can be read while lines are read
	logs, err := refs.WalkLogs(l.ctx, l.repo, []refs.LogRequest{{Agent: l.id, Tip: l.c.New, From: from}}, func(_ int, seq uint64, line []byte) bool {
		switch {
		case seq < from:
			return true
		case seen < len(known):
			if !bytes.Equal(line, known[seen]) {
				r = l.rewritten(seq, "the line is not the one on the hub")
				return false
			}
			seen++
			return true
		}
		var e *event.Envelope
		if e, err = chain.Next(bytes.Clone(line)); err != nil {
			r, err = refuseLine(chain.Seq+1, err), nil
			return false
		}
		if r = l.verdict.line(e); r != nil {
			r.Line = e.Seq
			return false
		}
		if !l.covered(e.Seq) { // the line restores one that the ledger covers
			l.fresh += int64(len(line)) + 1
			l.filled = l.filled || e.Seq%refs.SegmentLines == 0
			if over := l.bring(len(line) + 1); over != nil {
				r = unreadable(over)
				return false
			}
		}
		if e.Time > l.clock()+ahead && !l.covered(e.Seq) {
			late = append(late, stamp{e.Seq, e.Time})
		}
		return true
	})
	switch {
	case err != nil || r != nil:
		return r, err
	case logs[0].Missing:
		return refuse(Unreadable, cureSync, "%s", plain(logs[0].Bad)), nil
	case logs[0].Bad != "":
		r := refuse(Tree, cureNoPush, "%s", plain(logs[0].Bad))
		r.Line = chain.Seq + 1
		return r, nil
	case seen < len(known):
		return l.rewritten(from+uint64(seen), "the lines from here on are on the hub and missing here"), nil
	case chain.Seq == 0:
		return refuse(Tree, cureNoPush, "it contains no event"), nil
	}
	if r := l.verdict.end(); r != nil {
		r.Line = chain.Seq
		return r, nil
	}
	if r := l.pusher(chain.Seq); r != nil {
		return r, nil
	}
	return l.late(late)
}

// covered reports whether the ledger covers a line of the pushed log.
func (l *logCheck) covered(seq uint64) bool { return l.restored && seq <= l.pin.seq }

// lost reports whether the hub's log lacks lines that the ledger covers, and the pushed log
// has them.
func (l *logCheck) lost(tail refs.Log) (bool, error) {
	if l.c.Old != "" {
		has, err := l.holds(l.c.Old, l.id, l.pin)
		if err != nil || has {
			return false, err
		}
	}
	return l.holds(l.c.New, l.id, l.pin)
}

// history checks every new commit of the log.
func (l *logCheck) history(fresh, edge []refs.OID) (*Refusal, error) {
	ids := map[string]map[refs.OID]bool{} // segment → its earlier contents
	w := treeWalk{g: l.gate, seen: map[string]bool{}}
	var failed error
	w.allow = func(p string, e entry) string {
		if is, ok := l.new[p]; ok && is == e {
			return ""
		}
		if was, ok := l.old[p]; ok && was == e {
			return ""
		}
		if why := l.place(p, e); why != "" || e.mode == refs.ModeTree {
			return why
		}
		is, ok := l.new[p]
		if !ok {
			return "is not in the log that is pushed"
		}
		if ids[p] == nil {
			data, err := l.object(is.oid, refs.Blob, refs.SegmentLimit)
			if err != nil {
				failed = err
				return "cannot be read"
			}
			ids[p] = prefixes(l.repo.Format(), data)
		}
		if !ids[p][e.oid] {
			return "holds other lines than the log that is pushed"
		}
		return ""
	}
	for _, id := range slices.Concat(fresh, edge) {
		if id == l.c.Old || id == l.c.New {
			continue
		}
		h, err := l.commit(id)
		if err != nil {
			return nil, err
		}
		w.n = 0
		r, err := w.tree("", h.Tree)
		if err == nil {
			err = failed
		}
		if r != nil || err != nil {
			if r != nil {
				r.Why = fmt.Sprintf("in the earlier commit %s, %s", id[:12], r.Why)
			}
			return r, err
		}
	}
	return nil, nil
}

// holds reports whether a log has the line at a position.
func (g *gate) holds(tip refs.OID, id string, at pin) (bool, error) {
	found := false
	_, err := refs.WalkLogs(g.ctx, g.repo, []refs.LogRequest{{Agent: id, Tip: tip, From: at.seq}}, func(_ int, seq uint64, line []byte) bool {
		found = seq == at.seq && event.Hash(line) == at.hash
		return seq < at.seq
	})
	return found, err
}

// errOwn marks a fault of the hub itself.
var errOwn = errors.New("the hub's own objects are damaged")
