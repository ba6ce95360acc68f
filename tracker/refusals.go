package tracker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
)

// A hub may refuse one thing and accept everything else: a text that looks like
// a secret, the name of a branch, a step of the ledger. The rules are:
//
//   - logs share a push until a push is refused; then each log is pushed alone,
//     and of a refused log the lines before the refused one;
//   - what was refused is remembered with the server's words. It is offered again
//     after a day, when it has changed, or when a user runs sync or init;
//   - logs that the hub has lost are put back in a push of their own;
//   - a search spends at most maxProbes pushes; a command may search several logs.
//     The next one continues.
const (
	maxProbes   = 8
	refusedFor  = 24 * time.Hour
	stepRefused = 10 * time.Minute // somebody waits for numbers and locks
)

// refusal is what the hub refused, of one branch.
type refusal struct {
	// Of a log that was written here: the hub takes the lines up to Low, and
	// refuses the lines after it up to High. Hash is that of line High.
	Low  uint64 `json:"low,omitempty"`
	High uint64 `json:"high,omitempty"`
	Hash string `json:"hash,omitempty"`
	// Of a log that the hub has lost, and of the ledger: its tip as it was seen
	// on the hub before.
	Tip refs.OID  `json:"tip,omitempty"`
	Why string    `json:"why"` // the hub's rule, in the server's words
	At  time.Time `json:"at,omitzero"`
}

// refused returns the refusal that still holds for a branch.
func (t *Tracker) refused(name string, lasts time.Duration) (r refusal, fresh, known bool) {
	r, known = t.contact.Refusals[name]
	age := t.now().Sub(r.At)
	return r, known && age >= 0 && age < lasts, known
}

// noteRefusal remembers a refusal, or forgets it (nil).
func (t *Tracker) noteRefusal(name string, r *refusal) error {
	if _, known := t.contact.Refusals[name]; r == nil && !known {
		return nil
	}
	return t.remember(func(c *contact) {
		if c.Refusals == nil {
			c.Refusals = map[string]refusal{}
		}
		if r == nil {
			delete(c.Refusals, name)
		} else {
			c.Refusals[name] = *r
		}
	})
}

// askAgain lets what was refused be offered again, all of it if no branch is
// named: a user asks.
func (t *Tracker) askAgain(names ...string) error {
	if len(names) == 0 {
		names = slices.Collect(maps.Keys(t.contact.Refusals))
	}
	names = slices.DeleteFunc(names, func(name string) bool { return t.contact.Refusals[name].At.IsZero() })
	if len(names) == 0 {
		return nil
	}
	return t.remember(func(c *contact) {
		for _, name := range names {
			if r, known := c.Refusals[name]; known {
				r.At = time.Time{}
				c.Refusals[name] = r
			}
		}
	})
}

// offer is what a push carries of a log that was written here and that the hub
// lacks lines of: its tip and the sequence it ends at, "" for nothing.
func (t *Tracker) offer(ctx context.Context, s *snapshot, l *log) (refs.OID, uint64, error) {
	name := agents + l.agent
	if s.inTheWay(name) != "" {
		return "", 0, nil
	}
	r, fresh, known := t.refused(name, refusedFor)
	if known && r.High > 0 {
		hash, err := t.lineHash(ctx, l, r.High)
		if err != nil {
			return "", 0, err
		}
		if r.High > l.hubSeq && hash == r.Hash {
			switch {
			case fresh:
				return "", 0, nil
			case r.High < l.chain.Seq && t.behind[name] == "":
				tip, err := t.beginning(ctx, l, r.High)
				return tip, r.High, err
			}
		}
	}
	tip, err := t.onTop(ctx, l.agent, l.here)
	return tip, l.chain.Seq, err
}

// withheld reports whether the hub is known to refuse the unsent lines of a log.
func (t *Tracker) withheld(ctx context.Context, s *snapshot, l *log) bool {
	if l.here == "" || l.unsent() == 0 || l.diverged || l.trails() {
		return false
	}
	if s.inTheWay(agents+l.agent) != "" {
		return true
	}
	r, known := t.contact.Refusals[agents+l.agent]
	if !known || r.High <= l.hubSeq {
		return false
	}
	hash, err := t.lineHash(ctx, l, r.High)
	return err == nil && hash == r.Hash
}

// line is a line of a log as it was written here, nil where there is none.
func (t *Tracker) line(ctx context.Context, l *log, seq uint64) ([]byte, error) {
	got, err := refs.ReadLog(ctx, t.local(), l.agent, l.here, seq)
	if err != nil {
		return nil, err
	}
	return got.At(seq), nil
}

func (t *Tracker) lineHash(ctx context.Context, l *log, seq uint64) (string, error) {
	line, err := t.line(ctx, l, seq)
	if err != nil || line == nil {
		return "", err
	}
	return event.Hash(line), nil
}

// beginning makes a tip that holds what the hub has of a log and the lines
// after that up to a sequence.
func (t *Tracker) beginning(ctx context.Context, l *log, upTo uint64) (refs.OID, error) {
	got, err := refs.ReadLog(ctx, t.local(), l.agent, l.here, l.hubSeq+1)
	if err != nil {
		return "", err
	}
	var lines [][]byte
	for seq := l.hubSeq + 1; seq <= upTo; seq++ {
		line := got.At(seq)
		if line == nil {
			return "", fmt.Errorf("the log of '%s' has no event %d: %w", l.agent, seq, refs.ErrBadLog)
		}
		lines = append(lines, line)
	}
	return refs.AppendLog(ctx, t.local(), l.agent, l.hub, lines, refs.CommitInfo{Address: t.committer(), Author: l.agent, When: t.now(),
		Message: fmt.Sprintf("crosslink: %s up to event %d\n\n[skip ci]\n", l.agent, upTo)})
}

// leased is a push that lands only on this hub.
func (t *Tracker) leased(s *snapshot, logs ...refs.PushRef) refs.Push {
	p := refs.Push{Refs: slices.Clone(logs)}
	if meta := s.refs[hubRoot+metaName]; !t.contact.NoAtomic {
		p.Atomic = true
		p.Refs = append(p.Refs, refs.PushRef{Src: meta, Dst: headRoot + metaName, Lease: &meta})
	}
	return p
}

// search is one command's search for what the hub refuses.
type search struct {
	*Tracker
	seqs   map[string]uint64 // where the logs of a push end, by ref
	o      *outcome
	pushes int // that may still be started
}

// push starts one of the pushes; false where none may be started just now, or
// where the hub did not answer it.
func (f *search) push(ctx context.Context, s *snapshot, logs ...refs.PushRef) (p refs.Push, res *refs.PushResult, ok bool, err error) {
	if f.pushes == 0 || f.o.paced != nil || f.o.reason != "" {
		return p, nil, false, nil
	}
	f.pushes--
	p = f.leased(s, logs...)
	res, err = f.Tracker.push(ctx, p)
	if f.o.waits(err) {
		return p, nil, false, nil
	}
	if errors.Is(err, errSilent) {
		f.o.reason = f.silentReason()
		return p, nil, false, nil
	}
	if err != nil {
		return p, nil, false, err
	}
	n, err := f.accepted(ctx, s, p, res, f.seqs)
	f.o.sent += n
	return p, res, res.Reached, err
}

// apart pushes logs that were refused together in smaller and smaller groups,
// until each one is on the hub or refused by itself.
func (f *search) apart(ctx context.Context, s *snapshot, logs []refs.PushRef, why string) error {
	if len(logs) == 1 {
		return f.refusedLog(ctx, s, logs[0], why)
	}
	for _, half := range [][]refs.PushRef{logs[:len(logs)/2], logs[len(logs)/2:]} {
		_, res, ok, err := f.push(ctx, s, half...)
		if err != nil || !ok {
			return err
		}
		if left := notAccepted(half, res); len(left) > 0 && refusedBy(res) != "" {
			if err := f.apart(ctx, s, left, whyRefused(res)); err != nil {
				return err
			}
		}
	}
	return nil
}

// notAccepted are the refs that the hub did not take.
func notAccepted(all []refs.PushRef, res *refs.PushResult) (left []refs.PushRef) {
	for _, r := range all {
		if st, ok := res.Refs[r.Dst]; !ok || !st.Accepted() {
			left = append(left, r)
		}
	}
	return left
}

// refusedLog remembers that the hub refuses a log, and looks for the line.
func (f *search) refusedLog(ctx context.Context, s *snapshot, ref refs.PushRef, why string) error {
	name := strings.TrimPrefix(ref.Dst, headRoot)
	l := s.logs[strings.TrimPrefix(name, agents)]
	before, again := f.contact.Refusals[name]
	r := refusal{Why: why, At: f.now()}
	end := f.seqs[ref.Dst]
	if end == 0 { // it was there before
		r.Tip = l.hub
		if !again && !f.unwatched {
			f.notice(fail.Notice{Code: "not-put-back", Text: fmt.Sprintf("the hub refuses to restore its log of '%s': %s; the log is kept here", l.agent, why)})
		}
		return f.noteRefusal(name, &r)
	}
	var err error
	if r.Low, r.High = l.hubSeq, end; end == l.chain.Seq {
		r.Hash = l.chain.Hash
	} else if r.Hash, err = f.lineHash(ctx, l, end); err != nil {
		return err
	}
	if again && before.High == r.High && before.Hash == r.Hash {
		r.Low = max(r.Low, before.Low) // it was found before
	}
	if err := f.noteRefusal(name, &r); err != nil {
		return err
	}
	return f.narrow(ctx, l.agent)
}

// narrow looks for the first line of a log that the hub refuses: what lies
// before it gets there.
func (f *search) narrow(ctx context.Context, id string) error {
	name := agents + id
	for {
		s, err := f.load(ctx)
		if err != nil {
			return err
		}
		l, r := s.logs[id], f.contact.Refusals[name]
		low := max(r.Low, l.hubSeq)
		if r.High <= low+1 {
			return nil
		}
		mid := low + (r.High-low)/2
		tip, err := f.beginning(ctx, l, mid)
		if err != nil {
			return err
		}
		f.seqs[headRoot+name] = mid
		p, res, ok, err := f.push(ctx, s, refs.PushRef{Src: tip, Dst: headRoot + name})
		switch {
		case err != nil || !ok:
			return err
		case allAccepted(p, res):
			r.Low = mid
		case refusedBy(res) == "":
			return nil // a race: the next command continues
		default:
			r.High, r.Why = mid, whyRefused(res)
			if r.Hash, err = f.lineHash(ctx, l, mid); err != nil {
				return err
			}
		}
		if err := f.noteRefusal(name, &r); err != nil {
			return err
		}
	}
}

// afterRule handles a push that a rule of the hub has refused, not for the
// first time. It reports whether there may be something else to push.
func (t *Tracker) afterRule(ctx context.Context, s *snapshot, p refs.Push, res *refs.PushResult, seqs map[string]uint64, o *outcome) (again bool, err error) {
	why := whyRefused(res)
	var logs []refs.PushRef
	step := false
	for _, r := range notAccepted(p.Refs, res) {
		step = step || r.Dst == headRoot+checkpointName
		if strings.HasPrefix(r.Dst, headRoot+agents) {
			logs = append(logs, r)
		}
	}
	switch {
	case len(logs) > 0:
		f := &search{t, seqs, o, maxProbes}
		return true, f.apart(ctx, s, logs, why)
	case step:
		o.refused, o.reason = true, s.stepRefusal(why)
		return false, t.noteRefusal(checkpointName, &refusal{Tip: s.refs[hubRoot+checkpointName], Why: why, At: t.now()})
	}
	o.refused, o.reason = true, "the hub refuses it: "+why
	return false, t.noteRefused(o.reason)
}

// noteRefused remembers that the hub takes nothing at all.
func (t *Tracker) noteRefused(why string) error {
	return t.remember(func(c *contact) { c.Refused, c.RefusedAt, c.RefusedTo = why, t.now(), t.pushTarget() })
}

// stepRefusal says why the hub takes no step of the ledger. Where a branch of
// the hub is in the way, git's own words name no cure.
func (s *snapshot) stepRefusal(why string) string {
	if other := s.inTheWay(checkpointName); other != "" {
		return inTheWayText(other, checkpointName)
	}
	return "the hub refuses the next step of the ledger: " + why
}

// onRecord reports whether all that a push offers was refused before.
func (t *Tracker) onRecord(p refs.Push) bool {
	for _, r := range p.Refs {
		if name := strings.TrimPrefix(r.Dst, headRoot); name != metaName {
			if _, known := t.contact.Refusals[name]; !known {
				return false
			}
		}
	}
	return len(p.Refs) > 0
}

// stepWithheld reports whether the hub is known to refuse a step on the one it
// has.
func (t *Tracker) stepWithheld(s *snapshot) bool {
	r, fresh, _ := t.refused(checkpointName, stepRefused)
	return fresh && r.Tip == s.refs[hubRoot+checkpointName]
}

// continueSearch goes on where an earlier command stopped.
func (t *Tracker) continueSearch(ctx context.Context, o *outcome) error {
	for _, name := range slices.Sorted(maps.Keys(t.contact.Refusals)) {
		id, isLog := strings.CutPrefix(name, agents)
		r, fresh, _ := t.refused(name, refusedFor)
		if !isLog || r.High == 0 {
			continue
		}
		s, err := t.load(ctx)
		if err != nil {
			return err
		}
		l := s.logs[id]
		if l == nil || !t.withheld(ctx, s, l) { // it went on under another id, or without the line
			if err := t.noteRefusal(name, nil); err != nil {
				return err
			}
			continue
		}
		if !fresh || r.High <= max(r.Low, l.hubSeq)+1 || !s.bound || !s.writable() || s.inTheWay(name) != "" {
			continue
		}
		f := &search{t, map[string]uint64{}, o, maxProbes}
		if err := f.narrow(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// inTheWay is a branch of the hub, as it was last seen, beside which git cannot
// keep the branch of this name: one is a directory of the other. "" if there is
// none.
func (s *snapshot) inTheWay(name string) string {
	for ref := range s.refs {
		other, ok := strings.CutPrefix(ref, incomingRoot)
		if ok && (strings.HasPrefix(name, other+"/") || strings.HasPrefix(other, name+"/")) {
			return other
		}
	}
	return ""
}

// notTakenBack reports whether the hub lost a log and refuses to take it back.
func (t *Tracker) notTakenBack(name string, tip refs.OID) bool {
	r, fresh, _ := t.refused(name, refusedFor)
	return fresh && r.High == 0 && r.Tip == tip && name != checkpointName
}

// refusalDue reports whether a sync has to look into a refusal.
func (t *Tracker) refusalDue() bool {
	for name, r := range t.contact.Refusals {
		if !t.notTakenBack(name, r.Tip) {
			return true
		}
	}
	return false
}

// lostSomething reports whether the hub has lost a log that it may take back.
func (t *Tracker) lostSomething(s *snapshot) bool {
	for name := range t.behind {
		if !t.notTakenBack(name, s.refs[hubRoot+name]) {
			return true
		}
	}
	return false
}
