package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// trustWithin is how long approving or revoking may take: it asks the hub.
const trustWithin = 20 * time.Second

// keyDoc is a key of an agent.
type keyDoc struct {
	Fingerprint string `json:"fingerprint"`
	Listed      bool   `json:"approved"`
}

// standingDoc is the trust in an agent's key.
type standingDoc struct {
	Keys     []keyDoc `json:"keys"`
	Approved bool     `json:"approved"`
	Admin    bool     `json:"admin"`
	Revoked  bool     `json:"revoked"`
	Reason   string   `json:"revoked_reason,omitempty"`
	Events   uint64   `json:"events"`
	Counts   uint64   `json:"events_that_count"`
	May      bool     `json:"may_change"` // the dashboard has an admin's key
}

// standingOf returns the trust in an agent's key; nil if nothing is known of it.
func standingOf(ctx context.Context, v place.View, id string) *standingDoc {
	t, err := v.Trust(ctx)
	if err != nil {
		return nil // there is no hub: nobody has to be trusted
	}
	k := slices.IndexFunc(t.Agents, func(a tracker.TrustAgent) bool { return a.Agent == id })
	if k < 0 {
		return nil
	}
	a := &t.Agents[k]
	d := &standingDoc{Keys: []keyDoc{}, Approved: a.Approved, Admin: a.Admin, Events: a.Events, Counts: a.Counts, May: t.Admin}
	for _, key := range a.Keys {
		listed := slices.ContainsFunc(t.Signers, func(s tracker.TrustKey) bool { return s.Principal == key.Principal && s.Fingerprint == key.Fingerprint })
		d.Keys = append(d.Keys, keyDoc{key.Fingerprint, listed})
	}
	if a.Revoked != nil {
		d.Revoked, d.Reason = true, a.Revoked.Reason
	}
	return d
}

// judge approves the key of an agent, or revokes the agent. The form has the agent's id, which
// the person typed, and the key that the page showed: a key that came since is not approved.
func (s *Server) judge(r *request) error {
	p, err := s.found(r)
	if err != nil {
		return err
	}
	verb, id, key := r.PathValue("verb"), r.PathValue("agent"), r.PostForm.Get("key")
	if verb != "approve" && verb != "revoke" {
		return refuse(http.StatusNotFound, "there is no action %q", verb)
	}
	if p.Status == db.Paused {
		return refuse(http.StatusConflict, "%s is paused", p.Slug)
	}
	if strings.TrimSpace(r.PostForm.Get("confirm")) != id {
		return refuse(http.StatusBadRequest, "type %s to %s it", id, verb)
	}
	return s.did(r, p.Slug, verb, id, "/p/"+p.Slug+"/agents/"+id, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, trustWithin)
		defer cancel()
		_, err := s.Library.Change(ctx, p.Place.Path, func(t *tracker.Tracker) error {
			if verb == "revoke" {
				_, err := t.Revoke(ctx, id, nil, strings.TrimSpace(r.PostForm.Get("reason")))
				return err
			}
			shown, err := shownKey(ctx, t, id, key)
			if err == nil {
				_, err = t.Approve(ctx, tracker.Approve{Agents: []string{id}, Key: shown})
			}
			return err
		})
		if err != nil {
			return err
		}
		if _, err := s.Poller.Poll(ctx, p.ID); err != nil {
			s.Failed("poll", err) // the page says so
		}
		return nil
	})
}

// shownKey is the key of an agent with a fingerprint.
func shownKey(ctx context.Context, t *tracker.Tracker, agent, fingerprint string) (string, error) {
	all, err := t.Trust(ctx)
	if err != nil {
		return "", err
	}
	for _, a := range all.Agents {
		for _, k := range a.Keys {
			if a.Agent == agent && k.Fingerprint == fingerprint {
				return k.Key, nil
			}
		}
	}
	return "", refuse(http.StatusConflict, "%s has no key %q now: reload the page", agent, clean(fingerprint))
}
