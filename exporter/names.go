package exporter

import (
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
)

// name is what another system calls an issue: its number, else its uuid. The
// issue may be one that is not exported.
func (x *export) name(u event.UUID, numbers map[event.UUID]uint64) string {
	n, known := numbers[u]
	if !known {
		if i, err := x.Issue(u); err == nil {
			n = i.Number
		}
		numbers[u] = n
	}
	if n > 0 {
		return strconv.FormatUint(n, 10)
	}
	return u.String()
}

func (x *export) numbers() map[event.UUID]uint64 {
	all := map[event.UUID]uint64{}
	for _, r := range x.rows {
		all[r.UUID] = r.Number
	}
	return all
}

// plain keeps a name from being read as markup or as a mention.
func plain(name string) string {
	return "`" + strings.ReplaceAll(oneLine(name), "`", "'") + "`"
}

func (x *export) list(what string, us []event.UUID, numbers map[event.UUID]uint64) string {
	if len(us) == 0 {
		return ""
	}
	names := make([]string, len(us))
	for n, u := range us {
		names[n] = x.name(u, numbers)
	}
	return what + ": " + strings.Join(names, ", ")
}
