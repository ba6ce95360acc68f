package memory

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"

	"github.com/git-crosslink/git-crosslink/refs"
)

// Hub is a hub in memory, and corresponds to a bare repository that `git fetch` and `git
// push` reach, with the faults that a simulation needs. Faults may be changed between
// calls; they are read under the hub's lock.
type Hub struct {
	*Local // the hub's objects and refs

	mu    sync.Mutex
	fault Faults
}

// Faults are ways in which a hub can fail its users.
type Faults struct {
	Down       bool // cannot be reached
	ReadOnly   bool // fetch works, push gets no answer
	NoAtomic   bool // an atomic push gets no answer
	LoseAnswer bool // a push is applied and the answer is lost
	// Decline is a rule of the server: a result other than "" refuses the ref for this
	// reason.
	Decline func(ref string, old, new refs.OID) string
	// BeforeReceive runs between the hub's advertisement and its decision: another clone's
	// push at that moment wins the race.
	BeforeReceive func()
}

// NewHub returns an empty hub.
func NewHub(f refs.Format) *Hub { return &Hub{Local: New(f)} }

// Set replaces the hub's faults.
func (h *Hub) Set(f Faults) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fault = f
}

func (h *Hub) faults() Faults {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.fault
}

// Remote connects a repository to the hub.
func (h *Hub) Remote(local *Local) refs.Remote { return &remote{hub: h, local: local} }

type remote struct {
	hub   *Hub
	local *Local
}

var errDown = errors.New("the hub is down")

// Fetch implements Remote.
func (r *remote) Fetch(ctx context.Context) error {
	if ctx.Err() != nil {
		return &refs.RemoteError{NoConnection: true, Err: context.Cause(ctx)}
	}
	if r.hub.faults().Down {
		return &refs.RemoteError{NoConnection: true, Err: errDown}
	}
	theirs, adv := r.hub.snapshot()
	r.local.mu.Lock()
	defer r.local.mu.Unlock()
	got := make(map[refs.OID]refs.Object)
	incoming := make(map[string]refs.OID)
	for name, id := range adv {
		here := refs.IncomingPrefix
		rest, ok := strings.CutPrefix(name, refs.HubPrefix)
		if !ok {
			here = refs.PresenceHere
			if rest, ok = strings.CutPrefix(name, refs.HubPresence); !ok {
				continue
			}
		}
		if err := closure(r.local.form, theirs, r.local.objects, id, got); err != nil {
			return &refs.RemoteError{NoConnection: true, Err: err} // upload-pack dies
		}
		incoming[here+rest] = id
	}
	for id, o := range got {
		r.local.objects[id] = o
	}
	for name := range r.local.refs {
		if strings.HasPrefix(name, refs.IncomingPrefix) || strings.HasPrefix(name, refs.PresenceHere) {
			delete(r.local.refs, name)
		}
	}
	for name, id := range incoming {
		r.local.refs[name] = id
	}
	return nil
}

// Push implements Remote. It decides as git does: first on this side, by the refs that the
// hub advertised, then on the hub.
func (r *remote) Push(ctx context.Context, p refs.Push) (*refs.PushResult, error) {
	if err := refs.CheckPush(r.local.form, p); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	faults := r.hub.faults()
	silent := &refs.PushResult{Refs: map[string]refs.RefStatus{}, Exit: 128, Stderr: "fatal: the hub says nothing\n"}
	if faults.Down || faults.ReadOnly || p.Atomic && faults.NoAtomic {
		return silent, nil
	}
	_, adv := r.hub.snapshot()
	ours, _ := r.local.snapshot()
	a := &answer{PushResult: refs.PushResult{Reached: true, Refs: make(map[string]refs.RefStatus), Shown: shown(p, adv)}, atomic: p.Atomic, adv: adv}
	send := a.here(r.local.form, ours, p.Refs)
	if len(send) == 0 {
		return &a.PushResult, nil
	}
	if faults.BeforeReceive != nil {
		faults.BeforeReceive()
	}
	if err := a.there(r.hub.Local, ours, send, faults.Decline); err != nil || faults.LoseAnswer {
		return silent, nil // pack-objects died
	}
	return &a.PushResult, nil
}

// answer is the result of a push.
type answer struct {
	refs.PushResult
	atomic bool
	adv    map[string]refs.OID // the refs that the hub advertised
}

func (a *answer) refuse(dst, who, why string) {
	a.Refs[dst] = refs.RefStatus{Flag: '!', Summary: who, Reason: why}
	a.Exit = 1
}

// here checks leases and fast-forwards, and returns the refs to send.
func (a *answer) here(f refs.Format, ours map[refs.OID]refs.Object, all []refs.PushRef) (send []refs.PushRef) {
	const here = "[rejected]"
	for _, u := range all {
		old := a.adv[u.Dst]
		_, known := ours[old]
		switch {
		case u.Src == old:
			a.Refs[u.Dst] = refs.RefStatus{Flag: '=', Summary: "[up to date]"}
			continue
		case u.Lease != nil && *u.Lease != old:
			a.refuse(u.Dst, here, "stale info")
			continue
		case u.Lease != nil, u.Force, u.Src == "", old == "":
		case !known:
			a.refuse(u.Dst, here, "fetch first")
			continue
		case !isAncestor(f, ours, old, u.Src):
			a.refuse(u.Dst, here, "non-fast-forward")
			continue
		}
		send = append(send, u)
	}
	if a.atomic && a.Exit != 0 {
		for _, u := range send {
			a.refuse(u.Dst, here, "atomic push failed")
		}
		return nil
	}
	return send
}

// there stores the objects, applies the server's rules and swaps.
func (a *answer) there(h *Local, ours map[refs.OID]refs.Object, send []refs.PushRef, decline func(ref string, old, new refs.OID) string) error {
	const there = "[remote rejected]"
	h.mu.Lock()
	defer h.mu.Unlock()
	pack := make(map[refs.OID]refs.Object)
	for _, u := range send {
		if u.Src == "" {
			continue
		}
		if err := closure(h.form, ours, h.objects, u.Src, pack); err != nil {
			return err
		}
	}
	maps.Copy(h.objects, pack)
	var ups []refs.Update
	for _, u := range send {
		if decline != nil {
			if why := decline(u.Dst, a.adv[u.Dst], u.Src); why != "" {
				a.refuse(u.Dst, there, why)
				continue
			}
		}
		ups = append(ups, refs.Update{Ref: u.Dst, Old: a.adv[u.Dst], New: u.Src})
	}
	switch {
	case a.atomic && len(ups) < len(send):
		for _, u := range ups {
			a.refuse(u.Ref, there, "atomic push failure")
		}
	case a.atomic:
		a.swap(h, ups, "atomic transaction failed")
	default:
		for _, u := range ups {
			a.swap(h, []refs.Update{u}, "failed to update ref")
		}
	}
	return nil
}

// swap moves refs of the hub, all or none, and records the result of each.
func (a *answer) swap(h *Local, ups []refs.Update, lost string) {
	err := h.swap(ups)
	for _, u := range ups {
		switch {
		case err != nil:
			a.refuse(u.Ref, "[remote rejected]", lost)
		case u.Old == "":
			a.Refs[u.Ref] = refs.RefStatus{Flag: '*', Summary: "[new branch]"}
		case u.New == "":
			a.Refs[u.Ref] = refs.RefStatus{Flag: '-', Summary: "[deleted]"}
		case isAncestor(h.form, h.objects, u.Old, u.New):
			a.Refs[u.Ref] = refs.RefStatus{Flag: ' ', Summary: string(u.Old[:7] + ".." + u.New[:7])}
		default:
			a.Refs[u.Ref] = refs.RefStatus{Flag: '+', Summary: string(u.Old[:7] + "..." + u.New[:7]), Reason: "forced update"}
		}
	}
}

// Receiving implements Remote: nothing takes time.
func (r *remote) Receiving() string { return "" }

// Heads implements Remote.
func (r *remote) Heads(ctx context.Context) (map[string]refs.OID, error) {
	if ctx.Err() != nil {
		return nil, &refs.RemoteError{NoConnection: true, Err: context.Cause(ctx)}
	}
	if r.hub.faults().Down {
		return nil, &refs.RemoteError{NoConnection: true, Err: errDown}
	}
	_, all := r.hub.snapshot()
	tips := map[string]refs.OID{}
	for name, oid := range all {
		if strings.HasPrefix(name, "refs/heads/") {
			tips[name] = oid
		}
	}
	return tips, nil
}

// shown returns the hub's refs for a push that asks for them.
func shown(p refs.Push, adv map[string]refs.OID) map[string]refs.OID {
	if !p.Show {
		return nil
	}
	all := make(map[string]refs.OID)
	for name, id := range adv {
		if strings.HasPrefix(name, refs.HubPrefix) {
			all[name] = id
		}
	}
	return all
}
