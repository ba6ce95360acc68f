package hubs

import (
	"reflect"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/note"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/syncer"
)

// maxPace bounds the size of the file that is read; no program writes that much.
const maxPace = 64 << 10

// Pace is the file that stores how the pushes to a hub are paced.
type Pace struct {
	path string
	now  func() time.Time
	url  string // of the hub; "" if there is none
}

// pace is the content of the file.
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

// Read returns the pace at this time. A file that cannot be read, or belongs to another
// hub, counts as missing.
func (p Pace) Read() syncer.Pace {
	var n pace
	if note.Read(p.path, maxPace, &n) != nil || p.url != "" && n.Hub != p.url {
		n = pace{}
	}
	return n.AsOf(p.now())
}

// Keep stores the pace. A failure to store it does not prevent a push.
func (p Pace) Keep(now syncer.Pace) {
	if !reflect.DeepEqual(now, p.Read()) {
		_ = note.Write(p.path, pace{p.url, now})
	}
}

// Limits are the limits that the user has set (crosslink.pushesPerMinute), or that a known
// forge recommends.
func (h *Hub) Limits(perMinute int, set bool) syncer.Limits {
	switch {
	case set:
		return syncer.Limits{Set: true, PerMinute: perMinute}
	case h == nil || h.Self:
		return syncer.Limits{Never: true}
	}
	return syncer.Limits{PerMinute: h.Limit(), Never: refs.IsLocal(h.PushTarget())}
}
