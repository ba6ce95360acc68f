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

// maxContact is the largest note that is read, more than is ever written.
const maxContact = 16 << 20 // a number for each one that the hub lost

// Note is what a clone remembers of its hub between commands. It is no truth: without it the next sync finds everything out again, except
// which remote was chosen.
type Note struct {
	Remote string    `json:"remote,omitempty"` // the remote chosen at first contact
	URL    string    `json:"url,omitempty"`    // at which it was seen last
	Hub    string    `json:"hub,omitempty"`    // the hub's id, pinned
	Other  string    `json:"other,omitempty"`  // at the last fetch the remote held this other hub
	Last   time.Time `json:"last,omitzero"`    // when the last fetch began that worked

	// Undecided is since when facts lie undecided on the hub, as seen from here.
	Undecided time.Time `json:"undecided,omitzero"`

	// PushSeen and PushApart are a pair of fetch and push URL that led to one
	// repository, or to two.
	PushSeen  string `json:"push_seen,omitempty"`
	PushApart string `json:"push_apart,omitempty"`

	// NoAtomic: the hub cannot push atomically.
	NoAtomic bool `json:"no_atomic,omitempty"`
	// Refused is that the hub at RefusedTo takes no push at all, and since when;
	// it is not asked again by itself for 24 h.
	Refused      string    `json:"refused,omitempty"`
	RefusedAt    time.Time `json:"refused_at,omitzero"`
	RefusedTo    string    `json:"refused_to,omitempty"`
	RefusedTimes int       `json:"refused_times,omitempty"`
	// FoldFailed is when a sync could not archive logs; it is not tried again by itself
	// for 24 h.
	FoldFailed time.Time `json:"fold_failed,omitzero"`
	// Archive is the verdict on the hub's archive, if steps of it are ignored.
	Archive *ArchiveSeen `json:"archive,omitempty"`
	// Refusals are what the hub refuses, by branch below crosslink/.
	Refusals map[string]Refusal `json:"refusals,omitempty"`
	// Problems are what is wrong with the hub as it was last seen, the first
	// of them and how many more.
	Problems []Problem `json:"problems,omitempty"`
	// NoMeta: at the last fetch the hub had lost its meta.
	NoMeta bool `json:"no_meta,omitempty"`
	// Detached: the Other hub continues this one, as was found when it was seen last. It
	// was detached from it, or, if Again, the older hub was migrated again.
	Detached bool `json:"detached,omitempty"`
	Again    bool `json:"again,omitempty"`
	// Aliases are the numbers lost by a hub whose new ones were told; null until
	// this clone has looked, which tells nothing.
	Aliases []uint64 `json:"aliases"`
	// Shown is what was shown undecided: it is reported once when it is decided.
	Shown []Shown `json:"shown,omitempty"`
	// Edits are the last texts written here, whose loss is reported once.
	Edits []Edit `json:"edits,omitempty"`
	// Unsigned: that signing is switched off here was told.
	Unsigned bool `json:"unsigned,omitempty"`
	// Idle stands for the refs of the last sync, if it found nothing to do
	// (tracker/idle.go).
	Idle string `json:"idle,omitempty"`
	// Quiet is since when that has not changed.
	Quiet time.Time `json:"quiet,omitzero"`
	// Told are the notices that were given and have not changed since.
	Told map[string]string `json:"told,omitempty"`
}

// ArchiveSeen is the verdict on an archive whose newest steps are ignored. They are judged
// again when the archive has moved, or when one of them may have become valid.
type ArchiveSeen struct {
	Tip  refs.OID `json:"tip"`
	Step refs.OID `json:"step,omitempty"` // the nearest valid step
	Text string   `json:"text"`           // what is wrong
	// Waits holds what was decided about each agent whose step may become valid.
	Waits map[string]string `json:"waits,omitempty"`
}

// Shown is one thing that was shown undecided.
type Shown struct {
	Issue string `json:"issue"`
	Agent string `json:"agent,omitempty"` // of a claim; a number belongs to nobody
	Lock  string `json:"lock,omitempty"`  // how the claim stood when it was told
}

// Edit is a text of an issue that an agent of this clone wrote.
type Edit struct {
	Issue string `json:"issue"`
	Agent string `json:"agent"`
	Field string `json:"field"`
	At    int64  `json:"at"` // time of the event
}

// Contact is a clone's note of its hub as it was read or written last. Other
// processes of the clone change it, too.
type Contact struct {
	Note
	path string
	now  func() time.Time
}

// Open reads the note in a file.
func Open(path string, now func() time.Time) *Contact {
	c := &Contact{path: path, now: now}
	c.Reload()
	return c
}

// Reload reads the note again. One that cannot be read is as if there were none.
func (c *Contact) Reload() {
	n := Note{}
	if note.Read(c.path, maxContact, &n) != nil || !note.PlainWord(n.Remote) || !note.PlainWord(n.Hub) || !note.PlainWord(n.Other) || strings.HasPrefix(n.URL, "-") {
		n = Note{}
	}
	n.URL = refs.WithoutSecrets(n.URL) // notes of earlier versions kept them
	// a clock that was wrong once must not hold anything up for years
	if n.RefusedAt.After(c.now()) {
		n.RefusedAt = time.Time{}
	}
	if n.Undecided.After(c.now().Add(Jitter)) {
		n.Undecided = time.Time{}
	}
	c.Note = n
}

// Jitter is the most by which clones wait longer than others before they decide
// what lies undecided.
const Jitter = 15 * time.Second

// Remember changes the note as it is now, and puts it in place whole.
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

// Since is how long ago the hub was reached; false if never, or at a time that
// has not come yet.
func (c *Contact) Since() (time.Duration, bool) {
	age := c.now().Sub(c.Last)
	return age, !c.Last.IsZero() && age >= 0
}

// ToldBefore reports whether a notice was given and has not changed since, and
// remembers it. A note that cannot be kept only means that it is given again.
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

// Founded remembers the hub that was made, with this id.
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

// Problem is something wrong with the hub, as the last fetch found it. Each is
// listed by status until a fetch no longer finds it or a push has repaired it, and
// told once, by the first command that somebody watches.
type Problem struct {
	Ref  string `json:"ref,omitempty"` // below crosslink/; "" is of none in particular
	Text string `json:"text"`
	Told bool   `json:"told,omitempty"`
	Here bool   `json:"here,omitempty"` // its cause is on this side
	Gone bool   `json:"gone,omitempty"` // the hub has lost the branch
	More int    `json:"more,omitempty"` // how many problems beyond maxProblems this one stands for
}

const (
	maxProblems = 1000 // remembered of a fetch
	maxTold     = 10   // told one by one
)

// Found sorts the problems that a fetch found: those to remember, and the
// notices of those that are new; none of these if nobody reads them.
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

// Unlisted is how many problems of the last fetch were too many to remember.
func (n *Note) Unlisted() int {
	if last := len(n.Problems); last > 0 {
		return n.Problems[last-1].More
	}
	return 0
}

// Overcome forgets the problems of branches that the hub has just taken.
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
