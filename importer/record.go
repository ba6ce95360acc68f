package importer

import (
	"encoding/json"

	"github.com/git-crosslink/git-crosslink/event"
)

// Issue is one issue of a source, with the fields of this tracker. Other objects are named
// by their keys in the source, which are unique in its scope.
type Issue struct {
	Key    string
	Line   int    // the line where it begins in the source, from 1; 0 if lines are not meaningful
	Number uint64 // its number there, 0 if it has none

	Title       string
	Description string
	Status      event.Status // "" is open
	Reason      string       // why it was closed
	Priority    event.Priority
	Labels      []string
	Assignees   []string
	Author      string // who created it, by the name in the source
	Closer      string // who closed it, by the name in the source; "" if not known

	Created, Updated, ClosedAt event.Time // 0 if not known
	Due, Scheduled             event.Time

	Milestone string // key
	Parent    string
	BlockedBy []string
	Relations []Relation
	Links     []Link
	Comments  []Comment
	Time      []TimeEntry
	Deleted   bool // it was deleted there, and is imported on request
	Guessed   bool // Relations were found in texts, which a source may leave out

	Exact bool // it comes from an export of this program: valid data is not changed

	// Leftover are the members without a corresponding field, as they were written.
	Leftover map[string]json.RawMessage
}

// Relation relates an issue to the issue with the key To.
type Relation struct {
	Kind event.RelationKind
	To   string
}

func (i *Issue) relate(kind event.RelationKind, to string) {
	i.Relations = append(i.Relations, Relation{kind, to})
}

// Link is a reference to something outside of the tracker.
type Link struct{ Kind, Ref string }

// Comment is one comment of a source.
type Comment struct {
	Key     string // "" if the source has none; then time and order identify it, and without a time the text
	Author  string
	Text    string
	Kind    string // "" is a note
	Created event.Time
	Edits   []Edit // in the order in which they were made

	TriggerType, Context, Fingerprint string // of an intervention
}

// TimeEntry is time spent on an issue.
type TimeEntry struct {
	Key            string
	Started, Ended event.Time
	Seconds        *uint64 // nil if not known
}

// Edit is a later text of a comment.
type Edit struct {
	Author string
	Text   string
	At     event.Time
}

// Milestone is one milestone of a source.
type Milestone struct {
	Key         string
	Name        string
	Description string
	Closed      bool
	Due         event.Time

	Created, ClosedAt event.Time // 0 if not known
}

// Skip is the reason why rows of the source are not imported as issues.
type Skip struct {
	Line   int    `json:"line,omitempty"`
	Key    string `json:"key,omitempty"`
	Reason string `json:"reason"`
}

// Warning is about data that was changed or lost.
type Warning struct {
	Line int    `json:"line,omitempty"`
	Key  string `json:"key,omitempty"`
	Name string `json:"name"`
	Text string `json:"text"`
}

// Report accounts for every row of a source: Read = imported issues + the sum of Skipped.
type Report struct {
	Read         int            `json:"read"`
	Skipped      map[string]int `json:"skipped"`
	EdgesSkipped int            `json:"edges_skipped"`
	Cut          int            `json:"cut"` // texts that were too long for one member
	Bad          int            `json:"bad"` // rows that could not be read; they are also in Skipped
	Warnings     []Warning      `json:"warnings"`
	Unlisted     int            `json:"warnings_unlisted"` // warnings beyond the first maxWarnings
}

// maxWarnings bounds the warnings in a report; the others are counted.
const maxWarnings = 1000

// Warn adds a warning.
func (r *Report) Warn(w Warning) {
	if len(r.Warnings) >= maxWarnings {
		r.Unlisted++
		return
	}
	r.Warnings = append(r.Warnings, w)
}

func (r *Report) skip(s Skip) {
	if r.Skipped == nil {
		r.Skipped = map[string]int{}
	}
	r.Skipped[s.Reason]++
}

// skipEdge warns about a relation that cannot be kept.
func (r *Report) skipEdge(i *Issue, name, text string) {
	r.EdgesSkipped++
	r.Warn(Warning{i.Line, i.Key, name, text})
}

// bad warns about a row that could not be read. The others continue.
func (r *Report) bad(line int, text string) {
	r.Bad++
	r.skip(Skip{Line: line, Reason: "bad"})
	r.Warn(Warning{Line: line, Name: "bad-row", Text: text})
}
