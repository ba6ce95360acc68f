package memory

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
)

// Network has the hubs that clones can reach, by URL.
type Network struct {
	mu   sync.Mutex
	hubs map[string]*Hub
}

// Put makes a hub reachable at a URL; nil removes the URL.
func (n *Network) Put(url string, h *Hub) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hubs == nil {
		n.hubs = make(map[string]*Hub)
	}
	n.hubs[url] = h
}

func (n *Network) at(url string) *Hub {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.hubs[url]
}

// Clone is a user's repository with its replica, and corresponds to git.Outer and
// git.Replica. Objects and refs are in memory. The directories are real, because a tracker
// keeps files beside the replica. Clone has a configuration and no branches of the user.
type Clone struct {
	place refs.Place
	net   *Network

	mu    sync.Mutex
	conf  refs.Config
	local *Local                   // nil until the replica is created
	locks map[string]chan struct{} // a channel has a token while its lock is free
}

var (
	_ refs.Outer   = (*Clone)(nil)
	_ refs.Stamper = (*Clone)(nil)
	_ refs.Replica = (*replica)(nil)
)

// NewClone makes a clone whose worktree is dir.
func NewClone(dir string, f refs.Format, net *Network, conf refs.Config) (*Clone, error) {
	gitDir := filepath.Join(dir, ".git")
	c := &Clone{place: refs.Place{GitDir: gitDir, CommonDir: gitDir, Worktree: dir, Top: dir, Format: f},
		net: net, conf: conf, locks: make(map[string]chan struct{})}
	for _, name := range []string{"objects", "refs"} {
		if err := os.MkdirAll(filepath.Join(gitDir, name), 0o777); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Config returns the current configuration.
func (c *Clone) Config(context.Context) (refs.Config, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.conf), nil
}

// Survey is how a tracker finds the clone, whatever the directory.
func (c *Clone) Survey(ctx context.Context, _ string, _ []string) (refs.Outer, refs.Config, error) {
	conf, err := c.Config(ctx)
	return c, conf, err
}

// Where implements refs.Outer.
func (c *Clone) Where() refs.Place { return c.place }

// SetConfig implements refs.Outer.
func (c *Clone) SetConfig(_ context.Context, key, value string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	set := refs.Setting{Scope: "local", Key: refs.ConfigKey(key), Value: value}
	c.conf = append(slices.DeleteFunc(slices.Clone(c.conf), func(s refs.Setting) bool { return s.Scope == set.Scope && s.Key == set.Key }), set)
	return nil
}

// UnsetConfig removes a value from the repository's own configuration.
func (c *Clone) UnsetConfig(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key = refs.ConfigKey(key)
	c.conf = slices.DeleteFunc(slices.Clone(c.conf), func(s refs.Setting) bool { return s.Scope == "local" && s.Key == key })
}

// HasRef implements refs.Outer: the user has no refs.
func (c *Clone) HasRef(context.Context, string) bool { return false }

// LastFetch implements refs.Outer: the user never fetched.
func (c *Clone) LastFetch() time.Time { return time.Time{} }

// Stamp implements refs.Stamper.
func (c *Clone) Stamp(string) string {
	c.mu.Lock()
	local := c.local
	c.mu.Unlock()
	if local == nil {
		return "no replica"
	}
	all, _ := local.Refs(context.Background(), "refs/") // memory does not fail
	return fmt.Sprint(all)
}

// Copies implements refs.Outer: the user never fetched.
func (c *Clone) Copies(context.Context, refs.Config, []string) (map[string]map[string]refs.OID, error) {
	return nil, nil
}

// File implements refs.Outer: the user has no objects.
func (c *Clone) File(_ context.Context, commit refs.OID, _ string, _ int) ([]byte, error) {
	return nil, fmt.Errorf("object '%s': %w", commit, refs.ErrMissing)
}

// OpenReplica implements refs.Outer.
func (c *Clone) OpenReplica(ctx context.Context, create bool) (refs.Replica, []string, error) {
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.local == nil && !create {
		return nil, nil, refs.ErrNoReplica
	}
	r := &replica{clone: c}
	if c.local == nil {
		if err := os.MkdirAll(r.Path(), 0o777); err != nil {
			return nil, nil, err
		}
		c.local = New(c.place.Format)
	}
	r.local = c.local.Again()
	return r, nil, nil
}

// OpenWhole implements refs.Outer.
func (c *Clone) OpenWhole() (refs.Replica, error) {
	r, _, err := c.OpenReplica(context.Background(), false)
	if err == nil && !r.Whole() {
		err = refs.ErrNoReplica
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// lock returns the channel of a named lock.
func (c *Clone) lock(name string) chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.locks[name] == nil {
		c.locks[name] = make(chan struct{}, 1)
		c.locks[name] <- struct{}{}
	}
	return c.locks[name]
}

// replica is one process's handle on a clone's replica.
type replica struct {
	clone *Clone
	local *Local
}

// Local implements refs.Replica.
func (r *replica) Local() refs.Local { return r.local }

// Remote implements refs.Replica.
func (r *replica) Remote(a refs.Address) refs.Remote { return &link{replica: r, to: a} }

// Lock implements refs.Replica.
func (r *replica) Lock(ctx context.Context, name string, wait time.Duration) (unlock func(), ok bool, err error) {
	if err := refs.CheckLockName(name); err != nil {
		return nil, false, err
	}
	token := r.clone.lock(name)
	free := sync.OnceFunc(func() { token <- struct{}{} })
	select {
	case <-token:
		return free, true, nil
	default:
	}
	if wait <= 0 {
		return nil, false, nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-token:
		return free, true, nil
	case <-timer.C:
		return nil, false, nil
	case <-ctx.Done():
		return nil, false, context.Cause(ctx)
	}
}

// Path implements refs.Replica.
func (r *replica) Path() string {
	return filepath.Join(r.clone.place.CommonDir, "crosslink", "replica.git")
}

// Whole implements refs.Replica.
func (r *replica) Whole() bool {
	for _, dir := range []string{r.Path(), filepath.Join(r.clone.place.CommonDir, "objects"), filepath.Join(r.clone.place.CommonDir, "refs")} {
		if _, err := os.Stat(dir); err != nil {
			return false
		}
	}
	return true
}

// TakeOver implements refs.Replica: the user never fetched.
func (r *replica) TakeOver(context.Context, string, refs.Config) (moved bool, err error) {
	return false, nil
}

// Close implements refs.Replica.
func (r *replica) Close() error { return r.local.Close() }

// link is the connection to the hub at an address; each call looks the address up.
type link struct {
	replica *replica
	to      refs.Address
}

// hub finds the hub to fetch from or, with push, to push to.
func (l *link) hub(push bool) (refs.Remote, error) {
	url := l.to.URL
	if l.to.Name != "" {
		url = l.to.Config.FetchURL(l.to.Name)
		if push {
			url = l.to.Config.PushURL(l.to.Name)
		}
		if url == "" {
			return nil, fmt.Errorf("%w: '%s'", refs.ErrNoRemote, l.to.Name)
		}
	}
	h := l.replica.clone.net.at(url)
	if h == nil {
		h = nowhere
	}
	return h.Remote(l.replica.local), nil
}

// nowhere is the hub at a URL without a hub.
var nowhere = &Hub{fault: Faults{Down: true}}

// Fetch implements refs.Remote.
func (l *link) Fetch(ctx context.Context) error {
	h, err := l.hub(false)
	if err != nil {
		return &refs.RemoteError{Err: err}
	}
	return h.Fetch(ctx)
}

// Push implements refs.Remote.
func (l *link) Push(ctx context.Context, p refs.Push) (*refs.PushResult, error) {
	h, err := l.hub(true)
	if err != nil {
		return nil, err
	}
	return h.Push(ctx, p)
}

// Heads implements refs.Remote.
func (l *link) Heads(ctx context.Context) (map[string]refs.OID, error) {
	h, err := l.hub(false)
	if err != nil {
		return nil, &refs.RemoteError{Err: err}
	}
	return h.Heads(ctx)
}

// Receiving implements refs.Remote: nothing takes time.
func (l *link) Receiving() string { return "" }
