package hubs

import (
	"reflect"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/note"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// maxPace is the largest note of a pace that is read, more than is ever written.
const maxPace = 64 << 10

// Pace is the file that holds how the pushes to a hub are paced.
type Pace struct {
	path string
	now  func() time.Time
	url  string // of the hub; "" if there is none
}

// pace is what the file holds.
type pace struct {
	Hub string `json:"hub,omitempty"` // its URL
	syncer.Pace
}

// PaceOf is the pace of a hub.
func PaceOf(h *Hub, path string, now func() time.Time) Pace {
	p := Pace{path: path, now: now}
	if h != nil {
		p.url = h.Shown()
	}
	return p
}

// Read returns the pace as of now: a note that cannot be read, or is of another
// hub, is none.
func (p Pace) Read() syncer.Pace {
	var n pace
	if note.Read(p.path, maxPace, &n) != nil || p.url != "" && n.Hub != p.url {
		n = pace{}
	}
	return n.AsOf(p.now())
}

// Keep keeps the pace. One that cannot be kept is no reason not to send.
func (p Pace) Keep(now syncer.Pace) {
	if !reflect.DeepEqual(now, p.Read()) {
		_ = note.Write(p.path, pace{p.url, now})
	}
}

// Limits are what the user has set (crosslink.pushesPerMinute), or what a known
// forge advises.
func (h *Hub) Limits(perMinute int, set bool) syncer.Limits {
	switch {
	case set:
		return syncer.Limits{Set: true, PerMinute: perMinute}
	case h == nil || h.Self:
		return syncer.Limits{Never: true}
	}
	return syncer.Limits{PerMinute: h.Limit(), Never: refs.IsLocal(h.PushTarget())}
}
