package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
)

// Alias is an issue whose number the hub assigned and lost, and which now has another
// number.
type Alias struct {
	Was    uint64 `json:"was"`
	Number uint64 `json:"number"`
	UUID   string `json:"uuid"`
	Short  string `json:"short"`
	Title  string `json:"title"`
	Status string `json:"status"`
	Reused bool   `json:"reused"` // the lost number means another issue now
}

// String describes the change of number, for a notice and for status.
func (a Alias) String() string {
	text := fmt.Sprintf("%d '%s' was issue %d until the hub lost that number", a.Number, a.Title, a.Was)
	if a.Reused {
		text += fmt.Sprintf("; %d is now another issue", a.Was)
	}
	return text
}

// Numbered is what Renumbered needs of a projection.
type Numbered interface {
	Aliases() map[uint64]uint64
	Resolve(id string) (event.UUID, error)
	Row(event.UUID) (*Issue, error)
}

// Renumbered returns the issues whose number a hub lost, by the lost number, without
// deleted issues.
func Renumbered(p Numbered) []Alias {
	list := []Alias{}
	now := p.Aliases()
	for _, was := range slices.Sorted(maps.Keys(now)) {
		u, err := p.Resolve(fmt.Sprint(now[was]))
		if err != nil {
			continue
		}
		row, err := p.Row(u)
		if err != nil {
			continue
		}
		other, err := p.Resolve(fmt.Sprint(was))
		gone := (*NotFoundError)(nil)
		list = append(list, Alias{was, now[was], u.String(), row.Short, row.Title, string(row.Status),
			err == nil && other != u || errors.As(err, &gone) && gone.Deleted != ""})
	}
	return list
}
