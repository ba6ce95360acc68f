package replay

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Cursor is where the next read of a log resumes, and the state of the log there.
type Cursor struct {
	Here refs.OID // tips; "" if there is none
	Hub  refs.OID
	View refs.OID // the one of the two that is shown

	// The last valid line, and the positions of other things.
	Seq      uint64
	Hash     string
	Time     event.Time
	Shown    event.Time
	HubSeq   uint64     // last line the hub holds
	Position uint64     // last line the ledger covers
	Covered  uint64     // the same; 0 if it covers another log
	Counted  uint64     // lines that count
	Newest   event.Time // of line Counted

	// Trust is where the verdict resumes; nil if later lines may change the verdict on
	// earlier ones. Judged is the verdict at that point. Both are nil if there is no meta,
	// in which case all lines count. They stay encoded, because most logs are not judged
	// again.
	Trust  json.RawMessage // of a trust.Checkpoint
	Judged json.RawMessage // of a trust.Verdict
	Marks  string          // stamp of the marks of signatures

	Undecided []Undecided // lines after Position that a step may answer
	Proofs    []Proof     // of forks, in its good lines

	Ended    string // why the log stops before its end
	Trails   bool   // it was signed, and lines after Counted are not
	Diverged bool   // here and hub hold different lines of this hub
	Beyond   bool   // what the hub has after Common does not count, and is no part of the log
	Common   uint64 // lines that here and hub share, where Diverged or Beyond
	Foreign  bool   // here are lines written for another hub id
	Waiting  uint64 // how many, where they are not in view
	Torn     bool   // objects of Here are missing
	Missing  bool   // objects of View are
}

// Undecided is a line that a step may decide. A line that creates something is identified
// by its sequence, because an agent without a hub may write many of them.
type Undecided struct {
	Seq uint64
	Raw string
}

// Proof is a proof of a fork that a line contains.
type Proof struct {
	Seq uint64 // of the line
	A   string
	B   string
}

// Unsent returns how many lines the hub does not have.
func (c *Cursor) Unsent() uint64 {
	at := c.HubSeq
	if c.Diverged {
		at = c.Common
	}
	return c.Waiting + max(c.Seq, at) - at
}

// checkpoint decodes Trust.
func (c *Cursor) checkpoint() (at trust.Checkpoint, ok bool) {
	kept := &at
	ok = c.Trust != nil && json.Unmarshal(c.Trust, &kept) == nil && kept != nil
	return at, ok
}

// judged decodes Judged.
func (c *Cursor) judged() (v *trust.Verdict, ok bool) {
	err := json.Unmarshal(c.Judged, &v)
	return v, err == nil && v != nil
}

// setVerdict keeps what was judged of the lines so far.
func (c *Cursor) setVerdict(judge *trust.Log, v *trust.Verdict) {
	var x any = v
	c.Trust, c.Judged = nil, nil
	into := &c.Judged
	if at, ok := judge.Checkpoint(); ok {
		x, into = at, &c.Trust
	}
	var err error
	if *into, err = json.Marshal(x); err != nil {
		panic(err) // strings and numbers
	}
}

// Encode returns the encoded cursor. A store keeps one for each log.
func (c *Cursor) Encode() []byte {
	k := coder{}
	k.cursor(c)
	return k.b
}

var errCursor = errors.New("it is damaged")

// DecodeCursor decodes a cursor.
func DecodeCursor(b []byte) (*Cursor, error) {
	c := &Cursor{}
	k := coder{b: b, decodes: true}
	if k.cursor(c); k.bad || len(k.b) > 0 {
		return nil, errCursor
	}
	return c, nil
}

// coder encodes into b, or decodes from it.
type coder struct {
	b       []byte
	decodes bool
	bad     bool
}

func (k *coder) cursor(c *Cursor) {
	for _, oid := range []*refs.OID{&c.Here, &c.Hub, &c.View} {
		k.text((*string)(oid))
	}
	for _, n := range []*uint64{&c.Seq, &c.HubSeq, &c.Position, &c.Covered, &c.Counted, &c.Common, &c.Waiting} {
		k.number(n)
	}
	for _, t := range []*event.Time{&c.Time, &c.Shown, &c.Newest} {
		k.time(t)
	}
	for _, s := range []*string{&c.Hash, &c.Marks, &c.Ended} {
		k.text(s)
	}
	k.flags(&c.Trails, &c.Diverged, &c.Beyond, &c.Foreign, &c.Torn, &c.Missing)
	for _, raw := range []*json.RawMessage{&c.Trust, &c.Judged} {
		k.bytes((*[]byte)(raw))
	}
	n := uint64(len(c.Undecided))
	for i := range k.count(&n) {
		if k.decodes {
			c.Undecided = append(c.Undecided, Undecided{})
		}
		k.number(&c.Undecided[i].Seq)
		k.text(&c.Undecided[i].Raw)
	}
	n = uint64(len(c.Proofs))
	for i := range k.count(&n) {
		if k.decodes {
			c.Proofs = append(c.Proofs, Proof{})
		}
		k.number(&c.Proofs[i].Seq)
		k.text(&c.Proofs[i].A)
		k.text(&c.Proofs[i].B)
	}
}

func (k *coder) number(n *uint64) {
	if !k.decodes {
		k.b = binary.AppendUvarint(k.b, *n)
		return
	}
	x, size := binary.Uvarint(k.b)
	if size <= 0 {
		k.b, k.bad = nil, true
		return
	}
	*n, k.b = x, k.b[size:]
}

// count is number for how many follow, each of a byte at least.
func (k *coder) count(n *uint64) int {
	if k.number(n); k.decodes && (k.bad || *n > uint64(len(k.b))) {
		k.b, k.bad = nil, true
		return 0
	}
	return int(*n)
}

func (k *coder) time(t *event.Time) {
	n := uint64(*t)
	k.number(&n)
	*t = event.Time(n)
}

func (k *coder) text(s *string) {
	n := uint64(len(*s))
	if size := k.count(&n); !k.decodes {
		k.b = append(k.b, *s...)
	} else {
		*s, k.b = string(k.b[:size]), k.b[size:]
	}
}

// bytes codes a byte slice as text; an empty one decodes as nil.
func (k *coder) bytes(b *[]byte) {
	s := string(*b)
	if k.text(&s); k.decodes && s != "" {
		*b = []byte(s)
	}
}

func (k *coder) flags(all ...*bool) {
	set := uint64(0)
	for i, f := range all {
		if *f {
			set |= 1 << i
		}
	}
	k.number(&set)
	for i, f := range all {
		*f = set>>i&1 == 1
	}
}

// noteUndecided adds a line that a step may answer.
func (c *Cursor) noteUndecided(e *event.Envelope) {
	u := Undecided{Seq: e.Seq}
	switch e.Body.(type) {
	case *event.IssueCreated, *event.MilestoneCreated:
	default:
		u.Raw = string(e.Raw)
	}
	c.Undecided = append(c.Undecided, u)
}

// decidedTo drops the undecided lines that a step has covered.
func (c *Cursor) decidedTo(seq uint64) {
	n, _ := slices.BinarySearchFunc(c.Undecided, seq+1, func(u Undecided, seq uint64) int { return cmp.Compare(u.Seq, seq) })
	if c.Undecided = slices.Clone(c.Undecided[n:]); len(c.Undecided) == 0 {
		c.Undecided = nil
	}
}
