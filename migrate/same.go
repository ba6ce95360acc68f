package migrate

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

// View is what a hub shows.
type View interface {
	List(f store.Filter) (rows []*store.Issue, total int, err error)
	Issue(u event.UUID) (*store.Issue, error)
	Milestones() ([]*reducer.Milestone, error)
}

// Shown is the content of a view, with each issue and milestone as canonical text.
type Shown struct {
	Issues, Comments, Numbers int

	ids  []event.UUID
	text map[event.UUID][]byte
}

// Show reads the content of a view, except locks, which are not migrated. settled has the
// numbers to show for issues in place of their own.
func Show(view View, settled []Settled) (*Shown, error) {
	s := &Shown{text: map[event.UUID][]byte{}}
	rows, _, err := view.List(store.Filter{Status: "all"})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		i, err := view.Issue(row.UUID)
		if err != nil {
			return nil, err
		}
		x := *i
		x.Lock, x.Queue = nil, nil
		for _, n := range settled {
			if n.Issue == x.UUID {
				x.Number = n.Is
			}
		}
		s.Issues, s.Comments = s.Issues+1, s.Comments+len(x.Comments)
		if x.Number != 0 {
			s.Numbers++
		}
		if err := s.put(x.UUID, x); err != nil {
			return nil, err
		}
	}
	milestones, err := view.Milestones()
	if err != nil {
		return nil, err
	}
	for _, m := range milestones {
		if err := s.put(m.UUID, m); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(s.ids, func(a, b event.UUID) int { return bytes.Compare(a[:], b[:]) })
	return s, nil
}

func (s *Shown) put(u event.UUID, x any) error {
	b, err := json.Marshal(x)
	s.ids, s.text[u] = append(s.ids, u), append(s.text[u], b...)
	return err
}

// Hash returns the same value for views with the same content.
func (s *Shown) Hash() string {
	h := sha256.New()
	for _, u := range s.ids {
		h.Write(append(s.text[u], '\n'))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// Differs describes the first difference from another view; "" if there is none.
func (s *Shown) Differs(o *Shown) string {
	for _, u := range slices.Concat(s.ids, o.ids) {
		if !bytes.Equal(s.text[u], o.text[u]) {
			return fmt.Sprintf("%s is %.300s, and was %.300s", u, o.text[u], s.text[u])
		}
	}
	return ""
}
