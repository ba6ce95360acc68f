package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/draw"
	"github.com/git-crosslink/git-crosslink/dashboard/place"
	"github.com/git-crosslink/git-crosslink/event"
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
		Fetches   []fetchDoc      `json:"fetches"` // the last ones, oldest first
		Strip     fetchStrip      `json:"-"`
		Pushes    *pushesDoc      `json:"pushes"` // null: their number is not limited
		Copies    []copyDoc       `json:"copies"` // projects whose hub has the same id at another URL
	}{Project: s.docOf(r, p), URL: p.Place.URL, Fetched: instant(max(p.FetchedAt, h.FetchedAt)), Manual: h.Manual, Failures: p.Failures, Error: p.FetchError, Undecided: backlogDoc{h.Undecided.N, instant(h.Undecided.Oldest)},
		Unsent: backlogDoc{h.Unsent.N, instant(h.Unsent.Oldest)}, Sequence: h.Sequence, BadSteps: h.BadSteps, Lost: h.Lost, OtherHub: h.OtherHub, Signing: h.Signing, Level: h.Level,
		Rejected: []rejectionsDoc{}, Agents: []trustDoc{}, Copies: []copyDoc{}}
	if d.Fetches, err = s.fetches(r, p); err != nil {
		return err
	}
	d.Strip = stripOf(d.Fetches)
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
		left, err := v.Pushes(r.Context())
		if err == nil && left != nil {
			d.Pushes = &pushesDoc{left.Limit, left.Seconds, left.Left, left.Shared, 0, left.Why}
			if !left.Until.IsZero() {
				d.Pushes.Until = instant(event.TimeOf(left.Until))
			}
		}
		return err
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

// fetches are the last fetches of a project.
func (s *Server) fetches(r *request, p db.Project) ([]fetchDoc, error) {
	all, err := s.DB.Fetches(r.Context(), p.ID)
	docs := []fetchDoc{}
	for _, f := range all {
		docs = append(docs, fetchDoc{instant(f.At), f.Took.Milliseconds(), f.Error})
	}
	return docs, err
}

// fetchDoc is a fetch that has ended.
type fetchDoc struct {
	At    instant `json:"at"`
	Took  int64   `json:"took_ms"`
	Error string  `json:"error"`
}

// Long is how long the fetch took, in one unit.
func (f fetchDoc) Long() string {
	if f.Took < 1000 {
		return fmt.Sprintf("%d ms", f.Took)
	}
	return fmt.Sprintf("%.1f s", float64(f.Took)/1000)
}

// fetchStrip is what a page shows of fetches: a bar for each, and two of them.
type fetchStrip struct {
	Bars            []fetchBar
	Median, Slowest fetchDoc
	Failed          int
}

type fetchBar struct {
	draw.Bar
	fetchDoc
}

// stripOf draws fetches.
func stripOf(all []fetchDoc) (s fetchStrip) {
	if len(all) == 0 {
		return s
	}
	var took []int
	for _, f := range all {
		took = append(took, int(max(f.Took, 1))) // a bar is drawn for each
		if f.Error != "" {
			s.Failed++
		}
	}
	for k, b := range draw.Bars(took, 6, 32) {
		s.Bars = append(s.Bars, fetchBar{b, all[k]})
	}
	sorted := slices.SortedStableFunc(slices.Values(all), func(a, b fetchDoc) int { return cmp.Compare(a.Took, b.Took) })
	s.Median, s.Slowest = sorted[(len(sorted)-1)/2], sorted[len(sorted)-1]
	return s
}

// pushesDoc is how many pushes to the hub its limit still allows.
type pushesDoc struct {
	Limit   int     `json:"limit"` // 0: there is no limit, but the clone does not contact the hub now
	Seconds int     `json:"seconds"`
	Left    int     `json:"left"`
	Shared  uint64  `json:"hub_per_minute"` // that all clones share; 0: the limit is not a share
	Until   instant `json:"busy_until"`
	Why     string  `json:"why"`
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
