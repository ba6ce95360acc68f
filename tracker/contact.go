package tracker

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/refs"
)

// contact is what this clone remembers of its hub between commands. It is a
// note, not truth: without it the next sync finds everything out again, except
// which remote was chosen.
type contact struct {
	Remote string    `json:"remote,omitempty"` // the remote chosen at first contact
	URL    string    `json:"url,omitempty"`    // at which it was seen last
	Hub    string    `json:"hub,omitempty"`    // the hub's id, pinned
	Other  string    `json:"other,omitempty"`  // at the last fetch the remote held this other hub
	Last   time.Time `json:"last,omitzero"`    // last fetch that worked

	// Undecided is since when facts lie undecided on the hub, as seen from here.
	Undecided time.Time `json:"undecided,omitzero"`

	// PushSeen and PushApart are a pair of fetch and push URL that led to one
	// repository, or to two.
	PushSeen  string `json:"push_seen,omitempty"`
	PushApart string `json:"push_apart,omitempty"`

	// Raced is when this clone last lost a race for the ledger (race.go).
	Raced time.Time `json:"raced,omitzero"`

	// NoAtomic: the hub cannot push atomically.
	NoAtomic bool `json:"no_atomic,omitempty"`
	// Refused is that the hub at RefusedTo takes no push at all, and since when;
	// it is not asked again by itself for 24 h.
	Refused      string    `json:"refused,omitempty"`
	RefusedAt    time.Time `json:"refused_at,omitzero"`
	RefusedTo    string    `json:"refused_to,omitempty"`
	RefusedTimes int       `json:"refused_times,omitempty"`
	// Refusals are what the hub refuses, by branch below crosslink/ (refusals.go).
	Refusals map[string]refusal `json:"refusals,omitempty"`
	// Problems are what is wrong with the hub as it was last seen, the first
	// of them and how many more.
	Problems []hubProblem `json:"problems,omitempty"`
	// NoMeta: at the last fetch the hub had lost its meta.
	NoMeta bool `json:"no_meta,omitempty"`
	// Aliases are the numbers lost by a hub whose new ones were told; null until
	// this clone has looked, which tells nothing.
	Aliases []uint64 `json:"aliases"`
	// Shown is what was shown undecided: it is told once when it is decided.
	Shown []shown `json:"shown,omitempty"`
	// Unsigned: that signing is switched off here was told.
	Unsigned bool `json:"unsigned,omitempty"`
	// Idle stands for the refs of the last sync, if it found nothing to do
	// (idle.go).
	Idle string `json:"idle,omitempty"`
	// Told are the notices that were given and have not changed since.
	Told map[string]string `json:"told,omitempty"`
}

func (t *Tracker) contactPath() string {
	return filepath.Join(t.outer.CommonDir, "crosslink", "contact.json")
}

func (t *Tracker) readContact() contact {
	var c contact
	if readNote(t.contactPath(), maxContact, &c) != nil || !plainWord(c.Remote) || !plainWord(c.Hub) || !plainWord(c.Other) || strings.HasPrefix(c.URL, "-") {
		c = contact{}
	}
	c.URL = refs.WithoutSecrets(c.URL) // notes of earlier versions kept them
	// a clock that was wrong once must not hold anything up for years
	if c.RefusedAt.After(t.now()) {
		c.RefusedAt = time.Time{}
	}
	if c.Undecided.After(t.now().Add(jitter)) {
		c.Undecided = time.Time{}
	}
	return c
}

// sinceContact is how long ago the hub was reached; false if never, or at a
// time that has not come yet.
func (t *Tracker) sinceContact() (time.Duration, bool) {
	age := t.now().Sub(t.contact.Last)
	return age, !t.contact.Last.IsZero() && age >= 0
}

// remember changes the note and puts it in place whole.
func (t *Tracker) remember(change func(*contact)) error {
	c := t.readContact()
	change(&c)
	t.contact = c
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := statefile.Write(t.contactPath(), append(b, '\n')); err != nil {
		return InTheWay(fmt.Errorf("remember the hub: %w", err))
	}
	return nil
}

// tellOnce gives a notice unless the same text was given since the last change.
func (t *Tracker) tellOnce(n fail.Notice) {
	if t.unwatched || t.contact.Told[n.Code.Name()] == n.Text {
		return
	}
	t.notice(n)
	// a note that cannot be kept only means the text is said again
	_ = t.remember(func(c *contact) {
		if c.Told == nil {
			c.Told = map[string]string{}
		}
		c.Told[n.Code.Name()] = n.Text
	})
}

// checkHub is the doctor's look at which hub there is and what was seen on it.
func (t *Tracker) checkHub(ctx context.Context, s *snapshot) ([]fail.Diagnosis, error) {
	var found []fail.Diagnosis
	switch {
	case t.chooseErr != nil:
		return []fail.Diagnosis{t.chooseErr.Diagnosis(fail.Problem, t.chooseErr.Message)}, nil
	case t.hub == nil:
		found = append(found, fail.Diagnosis{Code: "private", Severity: fail.Note, Text: "the repository has no remote: its tracker is here and nowhere else"})
	case s.apart:
		e := t.apartError()
		found = append(found, e.Diagnosis(fail.Problem, e.Message))
	case s.level != 0 && !s.writable():
		e := t.levelError(s)
		found = append(found, e.Diagnosis(fail.Problem, e.Message))
	case !s.bound && t.contact.Last.IsZero() && !t.fetched:
		found = append(found, fail.Diagnosis{Code: "unseen", Severity: fail.Note, Text: fmt.Sprintf("'%s' has not been reached yet", t.hub.Name)})
	case !s.bound && t.noRoom != nil:
		found = append(found, t.noRoom.Diagnosis(fail.Warning, t.noRoom.Message))
	case !s.bound:
		found = append(found, fail.Diagnosis{Code: "unshared", Severity: fail.Warning, Text: fmt.Sprintf("there is no tracker on '%s' yet; what is written stays here", t.hub.Name)})
	}
	which, err := t.checkWhich(ctx, s)
	if err != nil {
		return nil, err
	}
	found = append(found, which...)
	said := s.metaBad.Texts()
	for _, text := range said {
		found = append(found, fail.Diagnosis{Code: "meta/believed", Severity: fail.Warning, Text: text})
	}
	for _, p := range t.contact.Problems {
		if len(which) > 0 && p.Ref == metaName {
			continue // said already
		}
		if slices.Contains(said, p.Text) || p.More > 0 {
			continue
		}
		if p.Here {
			found = append(found, fail.Diagnosis{Code: "not-stored", Severity: fail.Warning, Text: p.Text})
			continue
		}
		found = append(found, fail.Diagnosis{Code: "hub/kept", Severity: fail.Warning, Text: p.Text})
	}
	return found, nil
}

// checkSending is the doctor's look at what is not on the hub, and why.
func (t *Tracker) checkSending(ctx context.Context, s *snapshot) ([]fail.Diagnosis, error) {
	if t.hub == nil || !s.bound {
		return nil, nil
	}
	found := t.checkRefusals(ctx, s)
	n, manual := s.unsent(), t.config("crosslink.sync") == "manual"
	for _, l := range t.withheldLogs(ctx, s) {
		n -= l.unsent() // said already
	}
	for _, l := range s.logs {
		if l.diverged { // checkLogs says what leads out
			n -= l.unsent()
		}
	}
	if t.contact.Refused != "" && t.admitted(s) != nil { // checkAgent says whom to ask
		found = append(found, fail.Diagnosis{Code: "queued/until-then", Severity: fail.Note, Text: fmt.Sprintf("%s kept here until then", events(n))})
	} else if t.contact.Refused != "" {
		found = append(found, t.takesNoPush(fmt.Sprintf("%s; %s kept here", t.contact.Refused, events(n))))
	} else if n > 0 && (t.contact.Other != "" || t.contact.NoMeta || t.apart() != "") { // checkWhich says what to do
		found = append(found, fail.Diagnosis{Code: "queued/until-then", Severity: fail.Note, Text: fmt.Sprintf("%s kept here until then", events(n))})
	} else if n > 0 {
		severity := fail.Warning
		if manual || t.readPace().MayStart(t.now(), t.limits(), s.urgency()).After(t.now()) && !t.readPace().Until.After(t.now()) { // as the user wants it, or on its way
			severity = fail.Note
		}
		found = append(found, fail.Diagnosis{Code: "queued", Severity: severity, Text: fmt.Sprintf("%s not on the hub yet", events(n))})
	}
	if manual {
		found = append(found, fail.Diagnosis{Code: "manual", Severity: fail.Note, Text: "crosslink.sync is 'manual'"})
	}
	return found, nil
}

// events says how many there are.
func events(n int) string {
	if n == 1 {
		return "1 event is"
	}
	return fmt.Sprintf("%d events are", n)
}
