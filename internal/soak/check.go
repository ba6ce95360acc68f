//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// check checks everything after all faults have ended.
func (w *world) check() {
	if !w.synced() {
		for _, c := range w.clones {
			a, b := c.run(fault{}, "sync"), c.run(fault{}, "status")
			w.truth.violate("'%s' has something unsent or undecided after six rounds of syncs: %s %s %s", c.name, a.doc.Data, a.doc.Err.Message, b.doc.Data)
		}
		return
	}
	for _, c := range w.clones {
		c.settle()
	}
	warm := w.same("warm")
	for _, c := range w.clones {
		c.removeCaches()
	}
	if cold := w.same("cold"); cold != warm {
		w.truth.violate("cold and warm clones differ")
	}
	fresh, err := w.fresh()
	if err != nil {
		w.truth.violate("a fresh clone: %v", err)
		return
	}
	if got := fresh.state(); got != warm {
		w.truth.violate("a fresh clone differs from the others: %s", differ(got, warm))
	}
	w.acknowledged(fresh)
	w.sound(append(w.clones, fresh))
	w.goesOn(fresh)
}

// explain prints what each clone knows about the issues of violations, because the
// repositories are removed.
func (w *world) explain() {
	for _, uuid := range w.truth.doubtful {
		for _, c := range w.clones {
			fmt.Printf("'%s' on %s:\n  log   %s\n  locks %s\n", c.name, uuid, c.run(fault{}, "log", uuid).doc.Data, c.run(fault{}, "lock", "list").doc.Data)
		}
	}
}

// state returns the hash of the reduced state, and the resulting list.
func (c *clone) state() string {
	var d struct {
		State string `json:"state"`
	}
	a := c.run(fault{}, "status")
	if err := json.Unmarshal(a.doc.Data, &d); err != nil || d.State == "" {
		c.w.truth.violate("'%s': status has no hash: %s", c.name, a.stderr)
	}
	return d.State + "\n" + string(c.run(fault{}, "list", "--status", "all", "--limit", "0").doc.Data)
}

func (w *world) same(what string) string {
	first := w.clones[0].state()
	for _, c := range w.clones[1:] {
		if got := c.state(); got != first {
			w.truth.violate("'%s' and '%s' differ (%s): %s", w.clones[0].name, c.name, what, differ(first, got))
		}
	}
	return first
}

// differ shows the first difference between two states.
func differ(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	part := func(s string) string { return s[max(0, n-200):min(len(s), n+200)] }
	return fmt.Sprintf("at byte %d:\n%s\n%s", n, part(a), part(b))
}

// fresh makes a clone that has never met the hub.
func (w *world) fresh() (*clone, error) {
	c := &clone{w: w, name: "fresh", dir: filepath.Join(w.dir, "fresh"), url: w.hub(), rng: w.random(300), program: w.programs[0]}
	for _, dir := range []string{c.dir, w.home(c.name)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	if err := c.git("clone", "-q", c.url, "."); err != nil {
		return nil, err
	}
	if err := c.git("config", "crosslink.agent", c.name); err != nil {
		return nil, err
	}
	if a := c.run(fault{}, "sync"); a.status != 0 {
		return nil, fmt.Errorf("sync: %s", a.stderr)
	}
	return c, nil
}

// acknowledged compares a clone with everything that was acknowledged.
func (w *world) acknowledged(c *clone) {
	there := map[string]issueDoc{}
	for _, i := range c.run(fault{}, "list", "--status", "all", "--limit", "0").issues() {
		there[i.UUID] = i
	}
	comments := map[string]bool{}
	for uuid := range there {
		for _, i := range c.run(fault{}, "show", uuid).issues() {
			for _, m := range i.Comments {
				comments[m.UUID] = true
			}
		}
	}
	t := w.truth
	t.mu.Lock()
	defer t.mu.Unlock()
	for uuid, title := range t.issues {
		i, ok := there[uuid]
		if !ok {
			t.wrong("issue %s '%s' was acknowledged and is lost", uuid, title)
			continue
		}
		if t.closed[uuid] && i.Status != "closed" {
			t.wrong("issue %s was closed and is %s", uuid, i.Status)
		}
		if i.Number == 0 {
			t.wrong("issue %s has no number", uuid)
		}
		for _, l := range t.labels[uuid] {
			if !slices.Contains(i.Labels, l) {
				t.wrong("label '%s' of %s was acknowledged and is lost", l, uuid)
			}
		}
	}
	for uuid, issue := range t.comments {
		if !comments[uuid] {
			t.wrong("comment %s on %s was acknowledged and is lost", uuid, issue)
			t.doubtful = append(t.doubtful, issue)
		}
	}
}

// sound runs git's fsck and the tracker's in every repository.
func (w *world) sound(clones []*clone) {
	for _, c := range clones {
		for _, dir := range []string{filepath.Join(c.dir, ".git"), filepath.Join(c.crosslink(), "replica.git"), w.hub()} {
			if err := c.git("--git-dir="+dir, "fsck", "--strict", "--no-dangling", "--no-progress"); err != nil {
				w.truth.violate("%v", err)
			}
		}
		if a := c.run(fault{}, "fsck"); a.status != 0 {
			w.truth.violate("'%s': fsck: status %d: %s", c.name, a.status, a.doc.Data)
		}
	}
}

// goesOn checks that everybody can still write and others receive it.
func (w *world) goesOn(other *clone) {
	for _, c := range w.clones {
		title := "still here: " + c.name
		a := c.run(fault{}, "new", title, "--wait")
		if forks := c.forks; a.status == 4 { // a restored backup lacks the key of a later id
			if c.follow(a); c.forks > forks {
				a = c.run(fault{}, "new", title, "--wait")
			}
		}
		got := a.issues()
		if a.status != 0 || len(got) != 1 {
			w.truth.violate("'%s' cannot write any more: status %d: %s", c.name, a.status, a.stderr+a.doc.Err.Message)
			continue
		}
		other.run(fault{}, "sync")
		if b := other.run(fault{}, "show", got[0].UUID); b.status != 0 {
			w.truth.violate("what '%s' writes does not arrive: %s", c.name, b.doc.Err.Message)
		}
	}
}
