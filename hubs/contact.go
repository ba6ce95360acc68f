package hubs

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/note"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/refs"
)

// maxContact bounds the size of the file that is read; no program writes that much.
const maxContact = 16 << 20 // a number for each number that the hub lost

// Note is what a clone remembers about its hub between commands. Without it the next sync
// finds everything out again, except which remote was chosen.
type Note struct {
	Remote string    `json:"remote,omitempty"` // the remote chosen at first contact
	URL    string    `json:"url,omitempty"`    // where it was last seen
	Hub    string    `json:"hub,omitempty"`    // the hub's id, which does not change
	Other  string    `json:"other,omitempty"`  // the id of another hub that the last fetch found at the remote
	Last   time.Time `json:"last,omitzero"`    // when the last successful fetch began

	// Undecided is since when this clone has seen undecided facts on the hub.
	Undecided time.Time `json:"undecided,omitzero"`

	// PushSeen and PushApart are pairs of a fetch URL and a push URL: the first led to one
	// repository, the second to two.
	PushSeen  string `json:"push_seen,omitempty"`
	PushApart string `json:"push_apart,omitempty"`

	// NoAtomic: the hub cannot push atomically.
	NoAtomic bool `json:"no_atomic,omitempty"`
	// Refused is the reason why the hub at RefusedTo accepts no push, and RefusedAt since
	// when. The clone does not try again on its own for 24 h.
	Refused      string    `json:"refused,omitempty"`
	RefusedAt    time.Time `json:"refused_at,omitzero"`
	RefusedTo    string    `json:"refused_to,omitempty"`
	RefusedTimes int       `json:"refused_times,omitempty"`
	// FoldFailed is when a sync failed to archive logs. It does not try again on its own
	// for 24 h.
	FoldFailed time.Time `json:"fold_failed,omitzero"`
	// Archive is the verdict on the hub's archive, if steps of it are ignored.
	Archive *ArchiveSeen `json:"archive,omitempty"`
	// Refusals are the refusals of the hub, by branch below crosslink/.
	Refusals map[string]Refusal `json:"refusals,omitempty"`
	// Problems are the problems of the hub when it was last seen: the first ones, and how
	// many more.
	Problems []Problem `json:"problems,omitempty"`
	// NoMeta: at the last fetch the hub had lost its meta.
	NoMeta bool `json:"no_meta,omitempty"`
	// Detached means that the Other hub continues this one. It was detached from this one
	// or, if Again, the older hub was migrated again.
	Detached bool `json:"detached,omitempty"`
	Again    bool `json:"again,omitempty"`
	// Aliases are numbers that a hub lost, and whose new numbers were reported; null until
	// this clone has looked for the first time, which reports nothing.
	Aliases []uint64 `json:"aliases"`
	// Shown lists what was shown as undecided. Each decision is reported once.
	Shown []Shown `json:"shown,omitempty"`
	// Edits are the last texts written here. If another change replaces one, this is
	// reported once.
	Edits []Edit `json:"edits,omitempty"`
	// Unsigned means that the notice that signing is disabled here was given.
	Unsigned bool `json:"unsigned,omitempty"`
	// Idle is a stamp of the refs of the last sync, if that sync found nothing to do
	// (tracker/idle.go).
	Idle string `json:"idle,omitempty"`
	// Quiet is since when Idle has not changed.
	Quiet time.Time `json:"quiet,omitzero"`
	// Told are the notices that were given and have not changed since.
	Told map[string]string `json:"told,omitempty"`
}

// ArchiveSeen is the verdict on an archive whose newest steps are ignored. They are judged
// again when the archive moves, or when one of them may have become valid.
type ArchiveSeen struct {
	Tip  refs.OID `json:"tip"`
	Step refs.OID `json:"step,omitempty"` // the nearest valid step
	Text string   `json:"text"`           // what is wrong
	// Waits has the state of each agent whose step may become valid; "" if it may be any.
	Waits map[string]string `json:"waits,omitempty"`
}

// Shown is one item that was shown as undecided.
type Shown struct {
	Issue string `json:"issue"`
	Agent string `json:"agent,omitempty"` // the agent that made the claim; a number has none
	Lock  string `json:"lock,omitempty"`  // the state of the claim when it was shown
}

// Edit is a text of an issue that an agent of this clone wrote.
type Edit struct {
	Issue string `json:"issue"`
	Agent string `json:"agent"`
	Field string `json:"field"`
	At    int64  `json:"at"` // time of the event
}

// Contact is what a clone remembers about its hub, as it was last read or written. Other
// processes of the clone change it too.
type Contact struct {
	Note
	path string
	now  func() time.Time
}

// Open reads the remembered state from a file.
func Open(path string, now func() time.Time) *Contact {
	c := &Contact{path: path, now: now}
	c.Reload()
	return c
}

// Reload reads the file again. A file that cannot be read counts as missing.
func (c *Contact) Reload() {
	n := Note{}
	if note.Read(c.path, maxContact, &n) != nil || !note.PlainWord(n.Remote) || !note.PlainWord(n.Hub) || !note.PlainWord(n.Other) || strings.HasPrefix(n.URL, "-") {
		n = Note{}
	}
	n.URL = refs.WithoutSecrets(n.URL) // files of earlier versions contain secrets
	// a clock that was wrong once must not block anything for years
	if n.RefusedAt.After(c.now()) {
		n.RefusedAt = time.Time{}
	}
	if n.Undecided.After(c.now().Add(Jitter)) {
		n.Undecided = time.Time{}
	}
	c.Note = n
}

// Jitter is the longest extra time that a clone waits, so that not all clones decide
// undecided facts at once.
const Jitter = 15 * time.Second

// Remember changes the current content of the file, and replaces the file as a whole.
func (c *Contact) Remember(change func(*Note)) error {
	c.Reload()
	change(&c.Note)
	b, err := json.MarshalIndent(&c.Note, "", "  ")
	if err != nil {
		return err
	}
	if err := statefile.Write(c.path, append(b, '\n')); err != nil {
		return note.InTheWay(fmt.Errorf("remember the hub: %w", err))
	}
	return nil
}

// Since returns how long ago the hub was reached; false if never, or if the stored time is
// in the future.
func (c *Contact) Since() (time.Duration, bool) {
	age := c.now().Sub(c.Last)
	return age, !c.Last.IsZero() && age >= 0
}

// ToldBefore reports whether a notice was given and has not changed since, and remembers
// it. If it cannot be stored, the notice is only given again.
func (c *Contact) ToldBefore(n fail.Notice) bool {
	if c.Told[n.Code.Name()] == n.Text {
		return true
	}
	_ = c.Remember(func(c *Note) {
		if c.Told == nil {
			c.Told = map[string]string{}
		}
		c.Told[n.Code.Name()] = n.Text
	})
	return false
}

// Founded remembers a newly created hub with this id.
func (c *Contact) Founded(h *Hub, id string) error {
	return c.Remember(func(n *Note) {
		n.Remote, n.URL, n.Hub, n.Other, n.NoMeta, n.Detached, n.Again = h.Name, h.Shown(), id, "", false, false, false
	})
}

// Welcomed forgets an earlier refusal once the hub has accepted a push.
func (c *Contact) Welcomed() error {
	passed := func(name, _ string) bool { return name != "hub-fork" && name != "refused" }
	left := maps.Clone(c.Told)
	if maps.DeleteFunc(left, passed); c.Refused == "" && len(left) == len(c.Told) {
		return nil
	}
	return c.Remember(func(n *Note) {
		n.Refused, n.RefusedAt, n.RefusedTo, n.RefusedTimes = "", time.Time{}, "", 0
		maps.DeleteFunc(n.Told, passed)
	})
}

// Problem is a problem of the hub that the last fetch found. status lists it until a fetch
// no longer finds it or a push has repaired it. The first command that a person runs
// reports it once.
type Problem struct {
	Ref  string `json:"ref,omitempty"` // below crosslink/; "" if it concerns no single ref
	Text string `json:"text"`
	Told bool   `json:"told,omitempty"`
	Here bool   `json:"here,omitempty"` // its cause is in this clone
	Gone bool   `json:"gone,omitempty"` // the hub has lost the branch
	More int    `json:"more,omitempty"` // how many problems beyond maxProblems this one counts
}

const (
	maxProblems = 1000 // how many of a fetch are stored
	maxTold     = 10   // how many are reported one by one
)

// Found takes the problems that a fetch found, and returns those to remember and a notice
// for each new one; no notices if nobody would read them.
func (n *Note) Found(now []Problem, unread bool, notice func(Problem) fail.Notice) (kept []Problem, tell []fail.Notice) {
	told := map[Problem]bool{}
	for _, p := range n.Problems {
		told[Problem{Ref: p.Ref, Text: p.Text, Told: p.Told}] = p.Told
	}
	if more := len(now) - maxProblems; more > 0 {
		now = append(slices.Clip(now[:maxProblems]), Problem{Text: fmt.Sprintf("%d more are not listed", more), Told: true, More: more})
	}
	for i := range now {
		p := &now[i]
		if p.Told = p.Told || told[Problem{Ref: p.Ref, Text: p.Text, Told: true}]; p.Told || unread {
			continue
		}
		p.Told = true
		if t := notice(*p); t.Text != "" {
			tell = append(tell, t)
		}
	}
	if more := len(tell) - maxTold; more > 0 {
		tell = append(tell[:maxTold], fail.Notice{Code: "hub", Text: fmt.Sprintf("there are %d more problems with the hub", more+(&Note{Problems: now}).Unlisted())})
	}
	return now, tell
}

// Unlisted returns how many problems of the last fetch were not stored because there were
// too many.
func (n *Note) Unlisted() int {
	if last := len(n.Problems); last > 0 {
		return n.Problems[last-1].More
	}
	return 0
}

// Overcome forgets the problems of branches that the hub has just accepted.
func (c *Contact) Overcome(p refs.Push, res *refs.PushResult) error {
	over := func(h Problem) bool {
		return h.Ref != "" && slices.ContainsFunc(p.Refs, func(r refs.PushRef) bool {
			st, ok := res.Refs[r.Dst]
			return r.Dst == refs.HubPrefix+h.Ref && ok && st.Accepted()
		})
	}
	if !slices.ContainsFunc(c.Problems, over) {
		return nil
	}
	return c.Remember(func(n *Note) { n.Problems = slices.DeleteFunc(n.Problems, over) })
}
