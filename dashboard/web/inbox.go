package web

import (
	"context"
	"net/http"

	"github.com/git-crosslink/git-crosslink/dashboard/alerts"
	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/dashboard/inbox"
	"github.com/git-crosslink/git-crosslink/event"
)

// itemDoc is a reason why a person is needed.
type itemDoc struct {
	inbox.Item
	Since   instant `json:"since"`
	Snoozed instant `json:"snoozed_until"`  // null: it is shown
	Link    string  `json:"link,omitempty"` // of what is no project's
}

// Moment is when the reason began, as a form sends it back.
func (d itemDoc) Moment() string { return d.Began.String() }

// dueDoc is an issue that is due.
type dueDoc struct {
	Project string  `json:"project"`
	Issue   string  `json:"issue"`
	Title   string  `json:"title"`
	At      instant `json:"due_at"`
}

// nextDue is the issue of some projects that is due next; nil if none is.
func (s *Server) nextDue(projects []db.Project) (next *dueDoc) {
	for _, p := range projects {
		if p.Status == db.Paused {
			continue
		}
		if i := inbox.NextDue(&p.State.Facts, facts.NewClock(event.TimeOf(s.Now()))); i != nil && (next == nil || i.Due < event.Time(next.At)) {
			next = &dueDoc{p.Slug, i.Name, i.Title, instant(i.Due)}
		}
	}
	return next
}

// inbox is what needs somebody in one project, and which of these items are snoozed.
func (s *Server) inbox(r *request, p db.Project, open []alerts.Alert, snoozes map[string]db.Snooze) (shown, away []itemDoc, err error) {
	shown, away = []itemDoc{}, []itemDoc{}
	set, err := s.DB.Settings(r.Context(), p.ID)
	if err != nil || p.Status == db.Paused {
		return shown, away, err
	}
	for _, i := range inbox.Of(p.Slug, open, &p.State.Facts, set.Thresholds, facts.NewClock(event.TimeOf(s.Now()))) {
		d := itemDoc{Item: i, Since: instant(i.Since)}
		if o, ok := snoozes[i.Key]; ok && o.Since == i.Began && o.Until == event.MaxTime {
			continue // done
		} else if ok && o.Since == i.Began {
			d.Snoozed = instant(o.Until)
			away = append(away, d)
		} else {
			shown = append(shown, d)
		}
	}
	return shown, away, nil
}

// snooze hides an item of the inbox for a while, or until its reason occurs again (done), or shows
// it again.
func (s *Server) snooze(r *request) error {
	key := r.PostForm.Get("key")
	since, err := event.ParseTime(r.PostForm.Get("since"))
	if key == "" || len(key) > 1000 || err != nil {
		return refuse(http.StatusBadRequest, "the form names no item of the inbox")
	}
	verb, until := r.PathValue("verb"), event.Time(0)
	switch verb {
	case "snooze":
		if until, err = s.ends(r, "for"); err != nil {
			return err
		}
		if until == 0 {
			return refuse(http.StatusBadRequest, "'for' is missing: 1h, 1d")
		}
	case "done":
		until = event.MaxTime
	case "wake":
	default:
		return refuse(http.StatusNotFound, "there is no action %q", verb)
	}
	return s.did(r, "", verb, key, back(r, "/"), func(ctx context.Context) error {
		return s.DB.Snooze(ctx, db.Snooze{Key: key, Since: since, Until: until})
	})
}

// inboxGroup are the items of the inbox that are as urgent.
type inboxGroup struct {
	inbox.Group
	Items []itemDoc
}

// moreItems are items of the inbox that are not shown one by one.
type moreItems struct {
	Project, Reason string
	N               int
}

// inboxShown is how many items of one reason in one project are shown one by
// one, where there are more than a few.
const inboxShown = 3

// inboxOf is the inbox as a page shows it, with the snoozed items.
func inboxOf(l layout, items, away []itemDoc, many bool) inboxList {
	list := inboxList{Now: l.Now, Many: many, Back: l.Path, Away: away}
	if !l.ReadOnly {
		list.Request = l.Request
	}
	count, shown := map[moreItems]int{}, map[moreItems]int{}
	for _, i := range items {
		count[moreItems{i.Project, i.Reason, 0}]++
	}
	show := func(i itemDoc) {
		if n := len(list.Groups); n == 0 || list.Groups[n-1].Group != i.Group {
			list.Groups = append(list.Groups, inboxGroup{Group: i.Group})
		}
		g := &list.Groups[len(list.Groups)-1]
		g.Items = append(g.Items, i)
	}
	for _, i := range items {
		key := moreItems{i.Project, i.Reason, 0}
		n := count[key]
		if shown[key]++; n <= 2*inboxShown || shown[key] <= inboxShown || i.Alert == 0 {
			show(i)
		} else if shown[key] == inboxShown+1 {
			list.More = append(list.More, moreItems{i.Project, i.Reason, n - inboxShown})
		}
	}
	return list
}

// snoozed reports whether the item of an alert is snoozed.
func snoozed(all map[string]db.Snooze, slug string, a *alerts.Alert) bool {
	o, ok := all[inbox.KeyOf(slug, a)]
	return ok && o.Since == a.Opened
}
