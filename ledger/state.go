package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/event/canon"
)

// state.json. The rules are:
//   - one canonical line plus LF, the keys of every object in byte order;
//   - optional members are omitted when empty, never null; so are `aliases`'
//     two maps and an empty queue;
//   - signed are the bytes without the LF and without the member `signature`;
//   - unknown members are refused: what this program cannot compute again it
//     cannot call valid.

// MaxState is the longest state.json that is read, in bytes.
const MaxState = 16 << 20

const statePath = "state.json"

func (l *Ledger) state() []byte { return append(l.line(true), '\n') }

// Signed returns the bytes that a step's signature covers (SSHSIG namespace
// crosslink-ledger@4). SignedBy must be set before.
func (l *Ledger) Signed() []byte { return l.line(false) }

func (l *Ledger) line(signature bool) []byte {
	var w canon.Writer
	w.Reset(make([]byte, 0, 1024+256*(len(l.Locks)+len(l.Queue))))
	str := func(name, s string) { w.Name(name); w.Str(s) }
	opt := func(name, s string) {
		if s != "" {
			str(name, s)
		}
	}
	num := func(name string, n uint64) { w.Name(name); w.Uint(n) }
	w.Obj()
	l.writeAliases(&w)
	if l.base != nil {
		str("base", l.base.hash)
	}
	str("hub", l.Hub)
	num("hub_version", Version)
	w.Name("locks")
	w.Obj()
	for _, u := range sortedUUIDs(l.Locks) {
		k := l.Locks[u]
		w.Name(u.String())
		writeClaim(&w, Waiter{k.Agent, k.Branch, k.ClaimedAt, k.ClaimSeq}, k.Token)
	}
	w.EndObj()
	opt("merged", l.Merged)
	opt("meta", l.Meta)
	w.Name("numbers")
	w.Obj()
	for _, x := range []struct {
		name string
		v    *numbers
	}{{"issues", &l.issues}, {"milestones", &l.milestones}} {
		w.Name(x.name)
		w.Obj()
		str("hash", x.v.hash.String())
		num("last", x.v.last)
		w.EndObj()
	}
	w.EndObj()
	str("positions", l.positions.hash)
	if len(l.Queue) > 0 {
		w.Name("queue")
		w.Obj()
		for _, u := range sortedUUIDs(l.Queue) {
			w.Name(u.String())
			w.Arr()
			for _, x := range l.Queue[u] {
				writeClaim(&w, x, 0)
			}
			w.EndArr()
		}
		w.EndObj()
	}
	num("rules", Rules)
	num("sequence", l.Sequence)
	if signature {
		opt("signature", l.Signature)
	}
	opt("signed_by", l.SignedBy)
	str("written_at", l.WrittenAt.String())
	str("written_by", l.WrittenBy)
	w.EndObj()
	return w.Bytes()
}

func writeClaim(w *canon.Writer, x Waiter, token uint64) {
	w.Obj()
	w.Name("agent")
	w.Str(x.Agent)
	if x.Branch != "" {
		w.Name("branch")
		w.Str(x.Branch)
	}
	w.Name("claim_seq")
	w.Uint(x.ClaimSeq)
	w.Name("claimed_at")
	w.Str(x.ClaimedAt.String())
	if token != 0 {
		w.Name("token")
		w.Uint(token)
	}
	w.EndObj()
}

func (l *Ledger) writeAliases(w *canon.Writer) {
	if len(l.IssueAliases)+len(l.MilestoneAliases) == 0 {
		return
	}
	w.Name("aliases")
	w.Obj()
	for _, x := range []struct {
		name string
		m    map[uint64]uint64
	}{{"issues", l.IssueAliases}, {"milestones", l.MilestoneAliases}} {
		if len(x.m) == 0 {
			continue
		}
		keys := map[string]uint64{}
		for lost, now := range x.m {
			keys[strconv.FormatUint(lost, 10)] = now
		}
		w.Name(x.name)
		w.Obj()
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			w.Name(k)
			w.Uint(keys[k])
		}
		w.EndObj()
	}
	w.EndObj()
}

// sortedUUIDs returns a map's keys in byte order, which is that of their text.
func sortedUUIDs[V any](m map[event.UUID]V) []event.UUID {
	return slices.SortedFunc(maps.Keys(m), func(a, b event.UUID) int { return bytes.Compare(a[:], b[:]) })
}

// header is the content of state.json besides the ledger: hashes and last numbers that the
// other files must match.
type header struct {
	issueHash, milestoneHash string
	issueLast, milestoneLast uint64
	positions, base          string
}

var errState = errors.New("state.json is not of the canonical form")

// parseState reads the one line of state.json.
func parseState(data []byte) (canon.Value, error) {
	line, ok := bytes.CutSuffix(data, []byte("\n"))
	if !ok || len(data) > MaxState {
		return canon.Value{}, errState
	}
	v, err := canon.Parse(line)
	if err != nil {
		return v, fmt.Errorf("state.json is %w", err)
	}
	return v, nil
}

// readState decodes state.json. The ledger it returns has neither numbers nor
// positions nor base: they are in other files.
func readState(v canon.Value) (*Ledger, header, error) {
	var h header
	r := newReader(v)
	l := &Ledger{Hub: r.str("hub"), Sequence: r.uint("sequence", 1), WrittenBy: r.str("written_by"), WrittenAt: r.time("written_at")}
	if _, ok := event.ParseUUID(l.Hub); !ok || event.ValidAgentID3(l.WrittenBy) != nil {
		r.fail()
	}
	if r.uint("hub_version", 1) != Version || r.uint("rules", 1) != Rules {
		r.fail()
	}
	l.Meta, l.Merged = r.opt("meta"), r.opt("merged")
	if l.Meta != "" && !isOID(l.Meta) || l.Merged != "" && !isOID(l.Merged) {
		r.fail()
	}
	l.SignedBy, l.Signature = r.opt("signed_by"), r.opt("signature")
	if (l.SignedBy == "") != (l.Signature == "") {
		r.fail()
	}
	l.Locks = readLocks(r)
	l.Queue = readQueue(r, l.Locks)
	if a, ok := r.sub("aliases", false); ok {
		l.IssueAliases, l.MilestoneAliases = readAliases(a, "issues"), readAliases(a, "milestones")
		a.end(len(l.IssueAliases)+len(l.MilestoneAliases) > 0)
	}
	if n, ok := r.sub("numbers", true); ok {
		read := func(name string) (hash string, last uint64) {
			if x, ok := n.sub(name, true); ok {
				hash, last = x.str("hash"), x.uint("last", 0)
				x.end(hash == "" || event.ValidHash(hash))
			}
			return
		}
		h.issueHash, h.issueLast = read("issues")
		h.milestoneHash, h.milestoneLast = read("milestones")
		n.end(true)
	}
	h.positions, h.base = r.str("positions"), r.opt("base")
	r.end(event.ValidHash(h.positions) && (h.base == "" || event.ValidHash(h.base)))
	if r.failed() {
		return nil, h, errState
	}
	return l, h, nil
}

func readClaim(r *reader, token bool) (x Waiter, t uint64) {
	x = Waiter{Agent: r.str("agent"), Branch: r.opt("branch"), ClaimedAt: r.time("claimed_at"), ClaimSeq: r.uint("claim_seq", 1)}
	if token {
		t = r.uint("token", 1)
	}
	r.end(event.ValidAgentID3(x.Agent) == nil && (x.Branch == "" || validBranch(x.Branch)))
	return x, t
}

func readLocks(r *reader) map[event.UUID]Lock {
	out := map[event.UUID]Lock{}
	locks, _ := r.sub("locks", true)
	locks.each(func(name string, v canon.Value) {
		x, token := readClaim(locks.child(v), true)
		out[locks.uuid(name)] = Lock{x.Agent, x.Branch, x.ClaimedAt, x.ClaimSeq, token}
	})
	return out
}

// readQueue also holds what Decide always leaves behind: only a held issue is
// waited for, and nobody waits twice or for himself.
func readQueue(r *reader, locks map[event.UUID]Lock) map[event.UUID][]Waiter {
	queue, ok := r.sub("queue", false)
	if !ok {
		return nil
	}
	out := map[event.UUID][]Waiter{}
	queue.each(func(name string, v canon.Value) {
		u := queue.uuid(name)
		in := map[string]bool{locks[u].Agent: true}
		if _, held := locks[u]; !held || len(v.Items()) == 0 {
			queue.fail()
		}
		for _, i := range v.Items() {
			x, _ := readClaim(queue.child(i), false)
			if in[x.Agent] {
				queue.fail()
			}
			in[x.Agent] = true
			out[u] = append(out[u], x)
		}
	})
	if len(out) == 0 {
		queue.fail()
	}
	return out
}

func readAliases(r *reader, name string) map[uint64]uint64 {
	a, ok := r.sub(name, false)
	if !ok {
		return nil
	}
	out := map[uint64]uint64{}
	a.each(func(name string, v canon.Value) {
		lost, ok := readUint([]byte(name))
		now, isUint := v.Uint()
		if !ok || !isUint || lost == 0 || now == 0 {
			a.fail()
		}
		out[lost] = now
	})
	if len(out) == 0 {
		a.fail()
	}
	return out
}

// isOID reports whether s is an object id of git: 40 or 64 lower-case digits.
func isOID(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return len(s) == 40 || len(s) == 64
}
