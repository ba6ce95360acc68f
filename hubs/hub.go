// Package hubs knows the hub with which a clone shares its tracker: which remote
// it is and why (choose.go), where fetches and pushes go (hub.go, forges.go), what
// was seen there and is remembered (contact.go, refusals.go, pace.go), how to talk
// with it (link.go), and what its answers mean (answers.go). To it events are
// bytes and branches are names.
package hubs

import (
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
)

// SelfName is the name of the remote of a repository that is its own hub.
const SelfName = "."

// Hub is the remote that a tracker lives on. A nil Hub is that of a repository
// that has none.
type Hub struct {
	Name    string
	URL     string // that git fetches from
	PushURL string // that git pushes to, "" if that is URL
	Written string // URL before url.*.insteadOf
	Self    bool   // the repository is its own hub
}

// of is the hub on a remote.
func of(conf refs.Config, name string) *Hub {
	h := &Hub{Name: name, URL: conf.FetchURL(name), Written: conf.URL(name)}
	if push := conf.PushURL(name); push != h.URL {
		h.PushURL = push
	}
	return h
}

// Shown returns the URL without the password it may hold. It is what is printed and
// what is remembered: a new password makes no new hub.
func (h *Hub) Shown() string { return refs.WithoutSecrets(h.URL) }

// PushTarget is where pushes go, as it is remembered.
func (h *Hub) PushTarget() string {
	if h.PushURL != "" {
		return refs.WithoutSecrets(h.PushURL)
	}
	return h.Shown()
}

// A remote can push to another URL than it fetches from. Mostly that is the
// same repository by another way. Where it is another one, a fork, pushes succeed
// and nobody ever sees them. So after the first push the hub is looked at, once
// for each pair of URLs.

// PushPair names the two URLs of a hub, "" if there is one for both.
func (h *Hub) PushPair() string {
	if h == nil || h.PushURL == "" {
		return ""
	}
	return h.Shown() + " " + refs.WithoutSecrets(h.PushURL)
}

// Apart says that pushes go to another repository than fetches come from; "" if
// that is not known.
func (h *Hub) Apart(c *Contact) string {
	pair := h.PushPair()
	if pair == "" || c.PushApart != pair {
		return ""
	}
	from, to, _ := strings.Cut(pair, " ")
	return fmt.Sprintf("'%s' pushes to another repository ('%s') than it fetches from ('%s'), so nobody would see changes", h.Name, to, from)
}

// ApartError is Apart as a refusal.
func (h *Hub) ApartError(c *Contact) *fail.Error {
	return &fail.Error{Kind: fail.Fatal, Code: "push-url", Message: h.Apart(c)}
}

// Moved reports whether the URL is not the one at which the hub was seen.
func (h *Hub) Moved(c *Contact) bool { return h != nil && c.URL != "" && c.URL != h.Shown() }

// BeforeMigration stands in for a hub id when the remote again has the older-format
// hub that this clone's hub was migrated from.
func BeforeMigration(level int) string { return fmt.Sprintf("level-%d", level) }

// WasMigrated reports whether the other hub is the one before a migration.
func (c *Contact) WasMigrated() bool { return strings.HasPrefix(c.Other, "level-") }

// Elsewhere says that the remote holds another tracker than the one of this
// clone; "" if it does not, as far as the last fetch showed.
func (h *Hub) Elsewhere(c *Contact) string {
	name := c.Remote
	if h != nil {
		name = h.Name
	}
	switch {
	case c.Other == "":
		return ""
	case c.Other == c.Hub:
		return h.ForkText()
	case c.WasMigrated():
		return fmt.Sprintf("the migration of the tracker on '%s' was taken back", name)
	case c.Again:
		return fmt.Sprintf("the tracker on '%s' was migrated again after a migration that was taken back (hub %s; this clone has hub %s)", name, Clip(c.Other), Clip(c.Hub))
	}
	return fmt.Sprintf("'%s' has another tracker (hub %s) than this clone (hub %s)", name, Clip(c.Other), Clip(c.Hub))
}

// ForkText says that the remote holds a fork of this tracker.
func (h *Hub) ForkText() string {
	return fmt.Sprintf("'%s' (%s) has a fork of this clone's tracker with other decisions", h.Name, h.Shown())
}

// ElsewhereError refuses what would mix the two trackers.
func (h *Hub) ElsewhereError(c *Contact) *fail.Error {
	e := &fail.Error{Kind: fail.Fatal, Code: "other-hub",
		Message: h.Elsewhere(c) + ": nothing was fetched or sent"}
	switch {
	case c.WasMigrated():
		e.Code = "other-hub/taken-back"
	case c.Again:
		e.Code = "other-hub/again"
	case c.Detached && h.Moved(c):
		e.Code = "other-hub/detached-moved"
	case c.Detached:
		e.Code = "other-hub/detached"
	case c.Other == c.Hub:
		e.Code = "other-hub/fork"
	}
	return e
}

// Clip is the beginning of a hub's id, enough to tell two apart.
func Clip(id string) string { return id[:min(8, len(id))] }

// A hub can lose its branches: 'git push --mirror' from a plain clone deletes
// all that the clone has no branch for, a backup may lack some. What was seen
// there stays in refs/hub and in view.

const (
	// lostMeta is why nothing is sent to such a hub: lines there without a meta
	// would belong to no hub.
	lostMeta = "the hub no longer has its branch 'crosslink/meta'"
	// lostAll is said where nothing of the tracker is left.
	lostAll = "the hub no longer has the tracker's branches"
)

// LostAll is the problem of a hub that has nothing left of the tracker, and
// NotThere that of a new URL that leads to a repository without one.
func (h *Hub) LostAll(meta string) Problem {
	return Problem{Ref: meta, Text: lostAll + " ('git push --mirror' from a plain clone deletes them); this clone keeps its copy", Gone: true}
}

// NotThere is the problem of a remote's new URL that leads to a repository without
// the tracker.
func (h *Hub) NotThere(c *Contact, meta string) Problem {
	return Problem{Ref: meta, Text: fmt.Sprintf("there is no tracker on '%s' (%s); it was at '%s'", h.Name, h.Shown(), c.URL), Gone: true}
}

// LostCode is the code of a hub that has lost its meta.
func (h *Hub) LostCode(c *Contact) fail.Code {
	const moved, gone fail.Code = "hub-lost/moved", "hub-lost/gone"
	if h.Moved(c) {
		return moved
	}
	return gone
}

// LostReason is why nothing is sent to a hub that has lost its meta.
func (h *Hub) LostReason(c *Contact) string {
	switch {
	case h.Moved(c):
		return fmt.Sprintf("there is no tracker on '%s'", h.Name)
	case len(c.Problems) > 0 && strings.HasPrefix(c.Problems[0].Text, lostAll):
		return lostAll
	}
	return lostMeta
}

// LostError refuses to make a second hub where one has lost its meta.
func (h *Hub) LostError() *fail.Error {
	return &fail.Error{Kind: fail.Fatal, Code: "hub-lost",
		Message: fmt.Sprintf("the tracker's branches are gone from '%s'; this clone keeps its copy, and nothing was written", h.Name)}
}

// Queued tells that something is kept here, and what would send it.
func (h *Hub) Queued(c *Contact, why string) fail.Notice {
	told := fail.Notice{Code: "queued", Text: "saved locally, sent later: " + why}
	switch {
	case c.Other != "", h.Apart(c) != "":
		told.Code = "queued/elsewhere"
	case c.NoMeta && h.Moved(c):
		told.Code = "queued/moved"
	case c.NoMeta:
		told.Code = "queued/lost"
	}
	return told
}

// TakesNone says that a hub that can be fetched from takes no push.
func (h *Hub) TakesNone() string {
	if h.PushURL != "" {
		return fmt.Sprintf("the push URL '%s' of '%s' does not accept pushes", refs.WithoutSecrets(h.PushURL), h.Name)
	}
	return "the hub does not accept pushes from you"
}

// TakesNoPush diagnoses a hub that takes no push at all.
func (h *Hub) TakesNoPush(text string) fail.Diagnosis {
	d := fail.Diagnosis{Code: "refused/all", Severity: fail.Problem, Text: text, Fields: fail.Fields{"remote": h.Name, "url": h.Shown()}}
	switch {
	case Locked(text):
		d.Code = "refused/locked"
	case h.PushURL != "":
		d.Code = "refused/push-url"
	}
	return d
}
