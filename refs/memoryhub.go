package refs

import (
	"context"
	"errors"
	"strings"
	"sync"
)

// MemoryHub is a hub in memory: the twin of a bare repository that is reached
// by `git fetch` and `git push`, with the faults that a simulation needs.
// Faults may be changed between calls; they are read under the hub's lock.
type MemoryHub struct {
	*Memory // what the hub holds

	mu    sync.Mutex
	fault HubFaults
}

// HubFaults are ways in which a hub can fail its users.
type HubFaults struct {
	Down       bool // not reached
	ReadOnly   bool // fetch works, push says nothing
	NoAtomic   bool // an atomic push says nothing
	LoseAnswer bool // a push is applied and the answer is lost
	// Decline is a rule of the server: not "" is the reason of the refusal.
	Decline func(ref string, old, new OID) string
	// BeforeReceive runs between the hub's advertisement and its decision: a
	// push of somebody else at that moment wins the race.
	BeforeReceive func()
}

// NewMemoryHub returns an empty hub.
func NewMemoryHub(f Format) *MemoryHub { return &MemoryHub{Memory: NewMemory(f)} }

// Set replaces the hub's faults.
func (h *MemoryHub) Set(f HubFaults) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fault = f
}

func (h *MemoryHub) faults() HubFaults {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.fault
}

// Remote connects a repository to the hub.
func (h *MemoryHub) Remote(local *Memory) Remote { return &memoryRemote{hub: h, local: local} }

type memoryRemote struct {
	hub   *MemoryHub
	local *Memory
}

func (m *Memory) snapshot() (objects map[OID]Object, refs map[string]OID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	objects, refs = make(map[OID]Object, len(m.objects)), make(map[string]OID, len(m.refs))
	for id, o := range m.objects {
		objects[id] = o
	}
	for name, id := range m.refs {
		refs[name] = id
	}
	return objects, refs
}

// Fetch implements Remote.
func (r *memoryRemote) Fetch(ctx context.Context) error {
	if ctx.Err() != nil {
		return &RemoteError{NoConnection: true, Err: context.Cause(ctx)}
	}
	if r.hub.faults().Down {
		return &RemoteError{NoConnection: true, Err: errors.New("the hub is down")}
	}
	theirs, adv := r.hub.snapshot()
	r.local.mu.Lock()
	defer r.local.mu.Unlock()
	got := make(map[OID]Object)
	incoming := make(map[string]OID)
	for name, id := range adv {
		here := IncomingPrefix
		rest, ok := strings.CutPrefix(name, HubPrefix)
		if !ok {
			here = PresenceHere
			if rest, ok = strings.CutPrefix(name, HubPresence); !ok {
				continue
			}
		}
		if err := closure(r.local.form, theirs, r.local.objects, id, got); err != nil {
			return &RemoteError{NoConnection: true, Err: err} // upload-pack dies
		}
		incoming[here+rest] = id
	}
	for id, o := range got {
		r.local.objects[id] = o
	}
	for name := range r.local.refs {
		if strings.HasPrefix(name, IncomingPrefix) || strings.HasPrefix(name, PresenceHere) {
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
func (r *memoryRemote) Push(ctx context.Context, p Push) (*PushResult, error) {
	if _, err := pushArgs(r.local.form, p); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	faults := r.hub.faults()
	silent := &PushResult{Refs: map[string]RefStatus{}, Exit: 128, Stderr: "fatal: the hub says nothing\n"}
	if faults.Down || faults.ReadOnly || p.Atomic && faults.NoAtomic {
		return silent, nil
	}
	_, adv := r.hub.snapshot()
	ours, _ := r.local.snapshot()
	res := &PushResult{Reached: true, Refs: make(map[string]RefStatus)}
	refuse := func(dst, who, why string) {
		res.Refs[dst] = RefStatus{Flag: '!', Summary: who, Reason: why}
		res.Exit = 1
	}
	const here, there = "[rejected]", "[remote rejected]"

	// Here: leases and fast-forwards.
	var send []PushRef
	for _, u := range p.Refs {
		old := adv[u.Dst]
		_, known := ours[old]
		switch {
		case u.Src == old:
			res.Refs[u.Dst] = RefStatus{Flag: '=', Summary: "[up to date]"}
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
	h := r.hub.Memory
	h.mu.Lock()
	defer h.mu.Unlock()
	pack := make(map[OID]Object)
	var ups []Update
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
		ups = append(ups, Update{Ref: u.Dst, Old: adv[u.Dst], New: u.Src})
	}
	groups := [][]Update{ups}
	lost := "atomic transaction failed"
	if p.Atomic && declined {
		for _, u := range ups {
			refuse(u.Ref, there, "atomic push failure")
		}
		groups = nil
	} else if !p.Atomic {
		groups, lost = nil, "failed to update ref"
		for _, u := range ups {
			groups = append(groups, []Update{u})
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
				res.Refs[u.Ref] = RefStatus{Flag: '*', Summary: "[new branch]"}
			case u.New == "":
				res.Refs[u.Ref] = RefStatus{Flag: '-', Summary: "[deleted]"}
			case isAncestor(h.form, h.objects, u.Old, u.New):
				res.Refs[u.Ref] = RefStatus{Flag: ' ', Summary: string(u.Old[:7] + ".." + u.New[:7])}
			default:
				res.Refs[u.Ref] = RefStatus{Flag: '+', Summary: string(u.Old[:7] + "..." + u.New[:7]), Reason: "forced update"}
			}
		}
	}
	if faults.LoseAnswer {
		return silent, nil
	}
	return res, nil
}
