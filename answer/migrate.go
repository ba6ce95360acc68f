package answer

import (
	"maps"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/internal/shell"
	"github.com/git-crosslink/git-crosslink/migrate"
)

// Migrated is what a migration did, or would do.
type Migrated struct {
	Remote    string            `json:"remote"`
	URL       *string           `json:"url"`
	Hub       *string           `json:"hub"`
	Already   bool              `json:"already"`
	DryRun    bool              `json:"dry_run"`
	From      int               `json:"from"`
	Commit    *string           `json:"commit"`
	Issues    int               `json:"issues"`
	Comments  int               `json:"comments"`
	Numbers   int               `json:"numbers"`
	Next      uint64            `json:"next"`
	Logs      []MigratedLog     `json:"logs"`
	LocksLeft int               `json:"locks_left"`
	Locks     []MigratedLock    `json:"locks"`
	Left      MigratedLeft      `json:"left"`
	LeftOut   []MigratedFile    `json:"left_out"`
	OverLimit int               `json:"over_limits"`
	Over      []string          `json:"over"`
	Settled   []migrate.Settled `json:"settled"`
	Backup    bool              `json:"backup"`
	Pushed    bool              `json:"pushed"`
	View      *string           `json:"view"`
	Undo      []string          `json:"undo"`
}

// MigratedLog is one log of the old hub.
type MigratedLog struct {
	Agent  string `json:"agent"`
	Lines  int    `json:"lines"`
	Signed int    `json:"signed"`
}

// MigratedLock is a lock of the old hub, which was not taken over.
type MigratedLock struct {
	Number    uint64  `json:"number"`
	Agent     string  `json:"agent"`
	ClaimedAt *string `json:"claimed_at"`
}

// MigratedFile is a file of the old hub that cannot be read, and was left out.
type MigratedFile struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// MigratedLeft counts what else was not taken over.
type MigratedLeft struct {
	Requests   int `json:"requests"`
	Acks       int `json:"acks"`
	Heartbeats int `json:"heartbeats"`
	Approvals  int `json:"approvals"`
	Signers    int `json:"signers"`
}

// MigratedOf gives a report its shape.
func MigratedOf(r *migrate.Report, dryRun bool) Migrated {
	m := Migrated{Remote: r.Remote, URL: TextOrNull(r.URL), Hub: TextOrNull(r.Hub), Already: r.Already, DryRun: dryRun, From: r.From, Commit: TextOrNull(r.Commit),
		Issues: r.Issues, Comments: r.Comments, Numbers: r.Numbers, Next: r.Next, Logs: []MigratedLog{}, LocksLeft: len(r.Locks), Locks: []MigratedLock{},
		Left:    MigratedLeft{r.Left.Requests, r.Left.Acks, r.Left.Heartbeats, r.Left.Approvals, r.Unread},
		LeftOut: []MigratedFile{}, OverLimit: len(r.Over), Over: []string{}, Settled: append([]migrate.Settled{}, r.Settled...), Backup: r.Backup, Pushed: r.Pushed, View: TextOrNull(r.View), Undo: Undo(r)}
	for _, l := range r.Logs {
		m.Logs = append(m.Logs, MigratedLog{l.Agent, len(l.Lines), l.Signed})
	}
	for _, l := range r.Locks {
		m.Locks = append(m.Locks, MigratedLock{l.Number, l.Agent, TimeOrNull(l.ClaimedAt)})
	}
	for _, f := range r.LeftOut {
		m.LeftOut = append(m.LeftOut, MigratedFile{f.Path, f.Reason})
	}
	for _, u := range r.Over {
		m.Over = append(m.Over, u.String())
	}
	return m
}

// Undo is the command that puts the old hub back in its place, as long as nobody has
// written to the new one; none if nothing was pushed.
func Undo(r *migrate.Report) []string {
	if !r.Pushed {
		return []string{}
	}
	args := []string{"git", "--git-dir=" + shell.Word(r.Replica), "push", "--atomic"}
	for _, name := range slices.Sorted(maps.Keys(r.New)) {
		args = append(args, "--force-with-lease=refs/heads/crosslink/"+name+":"+string(r.New[name]))
	}
	if r.Backup {
		for _, name := range slices.Sorted(maps.Keys(r.Old)) {
			args = append(args, "--force-with-lease="+migrate.Backup(r.Hub, name)+":"+string(r.Old[name]))
		}
	}
	args = append(args, shell.Word(r.URL))
	if r.Backup {
		for _, name := range slices.Sorted(maps.Keys(r.Old)) {
			args = append(args, ":"+migrate.Backup(r.Hub, name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.New)) {
		args = append(args, string(r.Old[name])+":refs/heads/crosslink/"+name)
	}
	return []string{strings.Join(args, " ")}
}

// Finalized is what was removed of the old hub.
type Finalized struct {
	Remote  string   `json:"remote"`
	Hub     string   `json:"hub"`
	Removed []string `json:"removed"`
}
