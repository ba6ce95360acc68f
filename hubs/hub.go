// Package hubs knows the hub with which a clone shares its tracker: which remote it is and
// why (choose.go), where fetches and pushes go (hub.go, forges.go), what a clone remembers
// about it (contact.go, refusals.go, pace.go), how to exchange data with it (link.go), and
// what its answers mean (answers.go). To this package, events are bytes and branches are
// names.
package hubs

import (
	"fmt"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
)

// SelfName is the name of the remote of a repository that is its own hub.
const SelfName = "."

// Hub is the remote that has the tracker. A nil Hub belongs to a repository without one.
type Hub struct {
	Name    string
	URL     string // from which git fetches
	PushURL string // to which git pushes; "" if it is URL
	Written string // URL before url.*.insteadOf
	Self    bool   // the repository is its own hub
}

// of returns the hub on a remote.
func of(conf refs.Config, name string) *Hub {
	h := &Hub{Name: name, URL: conf.FetchURL(name), Written: conf.URL(name)}
	if push := conf.PushURL(name); push != h.URL {
		h.PushURL = push
	}
	return h
}

// Shown returns the URL without a password in it. This form is printed and stored, so a new
// password does not look like a new hub.
func (h *Hub) Shown() string { return refs.WithoutSecrets(h.URL) }

// PushTarget returns the URL that pushes use, in the form that is stored.
func (h *Hub) PushTarget() string {
	if h.PushURL != "" {
		return refs.WithoutSecrets(h.PushURL)
	}
	return h.Shown()
}

// A remote can push to another URL than it fetches from. Usually both lead to the same
// repository. If they do not, as with a fork, pushes succeed and nobody ever sees them. So
// after the first push the clone checks the hub, once for each pair of URLs.

// PushPair names the two URLs of a hub; "" if there is only one.
func (h *Hub) PushPair() string {
	if h == nil || h.PushURL == "" {
		return ""
	}
	return h.Shown() + " " + refs.WithoutSecrets(h.PushURL)
}

// Apart is the message that pushes go to another repository than fetches come from; "" if
// this is not known.
func (h *Hub) Apart(c *Contact) string {
	pair := h.PushPair()
	if pair == "" || c.PushApart != pair {
		return ""
	}
	from, to, _ := strings.Cut(pair, " ")
	return fmt.Sprintf("'%s' pushes to another repository ('%s') than it fetches from ('%s'), so nobody would see changes", h.Name, to, from)
}

// ApartError is Apart as an error.
func (h *Hub) ApartError(c *Contact) *fail.Error {
	return &fail.Error{Kind: fail.Fatal, Code: "push-url", Message: h.Apart(c)}
}

// Moved reports whether the hub was last seen at another URL.
func (h *Hub) Moved(c *Contact) bool { return h != nil && c.URL != "" && c.URL != h.Shown() }

// BeforeMigration stands in for a hub id when the remote again has the older-format
// hub that this clone's hub was migrated from.
func BeforeMigration(level int) string { return fmt.Sprintf("level-%d", level) }

// WasMigrated reports whether the other hub is the one that existed before a migration.
func (c *Contact) WasMigrated() bool { return strings.HasPrefix(c.Other, "level-") }

// Elsewhere is the message that the remote has another tracker than this clone; "" if the
// last fetch found no other.
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

// ForkText is the message that the remote has a fork of this tracker.
func (h *Hub) ForkText() string {
	return fmt.Sprintf("'%s' (%s) has a fork of this clone's tracker with other decisions", h.Name, h.Shown())
}

// ElsewhereError refuses an action that would mix the two trackers.
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

// Clip returns the beginning of a hub's id, enough to distinguish two hubs.
func Clip(id string) string { return id[:min(8, len(id))] }

// A hub can lose its branches: 'git push --mirror' from a plain clone deletes all branches
// that the clone does not have, and a backup may lack some. The lines seen before remain in
// refs/hub and in every view.

const (
	// lostMeta is the reason why nothing is sent to such a hub: lines there without a meta
	// would belong to no hub.
	lostMeta = "the hub no longer has its branch 'crosslink/meta'"
	// lostAll is the reason if the hub has no branch of the tracker left.
	lostAll = "the hub no longer has the tracker's branches"
)

// LostAll is the problem of a hub that has no branch of the tracker left.
func (h *Hub) LostAll(meta string) Problem {
	return Problem{Ref: meta, Text: lostAll + " ('git push --mirror' from a plain clone deletes them); this clone keeps its copy", Gone: true}
}

// NotThere is the problem of a remote whose new URL leads to a repository without the
// tracker.
func (h *Hub) NotThere(c *Contact, meta string) Problem {
	return Problem{Ref: meta, Text: fmt.Sprintf("there is no tracker on '%s' (%s); it was at '%s'", h.Name, h.Shown(), c.URL), Gone: true}
}

// LostCode is the code for a hub that has lost its meta.
func (h *Hub) LostCode(c *Contact) fail.Code {
	const moved, gone fail.Code = "hub-lost/moved", "hub-lost/gone"
	if h.Moved(c) {
		return moved
	}
	return gone
}

// LostReason is the reason why nothing is sent to a hub that has lost its meta.
func (h *Hub) LostReason(c *Contact) string {
	switch {
	case h.Moved(c):
		return fmt.Sprintf("there is no tracker on '%s'", h.Name)
	case len(c.Problems) > 0 && strings.HasPrefix(c.Problems[0].Text, lostAll):
		return lostAll
	}
	return lostMeta
}

// LostError refuses to create a second hub where a hub has lost its meta.
func (h *Hub) LostError() *fail.Error {
	return &fail.Error{Kind: fail.Fatal, Code: "hub-lost",
		Message: fmt.Sprintf("the tracker's branches are gone from '%s'; this clone keeps its copy, and nothing was written", h.Name)}
}

// Queued is the notice that changes are saved locally, and which command sends them.
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

// TakesNone is the message that a hub accepts no push, although fetches work.
func (h *Hub) TakesNone() string {
	if h.PushURL != "" {
		return fmt.Sprintf("the push URL '%s' of '%s' does not accept pushes", refs.WithoutSecrets(h.PushURL), h.Name)
	}
	return "the hub does not accept pushes from you"
}

// TakesNoPush is the diagnosis of a hub that accepts no push.
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
