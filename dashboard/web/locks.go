package web

import (
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
)

// lockDoc is a lock with its queue.
type lockDoc struct {
	Issue     issueDoc    `json:"issue"`
	Token     uint64      `json:"token"`
	Since     instant     `json:"since"`
	Branch    string      `json:"branch"`
	Ending    bool        `json:"ending"`
	LastSign  instant     `json:"last_sign"`
	Stale     bool        `json:"stale"`
	Queue     []queuedDoc `json:"queue"`
	Own       bool        `json:"own"`
	Confirmed bool        `json:"confirmed"`
}

type queuedDoc struct {
	Agent person  `json:"agent"`
	Since instant `json:"since"`
}

// locks shows the locks of a project and their queues.
func (s *Server) locks(r *request) error {
	p, err := s.found(r)
	if err != nil {
		return err
	}
	set, err := s.DB.Settings(r.Context(), p.ID)
	if err != nil {
		return err
	}
	d := struct {
		Project projectDoc `json:"project"`
		Locks   []lockDoc  `json:"locks"`
		Can     bool       `json:"-"`
	}{Project: s.docOf(r, p), Locks: []lockDoc{}, Can: mayWrite(p)}
	now := event.TimeOf(s.Now())
	err = s.Library.Read(r.Context(), p.Place.Path, func(v place.View) error {
		rows, err := v.Locked()
		for _, i := range rows {
			if i.Lock == nil {
				continue
			}
			l := lockDoc{Issue: issueDocOf(v.Names, i), Token: i.Lock.Token, Since: instant(i.Lock.Since), Branch: i.Lock.Branch, Ending: i.Lock.Ending, LastSign: instant(v.LastSign(i.Lock.Holder)),
				Stale: i.Lock.Confirmed && now-i.Lock.Since > event.Time(set.LockStale), Queue: []queuedDoc{}, Own: i.Lock.Holder == v.Agent, Confirmed: i.Lock.Confirmed}
			l.Issue.Holder = personOf(v.Names, i.Lock.Holder)
			for _, w := range i.Queue {
				l.Queue = append(l.Queue, queuedDoc{personOf(v.Names, w.Agent), instant(w.Since)})
			}
			d.Locks = append(d.Locks, l)
		}
		return err
	})
	if err != nil {
		return s.unreadable(r, p, "locks", "Locks of "+p.Slug, err, func(t *Trouble) any { d.Project.Trouble = t; return d })
	}
	return s.render(r, "locks", "Locks of "+p.Slug, d, "p:"+p.ID)
}
