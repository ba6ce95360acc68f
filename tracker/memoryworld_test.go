package tracker_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/refs/memory"
)

// Worlds in memory start no git. The helpers here work in both kinds of world,
// so a test chooses by the function that makes its world.

// newMemoryWorld is a world whose hub, clones and replicas are in memory: for
// tests whose subject is not git. CROSSLINK_WORLD=git, and a nightly run, make it
// of git's repositories like any other.
func newMemoryWorld(t *testing.T) *world {
	t.Helper()
	if os.Getenv("CROSSLINK_WORLD") == "git" || os.Getenv("CROSSLINK_NIGHTLY") == "1" {
		return newWorld(t)
	}
	return memoryOnly(t)
}

// memoryOnly is a world in memory in any case: for tests of a hub's faults.
func memoryOnly(t *testing.T) *world {
	t.Helper()
	w := emptyWorld(t)
	w.memory = memory.NewHub(refs.SHA1)
	w.net.Put(w.hub, w.memory)
	first, err := refs.WriteCommit(context.Background(), w.memory, nil, nil, refs.CommitInfo{Author: "T", When: time.Now(), Message: "first"})
	if err != nil {
		t.Fatal(err)
	}
	w.move("refs/heads/main", first)
	return w
}

// repo is the hub's own objects and refs.
func (w *world) repo() refs.Local {
	w.t.Helper()
	if w.memory != nil {
		return w.memory
	}
	repo := git.NewPlumbing(w.hub, w.hub, refs.SHA1, w.env)
	w.t.Cleanup(func() { repo.Close() })
	return repo
}

const branches = "refs/heads/crosslink/"

// tips are the hub's refs below a prefix.
func (w *world) tips(prefix string) map[string]refs.OID {
	w.t.Helper()
	return tipsOf(w.t, w.repo(), prefix)
}

func tipsOf(t *testing.T, l refs.Local, prefix string) map[string]refs.OID {
	t.Helper()
	all, err := l.Refs(context.Background(), prefix)
	if err != nil {
		t.Fatal(err)
	}
	tips := map[string]refs.OID{}
	for _, r := range all {
		tips[r.Name] = r.OID
	}
	return tips
}

// tip is a ref of the hub; "" if it is not there.
func (w *world) tip(name string) refs.OID {
	w.t.Helper()
	return w.tips(name)[name]
}

// move makes a ref of the hub what it is to be, "" for absent, as its owner can.
func (w *world) move(name string, to refs.OID) {
	w.t.Helper()
	if err := w.repo().Swap(context.Background(), []refs.Update{{Ref: name, Old: w.tip(name), New: to}}); err != nil {
		w.t.Fatal(err)
	}
}

// restore sets the hub's refs back to what a backup holds.
func (w *world) restore(backup map[string]refs.OID) {
	w.t.Helper()
	for name, tip := range backup {
		w.move(name, tip)
	}
}

// parent is the first parent of a commit on the hub.
func (w *world) parent(id refs.OID) refs.OID {
	w.t.Helper()
	head, err := refs.ReadHead(context.Background(), w.repo(), id)
	if err != nil || len(head.Parents) == 0 {
		w.t.Fatal(id, err)
	}
	return head.Parents[0]
}

// noAtomic takes from the hub that it can push atomically.
func (w *world) noAtomic() {
	w.t.Helper()
	if w.memory != nil {
		w.memory.Set(memory.Faults{NoAtomic: true})
	} else {
		w.git(w.hub, "config", "receive.advertiseAtomic", "false")
	}
}

// hubLines are the lines of an agent's log on the hub.
func (w *world) hubLines(agent string) [][]byte {
	w.t.Helper()
	repo, name := w.repo(), branches+"agents/"+agent
	log, err := refs.ReadLog(context.Background(), repo, agent, tipsOf(w.t, repo, name)[name], 1)
	if err != nil || log.Bad != "" {
		w.t.Fatal(log.Bad, err)
	}
	return log.Lines
}

// survey is how a tracker finds the clone: nil, for git, or in memory.
func (c *clone) survey() func(context.Context, string, []string) (refs.Outer, refs.Config, error) {
	if c.memory == nil {
		return nil
	}
	return c.memory.Survey
}

// set sets a value in the clone's configuration.
func (c *clone) set(key, value string) {
	c.w.t.Helper()
	if c.memory == nil {
		c.w.git(c.dir, "config", key, value)
	} else if err := c.memory.SetConfig(context.Background(), key, value); err != nil {
		c.w.t.Fatal(err)
	}
}

// unset removes a value from it.
func (c *clone) unset(key string) {
	c.w.t.Helper()
	if c.memory == nil {
		c.w.git(c.dir, "config", "--unset", key)
	} else {
		c.memory.UnsetConfig(key)
	}
}

// forgetRemote removes the remote.
func (c *clone) forgetRemote() {
	c.w.t.Helper()
	if c.memory == nil {
		c.w.git(c.dir, "remote", "remove", "origin")
	} else {
		c.memory.UnsetConfig("remote.origin.url")
	}
}

// addRemote names a hub.
func (c *clone) addRemote(name, url string) {
	c.w.t.Helper()
	if c.memory == nil {
		c.w.git(c.dir, "remote", "add", name, url)
	} else {
		c.set("remote."+name+".url", url)
	}
}

// outer is the clone's repository, and its configuration.
func (c *clone) outer() (refs.Outer, refs.Config) {
	c.w.t.Helper()
	var o refs.Outer
	var cfg refs.Config
	var err error
	if c.memory != nil {
		o, cfg, err = c.memory.Survey(context.Background(), c.dir, nil)
	} else {
		o, cfg, err = git.Survey(context.Background(), c.dir, c.w.env)
	}
	if err != nil {
		c.w.t.Fatal(err)
	}
	return o, cfg
}

// pushLog pushes the own log as it is, without a step of the ledger.
func (c *clone) pushLog() {
	c.w.t.Helper()
	o, _ := c.outer()
	r, _, err := o.OpenReplica(context.Background(), false)
	if err != nil {
		c.w.t.Fatal(err)
	}
	defer r.Close()
	name := branches + "agents/" + c.name
	p := refs.Push{Refs: []refs.PushRef{{Src: tipsOf(c.w.t, r.Local(), name)[name], Dst: name}}}
	res, err := r.Remote(refs.Address{URL: c.w.hub}).Push(context.Background(), p)
	if err != nil || !res.Refs[name].Accepted() {
		c.w.t.Fatal(res, err)
	}
}
