package ledger_test

import (
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
)

// A simulated clone with one agent. Its publish is the protocol of the
// tracker, step by step, so that the two can be laid side by side:
//
//	append      locally, durable, before anything else
//	publish     log and step in one atomic push; refused: the log alone,
//	            fetch, and a step that covers only what the hub has
//	sync        fetch, judge, send what the hub lacks (logs and steps),
//	            merge what it lost, decide what is undecided
//
// A step built here is scratch until it has been seen on the hub.

type agent struct {
	*writer
	id     string
	h      *hub
	skew   event.Time
	now    func() event.Time
	pause  func() // before each call of the hub: others may go first
	off    bool   // offline: no call reaches the hub
	logs   map[string]string
	seen   map[string]string // the hub's refs when last looked
	reader *ledger.Reader
	view   ledger.View // the accepted chain: seen on the hub
	lost   []string    // tips that were accepted and that the hub has lost
	merged int         // merge steps accepted
	fixed  int         // chains sent again to a hub that was behind
}

func newAgent(h *hub, id string) *agent {
	a := &agent{
		writer: h.w.writer(id), id: id, h: h, now: func() event.Time { return at(0) }, pause: func() {},
		logs: map[string]string{}, seen: map[string]string{metaRef: h.w.meta}, reader: ledger.NewReader(h.w, hubID),
	}
	a.view = a.read("")
	return a
}

func (a *agent) read(tip string) ledger.View {
	v, err := a.reader.Read(tip)
	if err != nil {
		a.w.t.Fatal(err)
	}
	return v
}

func (a *agent) must(ok bool, err error) bool {
	if err != nil {
		a.w.t.Fatal(err)
	}
	return ok
}

// append makes an event durable here.
func (a *agent) append(b event.Body) *event.Envelope {
	var seen event.Time
	for _, tip := range a.logs {
		lines := a.w.commits[tip].lines
		seen = max(seen, lines[len(lines)-1].Time)
	}
	e := a.say(a.now()+a.skew, seen, b)
	a.logs[a.id] = a.tip
	return e
}

// fetch looks at the hub and takes over what it has.
func (a *agent) fetch() bool {
	a.pause()
	if a.off {
		return false
	}
	refs, ok := a.h.fetch()
	if !ok {
		return false
	}
	a.seen = refs
	for _, id := range logs(refs) {
		a.adopt(id, refs[agentRefs+id])
	}
	a.believe(refs[checkpointRef])
	return true
}

// adopt takes the longer of two tips of a log.
func (a *agent) adopt(id, tip string) {
	if tip != "" && (a.logs[id] == "" || len(a.w.commits[tip].lines) > len(a.w.commits[a.logs[id]].lines)) {
		a.logs[id] = tip
	}
}

// believe judges the hub's chain. If the hub's chain is an older part of the accepted one, the
// rest is sent again. Another chain is accepted, and the steps it lost must be merged.
func (a *agent) believe(tip string) {
	if tip != "" && !a.must(a.reader.Extends(a.view.Tip, tip)) {
		if a.view.Tip != "" && !a.must(a.reader.Holds(tip, a.view.Tip)) {
			a.lost = append(a.lost, a.view.Tip)
		}
		a.view = a.read(tip)
		a.inputs(tip)
	}
	a.lost = slices.DeleteFunc(a.lost, func(old string) bool { return a.must(a.reader.Holds(a.view.Tip, old)) })
}

// inputs takes over the logs that the chain's steps carry: what the ledger
// covers is the log, also where the hub has lost it.
func (a *agent) inputs(tip string) {
	for id := tip; id != ""; {
		c := a.w.commits[id]
		for _, p := range c.parents {
			if log := a.w.commits[p]; log.agent != "" {
				a.adopt(log.agent, p)
			}
		}
		if id = ""; len(c.parents) > 0 {
			id = c.parents[0]
		}
	}
}

// draft makes the next step from logs that the hub has or gets; it returns the new tip of the
// chain and whether it decides anything. If there is nothing to decide, the tip is the
// accepted one.
func (a *agent) draft(logs map[string]string) (string, bool) {
	on := a.view
	if on.Tip == "" {
		on = a.read(a.w.root(a.id))
	}
	p := ledger.Plan{On: on, Meta: a.seen[metaRef], By: a.id, At: a.now(), Logs: maps.Clone(logs)}
	if len(a.lost) > 0 {
		p.Lost = a.lost[0]
		p.Logs = a.logs // those of the lost steps are here
	}
	d, err := a.reader.Next(p)
	if err != nil {
		a.w.t.Fatal(err)
	}
	if d == nil {
		return a.view.Tip, false
	}
	return a.w.write(d), true
}

// hubLogs are the logs the hub had when last looked.
func (a *agent) hubLogs() map[string]string {
	out := map[string]string{}
	for _, id := range logs(a.seen) {
		out[id] = a.seen[agentRefs+id]
	}
	return out
}

// unsent returns the logs that have more lines here than on the hub.
func (a *agent) unsent() (out []update) {
	for _, id := range slices.Sorted(maps.Keys(a.logs)) {
		there := a.seen[agentRefs+id]
		if there == "" || len(a.w.commits[a.logs[id]].lines) > len(a.w.commits[there].lines) {
			out = append(out, update{agentRefs + id, a.logs[id]})
		}
	}
	return out
}

func (a *agent) push(updates []update) outcome {
	a.pause()
	if a.off {
		return noAnswer
	}
	o := a.h.push(updates, a.seen[metaRef])
	if o == accepted {
		a.seen = maps.Clone(a.seen)
		for _, u := range updates {
			a.seen[u.ref] = u.to
			if u.ref == checkpointRef {
				if len(a.lost) > 0 && a.w.commits[u.to].files != nil {
					a.merged++
				}
				a.believe(u.to)
			}
		}
	}
	return o
}

// publish sends what is here and decides what can be decided.
func (a *agent) publish() {
	updates := a.unsent()
	pushed := a.hubLogs()
	for _, u := range updates {
		pushed[u.ref[len(agentRefs):]] = u.to
	}
	if tip, decided := a.draft(pushed); decided || a.behind() {
		updates = append(updates, update{checkpointRef, tip})
	}
	if len(updates) == 0 || a.push(updates) != rejected {
		return
	}
	for range 3 {
		for _, u := range a.unsent() { // single-writer: it lands
			if a.push([]update{u}) == noAnswer {
				return
			}
		}
		if !a.fetch() {
			return
		}
		tip, decided := a.draft(a.hubLogs())
		if !decided && !a.behind() {
			return
		}
		if a.push([]update{{checkpointRef, tip}}) != rejected {
			return
		}
	}
}

// behind reports whether the hub's chain is an older part of the accepted one.
func (a *agent) behind() bool {
	there := a.seen[checkpointRef]
	return a.view.Tip != "" && there != a.view.Tip && (there == "" || a.must(a.reader.Extends(a.view.Tip, there)))
}

func (a *agent) sync() {
	if !a.fetch() {
		return
	}
	if a.behind() {
		a.fixed++
	}
	a.publish()
	for n := 0; len(a.lost) > 0 && n < 3; n++ { // several tips were lost
		a.publish()
	}
}

// restart forgets all but what a clone keeps: refs, and which tip was judged.
func (a *agent) restart() {
	a.reader = ledger.NewReader(a.w, hubID)
	if a.view.Step == "" {
		a.view = a.read(a.view.Tip)
		return
	}
	files := a.w.commits[a.view.Step].files
	_, err := ledger.Decode(files)
	l, rerr := ledger.Recall(files)
	if err != nil || rerr != nil {
		a.w.t.Fatalf("a valid step does not decode: %v, %v", err, rerr)
	}
	a.view.Ledger = l
	a.reader.Resume(a.view)
}

// holds says whether this clone would tell its agent that it holds the lock.
func (a *agent) holds(issue event.UUID) bool { return a.view.Ledger.Locks[issue].Agent == a.id }

// claim is `lock`: without wait and refused, it takes the claim back.
func (a *agent) claim(issue event.UUID, wait bool) {
	e := a.append(&event.LockClaimed{Issue: issue, Wait: wait})
	a.publish()
	if k, held := a.view.Ledger.Locks[issue]; held && k.Agent != a.id && !wait && a.view.Ledger.Position(a.id).Seq < e.Seq {
		a.append(&event.LockReleased{Issue: issue})
		a.publish()
	}
}

func (a *agent) release(issue event.UUID) {
	a.append(&event.LockReleased{Issue: issue})
	a.publish()
}

func (a *agent) create() event.UUID {
	u := a.w.uuid()
	a.append(&event.IssueCreated{UUID: u, Title: "x", Priority: event.Medium, CreatedBy: a.id})
	a.publish()
	return u
}
