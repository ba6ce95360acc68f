package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/place"
)

// health shows the state of a tracker itself and of the connection to its hub.
func (s *Server) health(r *request) error {
	p, err := s.found(r)
	if err != nil {
		return err
	}
	h := &p.State.Facts.Health
	d := struct {
		Project   projectDoc      `json:"project"`
		URL       string          `json:"url"`
		Fetched   instant         `json:"fetched_at"`
		Manual    bool            `json:"manual"` // only people fetch
		Failures  int             `json:"failures"`
		Error     string          `json:"fetch_error"`
		Undecided backlogDoc      `json:"undecided"`
		Unsent    backlogDoc      `json:"unsent"`
		Sequence  uint64          `json:"sequence"`
		BadSteps  int             `json:"bad_steps"`
		Lost      int             `json:"lost"`
		OtherHub  string          `json:"other_hub"`
		Signing   string          `json:"signing"`
		Level     int             `json:"level"`
		Rejected  []rejectionsDoc `json:"rejected"`
		Agents    []trustDoc      `json:"agents"`
		Copies    []copyDoc       `json:"copies"` // projects whose hub has the same id at another URL
	}{Project: s.docOf(r, p), URL: p.Place.URL, Fetched: instant(max(p.FetchedAt, h.FetchedAt)), Manual: h.Manual, Failures: p.Failures, Error: p.FetchError, Undecided: backlogDoc{h.Undecided.N, instant(h.Undecided.Oldest)},
		Unsent: backlogDoc{h.Unsent.N, instant(h.Unsent.Oldest)}, Sequence: h.Sequence, BadSteps: h.BadSteps, Lost: h.Lost, OtherHub: h.OtherHub, Signing: h.Signing, Level: h.Level,
		Rejected: []rejectionsDoc{}, Agents: []trustDoc{}, Copies: []copyDoc{}}
	for _, a := range p.State.Facts.Agents {
		t := trustDoc{Agent: a.ID, Who: person{a.ID, a.Shown}, Forked: a.Forked, Retired: a.Retired, Ended: a.Ended, Marks: map[string]int{}, LastSign: instant(a.LastSign)}
		for mark, n := range a.Marks {
			t.Marks[markWords(mark)] += n
		}
		d.Agents = append(d.Agents, t)
	}
	err = s.Library.Read(r.Context(), p.Place.Path, func(v place.View) error {
		by := map[string]int{}
		for _, x := range v.Rejections() {
			k, ok := by[x.Reason]
			if !ok {
				k = len(d.Rejected)
				by[x.Reason] = k
				d.Rejected = append(d.Rejected, rejectionsDoc{Rule: x.Reason, Example: fmt.Sprintf("%s/%d", x.Agent, x.Seq), Detail: x.Detail})
			}
			d.Rejected[k].Count++
		}
		return nil
	})
	if projects, perr := s.DB.Projects(r.Context()); perr != nil {
		return perr
	} else {
		d.Project.Places = placesOf(place.ClonesOf(projects), p)
		for _, o := range place.Copies(projects, p) {
			d.Copies = append(d.Copies, copyDoc{o.Slug, cmp.Or(o.Place.URL, o.Place.Path)})
		}
	}
	slices.SortFunc(d.Rejected, func(a, b rejectionsDoc) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Rule, b.Rule))
	})
	if err != nil {
		d.Project.Trouble = unread(p, err)
	}
	return s.render(r, "health", "Health of "+p.Slug, d, "p:"+p.ID)
}

// copyDoc is a project whose hub is a copy of another one's, or the original of it.
type copyDoc struct {
	Slug string `json:"slug"`
	URL  string `json:"url"`
}

type backlogDoc struct {
	N      int     `json:"count"`
	Oldest instant `json:"oldest"`
}

type rejectionsDoc struct {
	Rule    string `json:"rule"`
	Count   int    `json:"count"`
	Example string `json:"example"`
	Detail  string `json:"detail"`
}

type trustDoc struct {
	Agent    string         `json:"agent"`
	Who      person         `json:"-"`
	LastSign instant        `json:"last_sign"`
	Forked   bool           `json:"forked"`
	Retired  bool           `json:"retired"`
	Ended    string         `json:"ended"`
	Marks    map[string]int `json:"marks"`
}
