package trust

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// seeds returns which random runs to make: n of them, the one CROSSLINK_SEED
// names, ten times as many at night, half of them with -short.
func seeds(t *testing.T, n uint64) (from, to uint64) {
	if s := os.Getenv("CROSSLINK_SEED"); s != "" {
		one, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return one, one + 1
	}
	switch {
	case os.Getenv("CROSSLINK_NIGHTLY") != "":
		n *= 10
	case testing.Short():
		n /= 2
	}
	return 0, n
}

// history is a hub's metas and logs, as they grew.
type history struct {
	*rand.Rand
	t     testing.TB
	roll  *State
	pens  []*pen
	keys  map[string]string // agent → name of the key it signs with
	fresh int
	kinds map[string]int
}

func (h *history) did(kind string) { h.kinds[kind]++ }

func (h *history) newName() string { h.fresh++; return fmt.Sprintf("key-%d", h.fresh) }

// grow adds one line, or one meta commit.
func (h *history) grow() {
	p := h.pens[h.IntN(len(h.pens))]
	agent := p.chain.Agent
	key := h.keys[agent]
	switch n := h.IntN(20); {
	case n < 10:
		p.say(key)
		h.did("signed")
	case n < 12:
		p.say("")
		h.did("unsigned")
	case n < 13:
		p.say("stranger")
		h.did("stranger")
	case n < 14:
		next := h.newName()
		p.say(key + ">" + next)
		h.keys[agent] = next
		h.did("rotated")
	case n < 15:
		p.write([]string{"", "stranger"}[h.IntN(2)], &event.KeyRotated{PublicKey: keyNamed("stranger").String()})
		h.did("false rotation")
	default:
		h.roll = next(h.t, h.roll, "alice", h.change)
	}
}

func (h *history) change(m *Meta, s *Signers) *Signers {
	p := h.pens[h.IntN(len(h.pens))]
	agent := p.chain.Agent
	switch h.IntN(5) {
	case 0:
		h.did("approved")
		return s.With(Signer{Principal: Principal(agent), Key: keyNamed(h.keys[agent])})
	case 1:
		h.did("removed")
		return s.Without(Principal(agent), Key{})
	case 2:
		m.Signing = []string{Off, Warn, Require}[h.IntN(3)]
		h.did("policy")
	case 3:
		m.Open = !m.Open
		h.did("open")
	case 4:
		if m.Revoked == nil {
			m.Revoked = map[string]Revocation{}
		}
		at := h.IntN(len(p.lines) + 1)
		r := Revocation{AfterSeq: uint64(at)}
		if at > 0 {
			r.Hash = event.Hash(p.lines[at-1].Raw)
		}
		if m.Revoked[agent] = r; h.IntN(3) == 0 {
			delete(m.Revoked, agent)
		}
		h.did("revoked")
	}
	return nil
}

// slowMarks says the same as a Verdict, from the rules' words: for each line it
// looks through all the others, and at every signature.
func slowMarks(r *State, agent string, lines []*event.Envelope, covered int) string {
	listed := r.Signers.Lists(Principal(agent))
	limit, why := len(lines), ""
	rev, revoked := r.Meta.Revoked[agent]
	if revoked && rev.AfterSeq < uint64(limit) {
		limit, why = int(rev.AfterSeq), RuleRevoked
	}
	if revoked && rev.AfterSeq > 0 && int(rev.AfterSeq) <= len(lines) && event.Hash(lines[rev.AfterSeq-1].Raw) != rev.Hash {
		limit, why = 0, RuleRevokedHash
	}
	if !r.Meta.Open && !listed {
		limit, why = 0, RuleNotAdmitted
	}
	// keys in force at each line
	force := map[string]bool{}
	for _, k := range r.Signers.Keys(Principal(agent), EventNamespace) {
		force[k.Fingerprint()] = true
	}
	if b, ok := lines[0].Body.(*event.AgentIntroduced); ok && !listed && b.PublicKey != "" {
		k, _ := ParseKey(b.PublicKey)
		force[k.Fingerprint()] = true
	}
	out := map[string]bool{}
	rules := make([]string, len(lines))
	for i, e := range lines[:limit] {
		_, err := VerifyLine(e)
		switch {
		case e.Signature == "":
			rules[i] = RuleUnsigned
		case out[e.SignedBy] && !force[e.SignedBy]:
			rules[i] = RuleRotatedOut
		case !force[e.SignedBy]:
			rules[i] = RuleUnknownSigner
		case err != nil:
			rules[i] = RuleBadSignature
		}
		if b, ok := e.Body.(*event.KeyRotated); ok && rules[i] == "" {
			k, _ := ParseKey(b.PublicKey)
			delete(force, e.SignedBy)
			out[e.SignedBy] = true
			force[k.Fingerprint()] = true
			delete(out, k.Fingerprint())
		}
	}
	signed := 0
	for i := range limit {
		if rules[i] == "" {
			signed = i + 1
		}
	}
	fed := limit
	if r.Meta.Signing == Require && fed > 0 {
		if !listed {
			fed, why = 0, RuleUnapproved
		} else if signed < fed {
			fed, why = signed, rules[signed]
		}
	}
	if r.Meta.Signing == Warn && signed > 0 && !revoked && max(signed, covered) < fed {
		fed = max(signed, covered) // what was signed is continued signed
		why = rules[fed]
	}
	s := ""
	for i := range lines {
		m := "ok"
		switch {
		case i >= fed:
			m = "-" + why
		case r.Meta.Signing == Off:
		case i >= signed:
			m = rules[i]
		case !listed && len(r.Signers.All()) > 0:
			m = RuleUnapproved
		}
		if s != "" {
			s += " "
		}
		s += m
	}
	return s
}

// TestAC62_WarmAndColdAgree: a replica that saw everything bit by bit, in its own order, and
// one that sees it all at once reach the same verdicts, and these are the verdicts that the
// text of the rules requires.
func TestAC62_WarmAndColdAgree(t *testing.T) {
	from, to := seeds(t, 1000)
	kinds := map[string]int{}
	for seed := from; seed < to; seed++ {
		h := &history{Rand: rand.New(rand.NewPCG(seed, 62)), t: t, roll: founded(t, Warn, true), keys: map[string]string{}, kinds: kinds}
		for i := range 2 + h.IntN(3) {
			p := newPen(t, fmt.Sprintf("agent-%d", i))
			h.keys[p.chain.Agent] = p.chain.Agent
			if h.IntN(4) > 0 {
				p.say("+" + p.chain.Agent)
			} else {
				p.say(p.chain.Agent)
			}
			h.pens = append(h.pens, p)
		}
		known := map[string]Checkpoint{} // of the warm one, kept between its commands
		for range 10 + h.IntN(30) {
			h.grow()
			if h.IntN(4) > 0 {
				continue
			}
			p := h.pens[h.IntN(len(h.pens))]
			late := p.fork()
			late.lines = late.lines[:1+h.IntN(len(late.lines))] // the rest arrives later
			if len(late.lines) < len(p.lines) {
				h.did("late")
			}
			l, _ := h.warm(known, late, 0)
			known[p.chain.Agent], _ = l.Checkpoint()
		}
		for _, p := range h.pens {
			if h.IntN(4) == 0 { // somebody who has no key appends to it
				p.say([]string{"", "stranger"}[h.IntN(2)], "", "")
			}
			covered := (len(p.lines) - h.IntN(min(4, len(p.lines)))) * h.IntN(2)
			l, resumed := h.warm(known, p, covered)
			if resumed {
				h.did("resumed")
			}
			is := l.Verdict()
			if is.Trails() {
				h.did("trails")
			}
			if is.Trails() && is.Fed > is.Vouched {
				h.did("trails, covered")
			}
			warm := marks(is)
			cold := marks(verdict(h.roll, p, LogOptions{Covered: uint64(covered)}))
			slow := slowMarks(h.roll, p.chain.Agent, p.lines, covered)
			if warm != cold || cold != slow {
				t.Fatalf("CROSSLINK_SEED=%d, %s under %s:\nwarm %s\ncold %s\nslow %s", seed, p.chain.Agent, h.roll.Meta.Signing, warm, cold, slow)
			}
		}
	}
	t.Logf("%d histories: %v", to-from, kinds)
	for _, k := range []string{"signed", "unsigned", "stranger", "rotated", "false rotation", "approved", "removed", "policy", "open", "revoked", "late", "resumed", "trails", "trails, covered"} {
		if to-from > 1 && kinds[k] < 20 {
			t.Errorf("'%s' happened %d times", k, kinds[k])
		}
	}
}

// warm judges a log from where the last verdict ended, if that is known.
func (h *history) warm(known map[string]Checkpoint, p *pen, covered int) (*Log, bool) {
	o := LogOptions{Covered: uint64(covered)}
	at := known[p.chain.Agent]
	l, resumed := h.roll.Resume(p.chain.Agent, at, o)
	if resumed = resumed && at.Lines <= uint64(len(p.lines)); !resumed {
		l, at = h.roll.Log(p.chain.Agent, o), Checkpoint{}
	}
	for _, e := range p.lines[at.Lines:] {
		l.Feed(e)
	}
	return l, resumed
}

// replica is one honest clone in a world with a forker.
type replica struct {
	pen  *pen // its own log
	logs map[string][]*event.Envelope
	held *Proof // found here
}

// forkWorld is a hub that shows a forker's two histories as it likes.
type forkWorld struct {
	*rand.Rand
	t         *testing.T
	roll      *State
	replicas  []*replica
	hub       map[string][]*event.Envelope // honest logs on the hub
	histories [2][]*event.Envelope
	covers    int    // which history the ledger covers a part of
	covered   uint64 // how many lines, 0: none
	decided   bool   // the step is on the hub
	firsts    int    // replicas that were the first to hold both
	proofs    map[*event.Envelope]*Proof
}

const forker = "mallory"

// sync lets a replica fetch, the hub showing the forker's history which, and push.
func (w *forkWorld) sync(r *replica, which int) {
	for id, lines := range w.hub {
		if id != r.pen.chain.Agent && len(lines) > len(r.logs[id]) {
			r.logs[id] = lines
		}
	}
	shown, mine := w.histories[which], r.logs[forker]
	switch {
	case beginning(mine, shown):
		r.logs[forker] = shown
	case !beginning(shown, mine):
		if p := FindFork(mine, shown); p != nil {
			if r.held == nil && w.told() == 0 {
				w.firsts++
			}
			r.held = p
		}
	}
	// what the ledger covers is the log
	if c := w.histories[w.covers]; w.decided && w.covered > 0 && !beginning(c[:w.covered], r.logs[forker]) {
		if p := FindFork(r.logs[forker], c); p != nil {
			r.held = p
		}
		r.logs[forker] = c
	}
	if r.held != nil && !w.tells(r) {
		r.pen.write(r.pen.chain.Agent, r.held.Event())
	}
	r.logs[r.pen.chain.Agent] = r.pen.lines
	w.hub[r.pen.chain.Agent] = slices.Clone(r.pen.lines)
}

// tells reports whether some log known here carries the proof.
func (w *forkWorld) tells(r *replica) bool {
	for _, lines := range r.logs {
		for _, e := range lines {
			if w.proofIn(e) != nil {
				return true
			}
		}
	}
	return false
}

// proofIn is ProofIn, asked once for each line.
func (w *forkWorld) proofIn(e *event.Envelope) *Proof {
	p, known := w.proofs[e]
	if !known {
		p = ProofIn(e)
		w.proofs[e] = p
	}
	return p
}

// told is how many honest logs carry the proof.
func (w *forkWorld) told() (n int) {
	for _, r := range w.replicas {
		for _, e := range r.pen.lines {
			if _, ok := e.Body.(*event.AgentForked); ok {
				n++
			}
		}
	}
	return n
}

func beginning(a, b []*event.Envelope) bool {
	if len(a) > len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i].Raw, b[i].Raw) {
			return false
		}
	}
	return true
}

// state is what the reducer makes of a replica's logs, and how much of each
// log counts.
func (w *forkWorld) state(r *replica) (hash string, fed map[string]uint64) {
	var proofs []*Proof
	for _, lines := range r.logs {
		for _, e := range lines {
			if p := w.proofIn(e); p != nil {
				proofs = append(proofs, p)
			}
		}
	}
	s, fed := reducer.New(), map[string]uint64{}
	for _, id := range slices.Sorted(maps.Keys(r.logs)) {
		o := LogOptions{Proofs: proofs}
		if id == forker && w.decided && beginning(w.histories[w.covers][:w.covered], r.logs[id]) {
			o.Covered = w.covered
		}
		l := w.roll.Log(id, o)
		for _, e := range r.logs[id] {
			l.Feed(e)
		}
		v := l.Verdict()
		fed[id] = v.Fed
		for _, e := range r.logs[id][:v.Fed] {
			s.Apply(e)
		}
	}
	return s.Hash(), fed
}

// TestAC66_Equivocation: one key writes two histories and shows them as it
// likes. The first replica that holds both lines proves it, all honest replicas
// end equal, and nobody else is affected.
func TestAC66_Equivocation(t *testing.T) {
	from, to := seeds(t, 1100)
	kinds := map[string]int{}
	for seed := from; seed < to; seed++ {
		w := &forkWorld{Rand: rand.New(rand.NewPCG(seed, 66)), t: t, hub: map[string][]*event.Envelope{}, proofs: map[*event.Envelope]*Proof{}}
		w.roll = next(t, founded(t, []string{Off, Warn, Require}[w.IntN(3)], w.IntN(2) == 0), "alice", list(forker, forker))
		base := newPen(t, forker)
		for range w.IntN(4) {
			base.say(forker)
		}
		for i := range w.histories {
			p := base.fork()
			hidden := i == 0 && w.IntN(4) == 0
			if hidden {
				kinds["hidden"]++
			}
			for k := range 1 + w.IntN(4) {
				by := forker
				if hidden && k == 0 {
					by = ""
				}
				p.write(by, &event.AgentRetired{Reason: fmt.Sprintf("history %d, line %d", i, k)})
			}
			if hidden {
				p.write(forker, &event.AgentRetired{Reason: "signed again"})
			}
			w.histories[i] = p.lines
		}
		if FindFork(w.histories[0], w.histories[1]) == nil {
			kinds["not provable"]++ // the one line of the other stands where this one is unsigned
			continue
		}
		if w.IntN(2) == 0 {
			w.covers = w.IntN(2)
			w.covered = uint64(1 + w.IntN(len(w.histories[w.covers])))
		}
		for ; w.covered > 0; w.covered-- { // no step covers what its policy does not let it
			l := w.roll.Log(forker, LogOptions{})
			for _, e := range w.histories[w.covers][:w.covered] {
				l.Feed(e)
			}
			if l.Verdict().Fed == w.covered {
				break
			}
		}
		if w.covered > 0 {
			kinds["covered"]++
		} else {
			kinds["not covered"]++
		}
		for i := range 2 + w.IntN(4) {
			id := fmt.Sprintf("honest-%d", i)
			w.roll = next(t, w.roll, "alice", list(id, id))
			p := newPen(t, id).say("+" + id)
			w.replicas = append(w.replicas, &replica{pen: p, logs: map[string][]*event.Envelope{id: p.lines}})
		}
		for range 4 + w.IntN(12) {
			if w.covered > 0 && w.IntN(5) == 0 {
				w.decided = true
			}
			r := w.replicas[w.IntN(len(w.replicas))]
			r.pen.say(r.pen.chain.Agent)
			w.sync(r, w.IntN(2))
		}
		w.decided = w.covered > 0
		// one replica sees both for certain, if none has
		w.sync(w.replicas[0], 0)
		w.sync(w.replicas[0], 1)
		for range 3 {
			for _, r := range w.replicas {
				w.sync(r, w.IntN(2))
			}
		}
		if w.firsts != 1 && !w.decided {
			t.Fatalf("CROSSLINK_SEED=%d: %d replicas were the first to hold both", seed, w.firsts)
		}
		if w.told() < 1 {
			t.Fatalf("CROSSLINK_SEED=%d: nobody tells", seed)
		}
		kinds[fmt.Sprintf("told by %d", w.told())]++
		want, fed := w.state(w.replicas[0])
		for i, r := range w.replicas {
			if got, is := w.state(r); got != want || !maps.Equal(is, fed) {
				t.Fatalf("CROSSLINK_SEED=%d: replica %d differs: %v, %v", seed, i, is, fed)
			}
			if n := fed[r.pen.chain.Agent]; n != uint64(len(r.pen.lines)) {
				t.Fatalf("CROSSLINK_SEED=%d: of %s %d lines of %d count", seed, r.pen.chain.Agent, n, len(r.pen.lines))
			}
		}
		if fed[forker] < w.covered {
			t.Fatalf("CROSSLINK_SEED=%d: %d lines of the forker count, the ledger covers %d", seed, fed[forker], w.covered)
		}
	}
	t.Logf("%d schedules: %v", to-from, kinds)
	if to-from > 1 && uint64(kinds["not provable"]) > (to-from)/10 {
		t.Errorf("%d schedules were passed over", kinds["not provable"])
	}
	for _, k := range []string{"hidden", "covered", "not covered", "told by 1"} {
		if to-from > 1 && kinds[k] < 20 {
			t.Errorf("'%s' happened %d times", k, kinds[k])
		}
	}
}
