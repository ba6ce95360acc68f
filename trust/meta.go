package trust

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/event/canon"
)

// Signing is the hub's policy for lines without a valid signature. Closed list.
const (
	Off     = "off"     // not looked at
	Warn    = "warn"    // applied and marked
	Require = "require" // a rejection
)

// MaxMeta is the maximum length of hub.json, in bytes.
const MaxMeta = 1 << 20

// Meta is hub.json of a hub of level 4: the hub's id, policy, admins and revocations, and
// where its level-3 logs end. It is one canonical line plus LF, with object keys in byte
// order (docs/format.md, "Meta ref").
type Meta struct {
	Version   int    // hub_version: 4
	Hub       string // the hub's uuid
	Seq       uint64 // 1, 2, 3 … along the meta ref
	Prev      string // event.Hash of the previous hub.json ‖ allowed_signers; "" on the first
	CreatedAt event.Time
	Signing   string   // policy.signing: Off, Warn or Require
	Open      bool     // policy.open: unknown agents may write
	Admins    []string // principals; each once, in the order given
	Revoked   map[string]Revocation
	Migrated  *Migration // nil unless the hub was level 3 once
	Base      string     // event.Hash of the base.json that the ledger starts from; "" if it starts empty

	// Extra and PolicyExtra are unknown members, name to canonical value. They are kept.
	Extra, PolicyExtra map[string][]byte
}

// Rules returns the highest version of the decision rules that steps of the ledger may use
// (`rules`); 1 if m does not set it.
func (m *Meta) Rules() uint64 {
	v, err := canon.Parse(m.Extra["rules"])
	if err != nil {
		return 1
	}
	n, _ := v.Uint()
	return max(n, 1)
}

// pushesMember is the member of policy that PushesPerMinute reads.
const pushesMember = "pushes_per_minute"

// PushesPerMinute returns how many pushes a minute all clones together may send to the hub
// (policy.pushes_per_minute); 0 if m sets no limit. Clones limit themselves, so no value
// makes a meta invalid.
func (m *Meta) PushesPerMinute() uint64 {
	v, err := canon.Parse(m.PolicyExtra[pushesMember])
	if err != nil {
		return 0
	}
	n, _ := v.Uint()
	return n
}

// SetPushesPerMinute sets the limit; 0 removes it.
func (m *Meta) SetPushesPerMinute(n uint64) {
	extra := object{}
	maps.Copy(extra, m.PolicyExtra)
	if extra.uint(pushesMember, n); n == 0 {
		delete(extra, pushesMember)
	}
	m.PolicyExtra = extra
}

// Revocation ends an agent's log after a position. A zero AfterSeq with "" revokes all of
// it.
type Revocation struct {
	AfterSeq uint64
	Hash     string // of the last good line
	Reason   string
}

// Ends reports whether the agent is revoked at a line of its log or earlier.
func (m *Meta) Ends(agent string, seq uint64) bool {
	r, revoked := m.Revoked[agent]
	return revoked && r.AfterSeq <= seq
}

// Within reports whether every line that counts under r also counts under was: r ends no
// later, and in the same history. hashAt returns the event.Hash of a line of the log that
// r was made for; "" if there is no such line.
func (r Revocation) Within(was Revocation, hashAt func(seq uint64) string) bool {
	return r.AfterSeq == 0 || r.AfterSeq <= was.AfterSeq && hashAt(was.AfterSeq) == was.Hash && hashAt(r.AfterSeq) == r.Hash
}

// Migration records where the level-3 part of each log ends.
type Migration struct {
	Commit string // the level-3 checkpoint's commit id, hexadecimal
	Logs   map[string]Position
}

// Again reports whether g may be a later migration of the hub that was migrated before: of
// the same checkpoint, or with all logs, none of which is shorter. Two hubs without logs
// cannot be told apart. Both can be nil.
func (g *Migration) Again(before *Migration) bool {
	if g == nil || before == nil {
		return false
	}
	for id, was := range before.Logs {
		is, there := g.Logs[id]
		if g.Commit != before.Commit && (!there || is.Seq < was.Seq || is.Seq == was.Seq && is.Hash != was.Hash) {
			return false
		}
	}
	return true
}

// Position is a position in a log: the number of lines, and their event.RunningHash.
type Position struct {
	Seq  uint64
	Hash string
}

// Claims is what programs that do not know the level can read of a hub.json.
type Claims struct {
	Level int    `json:"hub_version"`
	Hub   string `json:"hub"`
	Seq   uint64 `json:"seq"`
}

// Claimed reads a hub.json leniently, so that newer hubs are recognized. If it cannot be
// read, the level is 0.
func Claimed(hubJSON []byte) Claims {
	var c Claims
	if len(hubJSON) > MaxMeta {
		return c
	}
	if json.Unmarshal(hubJSON, &c) != nil { // another level may say the rest in another way
		var v struct {
			Level int `json:"hub_version"`
		}
		if json.Unmarshal(hubJSON, &v) != nil {
			return Claims{}
		}
		c = Claims{Level: v.Level}
	}
	if c.Level <= 0 {
		return Claims{}
	}
	return c
}

// Level returns the level in a hub.json; 0 if there is none.
func Level(hubJSON []byte) int { return Claimed(hubJSON).Level }

// Encode returns the canonical bytes of m, with LF. Maps and objects are sorted by key. It
// does not check m; decode the result with DecodeMeta to check it.
func (m *Meta) Encode() []byte {
	o := object{}
	o.str("hub", m.Hub)
	o.uint("hub_version", uint64(m.Version))
	o.uint("seq", m.Seq)
	if m.Prev != "" {
		o.str("prev", m.Prev)
	}
	o.str("created_at", m.CreatedAt.String())
	policy := object{}
	policy.str("signing", m.Signing)
	policy.bool("open", m.Open)
	maps.Copy(policy, m.PolicyExtra)
	o["policy"] = policy.bytes()
	var w canon.Writer
	w.Arr()
	for _, a := range m.Admins {
		w.Str(a)
	}
	w.EndArr()
	o["admins"] = w.Bytes()
	revoked := object{}
	for id, r := range m.Revoked {
		x := object{}
		x.uint("after_seq", r.AfterSeq)
		x.str("hash", r.Hash)
		x.str("reason", r.Reason)
		revoked[id] = x.bytes()
	}
	o["revoked"] = revoked.bytes()
	if g := m.Migrated; g != nil {
		logs := object{}
		for id, p := range g.Logs {
			x := object{}
			x.uint("seq", p.Seq)
			x.str("hash", p.Hash)
			logs[id] = x.bytes()
		}
		x := object{}
		x.str("commit", g.Commit)
		x["logs"] = logs.bytes()
		o["migrated_from"] = x.bytes()
	}
	if m.Base != "" {
		o.str("base", m.Base)
	}
	maps.Copy(o, m.Extra)
	return append(o.bytes(), '\n')
}

// object collects members, name → canonical value, and writes them in byte
// order of their names.
type object map[string][]byte

func (o object) str(name, s string) { o[name] = canon.AppendString(nil, s) }

func (o object) uint(name string, n uint64) {
	var w canon.Writer
	w.Uint(n)
	o[name] = w.Bytes()
}

func (o object) bool(name string, b bool) {
	var w canon.Writer
	w.Bool(b)
	o[name] = w.Bytes()
}

func (o object) bytes() []byte {
	var w canon.Writer
	w.Obj()
	for _, n := range slices.Sorted(maps.Keys(o)) {
		w.Name(n)
		w.Raw(o[n])
	}
	w.EndObj()
	return w.Bytes()
}

// DecodeMeta reads a hub.json of level 4. It is strict: Encode returns exactly the bytes
// that it accepts. Unknown members are kept.
func DecodeMeta(hubJSON []byte) (*Meta, error) {
	if len(hubJSON) > MaxMeta {
		return nil, errors.New("hub.json is too long")
	}
	line, ok := bytes.CutSuffix(hubJSON, []byte("\n"))
	if !ok {
		return nil, errors.New("hub.json does not end in a line feed")
	}
	v, err := canon.Parse(line)
	if err != nil {
		return nil, fmt.Errorf("hub.json is %w", err)
	}
	var r reader
	top := r.object(v, "hub.json")
	m := &Meta{}
	version := top.uint("hub_version")
	top.need(version == 4, "hub_version")
	m.Version = int(version)
	m.Hub = top.str("hub")
	_, ok = event.ParseUUID(m.Hub)
	top.need(ok, "hub")
	m.Seq = top.uint("seq")
	top.need(m.Seq >= 1, "seq")
	m.Prev = top.optStr("prev")
	top.need((m.Prev == "") == (m.Seq == 1) && (m.Prev == "" || event.ValidHash(m.Prev)), "prev")
	m.CreatedAt, err = event.ParseTime(top.str("created_at"))
	top.need(err == nil && m.CreatedAt > 0, "created_at")
	m.Admins = top.principals("admins")
	policy := r.object(top.take("policy"), "policy")
	m.Signing = policy.str("signing")
	policy.need(m.Signing == Off || m.Signing == Warn || m.Signing == Require, "signing")
	m.Open = policy.bool("open")
	m.PolicyExtra = policy.rest()
	m.Revoked = r.revoked(top.take("revoked"))
	if g, ok := top.v.Get("migrated_from"); ok {
		top.seen = append(top.seen, "migrated_from")
		m.Migrated = r.migration(g)
	}
	m.Base = top.optStr("base")
	top.need(m.Base == "" || event.ValidHash(m.Base), "base")
	m.Extra = top.rest()
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

// reader reads objects and keeps the first error.
type reader struct{ err error }

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("hub.json: "+format, args...)
	}
}

// fields is one object that is being read.
type fields struct {
	r    *reader
	name string
	v    canon.Value
	seen []string // members taken
}

// object checks that v is an object with its keys in byte order.
func (r *reader) object(v canon.Value, name string) *fields {
	if v.Kind() != canon.Object {
		r.fail("'%s' is not an object", name)
	}
	ms := v.Members()
	for i := 1; i < len(ms); i++ {
		if ms[i].Name < ms[i-1].Name {
			r.fail("the members of '%s' are not in byte order", name)
		}
	}
	return &fields{r: r, name: name, v: v}
}

func (f *fields) need(ok bool, member string) {
	if !ok {
		f.r.fail("'%s' of '%s' is missing or bad", member, f.name)
	}
}

func (f *fields) take(member string) canon.Value {
	v, _ := f.v.Get(member)
	f.seen = append(f.seen, member)
	return v
}

func (f *fields) str(member string) string {
	s, ok := f.take(member).Str()
	f.need(ok, member)
	return s
}

// optStr returns "" for an absent member; it is never written empty.
func (f *fields) optStr(member string) string {
	if _, ok := f.v.Get(member); !ok {
		return ""
	}
	s := f.str(member)
	f.need(s != "", member)
	return s
}

func (f *fields) uint(member string) uint64 {
	n, ok := f.take(member).Uint()
	f.need(ok, member)
	return n
}

func (f *fields) bool(member string) bool {
	b, ok := f.take(member).Bool()
	f.need(ok, member)
	return b
}

// rest returns what was not taken, nil if all was.
func (f *fields) rest() map[string][]byte {
	var out map[string][]byte
	for _, x := range f.v.Members() {
		if slices.Contains(f.seen, x.Name) {
			continue
		}
		if out == nil {
			out = map[string][]byte{}
		}
		out[x.Name] = x.Value.Raw()
	}
	return out
}

// only refuses unknown members: the objects it is used on are pinned facts
// that no newer level extends without a new level.
func (f *fields) only() {
	if f.rest() != nil {
		f.r.fail("'%s' holds an unknown member", f.name)
	}
}

// principals reads a list of names of signers, each once.
func (f *fields) principals(member string) []string {
	v := f.take(member)
	f.need(v.Kind() == canon.Array, member)
	out := make([]string, 0, len(v.Items()))
	once := map[string]bool{}
	for _, x := range v.Items() {
		s, ok := x.Str()
		f.need(ok && s != "" && len(s) <= 256 && oneLine(s) && !once[s], member)
		once[s] = true
		out = append(out, s)
	}
	return out
}

// oneLine reports whether s is text without control characters.
func oneLine(s string) bool {
	for _, c := range s {
		if c < 0x20 || c >= 0x7f && c < 0xa0 {
			return false
		}
	}
	return utf8.ValidString(s)
}

func (r *reader) revoked(v canon.Value) map[string]Revocation {
	r.object(v, "revoked")
	out := make(map[string]Revocation, len(v.Members()))
	for _, x := range v.Members() {
		f := r.object(x.Value, x.Name)
		e := Revocation{f.uint("after_seq"), f.str("hash"), f.str("reason")}
		f.need((e.AfterSeq == 0) == (e.Hash == "") && (e.Hash == "" || event.ValidHash(e.Hash)), "hash")
		f.need(len(e.Reason) <= event.MaxText, "reason")
		f.only()
		if event.ValidAgentID3(x.Name) != nil {
			r.fail("'%s' is not an agent id", x.Name)
		}
		out[x.Name] = e
	}
	return out
}

func (r *reader) migration(v canon.Value) *Migration {
	f := r.object(v, "migrated_from")
	g := &Migration{Commit: f.str("commit"), Logs: map[string]Position{}}
	f.need(isHex(g.Commit), "commit")
	logs := f.take("logs")
	f.only()
	r.object(logs, "logs")
	for _, x := range logs.Members() {
		p := r.object(x.Value, x.Name)
		pos := Position{Hash: p.str("hash"), Seq: p.uint("seq")}
		p.need(pos.Seq >= 1 && event.ValidHash(pos.Hash), "hash")
		p.only()
		if event.ValidAgentID3(x.Name) != nil {
			r.fail("'%s' is not an agent id", x.Name)
		}
		g.Logs[x.Name] = pos
	}
	return g
}

// isHex reports whether s is an object id of git: 40 or 64 lower-case digits.
func isHex(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return len(s) == 40 || len(s) == 64
}
