package ledger_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
)

// The oracle watches a hub from outside, knows everything, and says what may
// never happen:
//   - an event is lost;
//   - a number is given twice, or another one to the same issue;
//   - two claims hold one issue under one token, or a token that does not rise;
//   - a claim that is over is granted again;
//   - an honest step is judged bad;
//   - two readers of one tip disagree, warm or cold.

type claimID struct {
	issue event.UUID
	agent string
	seq   uint64
}

// track is what the oracle knows of one chain up to a tip.
type track struct {
	view   ledger.View
	over   map[claimID]bool
	tokens map[event.UUID]uint64 // greatest ever
}

type oracle struct {
	h       *hub
	agents  []*agent
	reader  *ledger.Reader
	tracks  map[string]*track // by tip
	hashes  map[*ledger.Ledger]string
	digest  map[string]string // tip → what every reader must see
	heard   map[*ledger.Ledger]bool
	numbers map[event.UUID]uint64 // what somebody was first told
	lost    bool                  // the hub has lost acknowledged steps: numbers may have aliases
	forged  map[string]bool
	badSeen map[string]string
	merges  int
	failed  string
}

func newOracle(h *hub, agents ...*agent) *oracle {
	o := &oracle{
		h: h, agents: agents, reader: ledger.NewReader(h.w, hubID), tracks: map[string]*track{}, hashes: map[*ledger.Ledger]string{}, heard: map[*ledger.Ledger]bool{}, digest: map[string]string{},
		numbers: map[event.UUID]uint64{}, forged: map[string]bool{}, badSeen: map[string]string{},
	}
	h.changed = func() {
		if tip := h.refs[checkpointRef]; tip != "" {
			o.follow(tip)
		}
	}
	return o
}

func (o *oracle) fail(format string, args ...any) {
	if o.failed == "" {
		o.failed = fmt.Sprintf(format, args...)
	}
}

// digestOf is what a reader sees at a tip. A ledger is never altered, so its
// hash is made once.
func (o *oracle) digestOf(v ledger.View) string {
	h, ok := o.hashes[v.Ledger]
	if !ok {
		h = event.Hash(v.Ledger.Files()["state.json"])
		o.hashes[v.Ledger] = h
	}
	return v.Step + " " + strconv.FormatUint(v.Since, 10) + " " + h
}

// same checks that everybody sees the same at one tip.
func (o *oracle) same(who string, v ledger.View) {
	d := o.digestOf(v)
	if was, ok := o.digest[v.Tip]; ok && was != d {
		o.fail("%s sees '%s' at %s, others '%s'", who, d, v.Tip, was)
	}
	o.digest[v.Tip] = d
}

// follow checks a chain step by step and returns what it knows of its tip.
func (o *oracle) follow(tip string) *track {
	if t, ok := o.tracks[tip]; ok {
		return t
	}
	prev := &track{view: ledger.View{Ledger: ledger.Empty(hubID)}, over: map[claimID]bool{}, tokens: map[event.UUID]uint64{}}
	c := o.h.w.commits[tip]
	if len(c.parents) > 0 && o.h.w.commits[c.parents[0]].agent == "" {
		prev = o.follow(c.parents[0])
	}
	v, err := o.reader.Read(tip)
	if err != nil {
		o.fail("reading %s: %v", tip, err)
		return prev
	}
	for _, b := range v.Bad {
		o.badSeen[b.ID] = b.Reason
		if !o.h.w.commits[b.ID].forged {
			o.fail("an honest step is judged bad: %s", b.Reason)
		}
	}
	o.same("the oracle", v)
	t := &track{view: v, over: maps.Clone(prev.over), tokens: maps.Clone(prev.tokens)}
	o.tracks[tip] = t
	if v.Step == tip {
		o.step(prev, t)
	}
	return t
}

func (o *oracle) step(prev, t *track) {
	was, is := prev.view.Ledger, t.view.Ledger
	var lost *track
	if is.Merged != "" {
		o.merges++
		lost = o.follow(is.Merged)
		for u, k := range lost.tokens {
			t.tokens[u] = max(t.tokens[u], k)
		}
	}
	if is.Sequence <= was.Sequence {
		o.fail("the sequence fell from %d to %d", was.Sequence, is.Sequence)
	}
	old, now := was.Issues(), is.Issues()
	if len(now) < len(old) || !slices.Equal(now[:len(old)], old) {
		o.fail("a decided number changed")
	}
	given := map[uint64]bool{}
	for _, x := range now {
		if given[x.Number] {
			o.fail("number %d was given twice", x.Number)
		}
		given[x.Number] = true
	}
	for u, k := range is.Locks {
		p, held := was.Locks[u]
		if held && p == k {
			continue
		}
		if k.Token <= t.tokens[u] {
			o.fail("a token of an issue did not rise: %d after %d", k.Token, t.tokens[u])
		}
		t.tokens[u] = k.Token
		if p.Agent != k.Agent || p.ClaimSeq != k.ClaimSeq {
			o.alive(prev, lost, claimID{u, k.Agent, k.ClaimSeq})
		}
	}
	for u, q := range is.Queue {
		for _, w := range q {
			if !slices.Contains(was.Queue[u], w) {
				o.alive(prev, lost, claimID{u, w.Agent, w.ClaimSeq})
			}
		}
	}
	o.ends(t, is)
}

// told records what was reported to an agent's user, and checks that it does not contradict
// earlier reports.
func (o *oracle) told(l *ledger.Ledger) {
	if o.heard[l] {
		return
	}
	o.heard[l] = true
	for _, x := range l.Issues() {
		n, told := o.numbers[x.UUID]
		if told && n != x.Number && !o.lost {
			o.fail("issue %s had number %d and has %d", x.UUID, n, x.Number)
		}
		if !told {
			o.numbers[x.UUID] = x.Number
		}
	}
}

func (o *oracle) alive(prev, lost *track, c claimID) {
	if prev.over[c] || lost != nil && lost.over[c] {
		o.fail("a claim that is over came back: %s/%d", c.agent, c.seq)
	}
}

// ends records which covered claims have ended.
func (o *oracle) ends(t *track, l *ledger.Ledger) {
	for _, a := range o.agents {
		if a.tip == "" {
			continue
		}
		for _, e := range o.h.w.commits[a.tip].lines {
			b, ok := e.Body.(*event.LockClaimed)
			if !ok || e.Seq > l.Position(a.id).Seq {
				continue
			}
			c := claimID{b.Issue, a.id, e.Seq}
			k := l.Locks[b.Issue]
			live := k.Agent == a.id && k.ClaimSeq == e.Seq
			for _, w := range l.Queue[b.Issue] {
				live = live || w.Agent == a.id && w.ClaimSeq == e.Seq
			}
			if !live {
				t.over[c] = true
			}
		}
	}
}

// during is checked after every move: everybody sees what the oracle sees.
func (o *oracle) during() {
	for _, a := range o.agents {
		if a.view.Tip != "" {
			o.same(a.id, a.view)
			o.told(a.view.Ledger)
		}
	}
}

// end is checked when faults have stopped and everybody has synced twice.
func (o *oracle) end() {
	tip := o.h.refs[checkpointRef]
	for _, a := range o.agents {
		if a.view.Tip != tip {
			o.fail("%s believes %s, the hub has %s", a.id, a.view.Tip, tip)
		}
		if len(a.unsent()) > 0 || len(a.lost) > 0 {
			o.fail("%s has unsent lines or lost steps", a.id)
		}
		if a.tip == "" {
			continue
		}
		for _, b := range o.agents {
			if b.logs[a.id] != a.tip {
				o.fail("%s lacks events of %s", b.id, a.id)
			}
		}
		if o.h.refs[agentRefs+a.id] != a.tip {
			o.fail("the hub lacks events of %s", a.id)
		}
	}
	if tip == "" {
		return
	}
	cold := o.h.w.cold(tip)
	o.same("a cold reader", cold)
	l := cold.Ledger
	o.everyIssue(l)
	files := l.Files()
	d, err := ledger.Decode(files)
	if err != nil || !maps.EqualFunc(d.Files(), files, bytes.Equal) {
		o.fail("the last step does not decode to itself: %v", err)
	}
	if a := o.agents[0]; len(o.agents) > 0 {
		if next, decided := a.draft(a.hubLogs()); decided {
			o.fail("something is still undecided: %s", words(o.h.w.cold(next).Ledger))
		}
	}
}

// everyIssue checks that each has its number, or an alias from a lost one.
func (o *oracle) everyIssue(l *ledger.Ledger) {
	for _, a := range o.agents {
		if a.tip == "" {
			continue
		}
		for _, e := range o.h.w.commits[a.tip].lines {
			b, ok := e.Body.(*event.IssueCreated)
			if !ok {
				continue
			}
			n, told := l.Issue(b.UUID), o.numbers[b.UUID]
			if n == 0 {
				o.fail("an issue has no number")
			}
			// A number lost by two branches can lead to one issue only.
			if n != told && l.IssueAliases[told] == 0 {
				o.fail("issue %s was %d, is %d, and there is no alias", b.UUID, told, n)
			}
		}
	}
}

// tell describes an oracle's hub, for a test that failed.
func (o *oracle) tell() string {
	var b strings.Builder
	var ids []string
	for id := o.h.refs[checkpointRef]; id != ""; {
		ids = append(ids, id)
		if c := o.h.w.commits[id]; len(c.parents) > 0 {
			id = c.parents[0]
		} else {
			id = ""
		}
	}
	for _, id := range slices.Backward(ids) {
		fmt.Fprintf(&b, "%s %s\n", strings.TrimLeft(id, "0"), words(o.h.w.cold(id).Ledger))
	}
	return b.String()
}
