package memory

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/git-crosslink/git-crosslink/refs"
)

// Hub is a hub in memory: the twin of a bare repository that is reached
// by `git fetch` and `git push`, with the faults that a simulation needs.
// Faults may be changed between calls; they are read under the hub's lock.
type Hub struct {
	*Local // what the hub holds

	mu    sync.Mutex
	fault Faults
}

// Faults are ways in which a hub can fail its users.
type Faults struct {
	Down       bool // not reached
	ReadOnly   bool // fetch works, push says nothing
	NoAtomic   bool // an atomic push says nothing
	LoseAnswer bool // a push is applied and the answer is lost
	// Decline is a rule of the server: not "" is the reason of the refusal.
	Decline func(ref string, old, new refs.OID) string
	// BeforeReceive runs between the hub's advertisement and its decision: a
	// push of somebody else at that moment wins the race.
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

func (m *Local) snapshot() (objects map[refs.OID]refs.Object, tips map[string]refs.OID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	objects, tips = make(map[refs.OID]refs.Object, len(m.objects)), make(map[string]refs.OID, len(m.refs))
	for id, o := range m.objects {
		objects[id] = o
	}
	for name, id := range m.refs {
		tips[name] = id
	}
	return objects, tips
}

// Fetch implements Remote.
func (r *remote) Fetch(ctx context.Context) error {
	if ctx.Err() != nil {
		return &refs.RemoteError{NoConnection: true, Err: context.Cause(ctx)}
	}
	if r.hub.faults().Down {
		return &refs.RemoteError{NoConnection: true, Err: errors.New("the hub is down")}
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

// Push implements Remote. It decides as git does: first here, from what the
// hub advertised, then there.
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
	res := &refs.PushResult{Reached: true, Refs: make(map[string]refs.RefStatus)}
	refuse := func(dst, who, why string) {
		res.Refs[dst] = refs.RefStatus{Flag: '!', Summary: who, Reason: why}
		res.Exit = 1
	}
	const here, there = "[rejected]", "[remote rejected]"

	// Here: leases and fast-forwards.
	var send []refs.PushRef
	for _, u := range p.Refs {
		old := adv[u.Dst]
		_, known := ours[old]
		switch {
		case u.Src == old:
			res.Refs[u.Dst] = refs.RefStatus{Flag: '=', Summary: "[up to date]"}
			continue
		case u.Lease != nil && *u.Lease != old:
			refuse(u.Dst, here, "stale info")
			continue
		case u.Lease != nil, u.Force, u.Src == "", old == "":
		case !known:
			refuse(u.Dst, here, "fetch first")
			continue
		case !isAncestor(r.local.form, ours, old, u.Src):
			refuse(u.Dst, here, "non-fast-forward")
			continue
		}
		send = append(send, u)
	}
	if p.Atomic && res.Exit != 0 {
		for _, u := range send {
			refuse(u.Dst, here, "atomic push failed")
		}
		send = nil
	}
	if len(send) == 0 {
		return res, nil
	}
	if faults.BeforeReceive != nil {
		faults.BeforeReceive()
	}

	// There: objects, rules, compare-and-swap.
	h := r.hub.Local
	h.mu.Lock()
	defer h.mu.Unlock()
	pack := make(map[refs.OID]refs.Object)
	var ups []refs.Update
	for _, u := range send {
		if u.Src != "" {
			if closure(h.form, ours, h.objects, u.Src, pack) != nil {
				return silent, nil // pack-objects dies
			}
		}
	}
	declined := false
	for _, u := range send {
		if faults.Decline != nil {
			if why := faults.Decline(u.Dst, adv[u.Dst], u.Src); why != "" {
				refuse(u.Dst, there, why)
				declined = true
				continue
			}
		}
		ups = append(ups, refs.Update{Ref: u.Dst, Old: adv[u.Dst], New: u.Src})
	}
	groups := [][]refs.Update{ups}
	lost := "atomic transaction failed"
	if p.Atomic && declined {
		for _, u := range ups {
			refuse(u.Ref, there, "atomic push failure")
		}
		groups = nil
	} else if !p.Atomic {
		groups, lost = nil, "failed to update ref"
		for _, u := range ups {
			groups = append(groups, []refs.Update{u})
		}
	}
	for id, o := range pack {
		h.objects[id] = o
	}
	for _, g := range groups {
		err := h.swap(g)
		for _, u := range g {
			switch {
			case err != nil:
				refuse(u.Ref, there, lost)
			case u.Old == "":
				res.Refs[u.Ref] = refs.RefStatus{Flag: '*', Summary: "[new branch]"}
			case u.New == "":
				res.Refs[u.Ref] = refs.RefStatus{Flag: '-', Summary: "[deleted]"}
			case isAncestor(h.form, h.objects, u.Old, u.New):
				res.Refs[u.Ref] = refs.RefStatus{Flag: ' ', Summary: string(u.Old[:7] + ".." + u.New[:7])}
			default:
				res.Refs[u.Ref] = refs.RefStatus{Flag: '+', Summary: string(u.Old[:7] + "..." + u.New[:7]), Reason: "forced update"}
			}
		}
	}
	if faults.LoseAnswer {
		return silent, nil
	}
	return res, nil
}

// Heads implements Remote.
func (r *remote) Heads(ctx context.Context) (map[string]refs.OID, error) {
	_, all := r.hub.snapshot()
	tips := map[string]refs.OID{}
	for name, oid := range all {
		if strings.HasPrefix(name, "refs/heads/") {
			tips[name] = oid
		}
	}
	return tips, nil
}
