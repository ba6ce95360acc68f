//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// draw chooses the fault for the next command.
func (c *clone) draw() fault {
	switch n := c.rng.IntN(100); {
	case n < 10:
		return fault{kind: "kill", after: time.Duration(c.rng.IntN(400)) * time.Millisecond}
	case n < 14:
		return fault{kind: "kill-at", nth: 1 + c.rng.IntN(24)}
	case n < 17:
		return fault{kind: "power", after: time.Duration(c.rng.IntN(600)) * time.Millisecond}
	case n < 20:
		return fault{kind: "full-disk"}
	}
	return fault{}
}

// step is one action of an agent.
func (c *clone) step() {
	if c.rng.IntN(25) == 0 {
		c.program = c.w.programs[0]
		if c.rng.IntN(3) == 0 {
			c.program = c.w.programs[c.rng.IntN(len(skews))]
		}
	}
	if c.program != c.w.programs[0] {
		c.w.tally.fault("clock")
	}
	switch n := c.rng.IntN(1000); {
	case n < 30:
		c.removeCaches()
		c.w.tally.fault("caches-removed")
	case n < 40:
		c.collect()
	}
	f := c.draw()
	switch n := c.rng.IntN(100); {
	case n < 22:
		c.create(f)
	case n < 36:
		c.comment(f)
	case n < 44:
		c.label(f)
	case n < 50:
		c.edit(f)
	case n < 70:
		c.job(f)
	case n < 78:
		c.lock(f)
	case n < 86:
		c.follow(c.run(f, "sync"))
	case n < 92:
		c.run(f, "list", "--status", "all", "--limit", "0")
	case n < 95:
		c.run(f, "ready")
	case n < 98:
		c.run(f, "status")
	default:
		c.run(f, "doctor")
	}
}

// forkAdvice finds the command that resolves a fork of an agent's log.
var forkAdvice = regexp.MustCompile(`git crosslink agent fork((?: --without \d+)*)`)

// follow follows the hint of a refusal, as a person would, whether it comes from the
// program or from the hub. It only handles hints about forks of the agent's log.
func (c *clone) follow(a answer) answer {
	if a.status == 0 || a.killed {
		return a
	}
	for _, text := range append(slices.Clone(a.doc.Err.Hints), a.doc.Err.Message) {
		if m := forkAdvice.FindStringSubmatch(text); m != nil {
			c.program = c.w.programs[0] // it sets the clock
			c.run(fault{}, append([]string{"agent", "fork"}, strings.Fields(m[1])...)...)
			c.forks++
			c.w.tally.count(&c.w.tally.forks)
			break
		}
	}
	return a
}

func (c *clone) unique(kind string) string {
	return fmt.Sprintf("%s-%s-%d", kind, c.name, c.rng.Uint32())
}

func (c *clone) create(f fault) {
	title := c.unique("job")
	words := []string{"new", title}
	if c.rng.IntN(3) == 0 {
		words = append(words, "--wait")
	}
	a := c.follow(c.run(f, words...))
	if got := a.issues(); a.told() && len(got) == 1 {
		c.w.truth.ack(func() { c.w.truth.issues[got[0].UUID] = title })
	} else if a.told() {
		c.w.truth.violate("'%s': new: status %d and no issue: %s", c.name, a.status, a.doc.Data)
	}
}

func (c *clone) comment(f fault) {
	uuid := c.w.truth.some(c.rng.IntN)
	if uuid == "" {
		return
	}
	a := c.follow(c.run(f, "comment", uuid, c.unique("note")))
	var d struct {
		Comment struct {
			UUID string `json:"uuid"`
		} `json:"comment"`
	}
	if !a.told() {
		return
	}
	if err := json.Unmarshal(a.doc.Data, &d); err != nil || d.Comment.UUID == "" {
		c.w.truth.violate("'%s': comment: status %d and no comment: %s", c.name, a.status, a.doc.Data)
		return
	}
	c.w.truth.ack(func() { c.w.truth.comments[d.Comment.UUID] = uuid })
}

func (c *clone) label(f fault) {
	uuid := c.w.truth.some(c.rng.IntN)
	if uuid == "" {
		return
	}
	label := c.unique("l")
	if a := c.follow(c.run(f, "label", uuid, label)); a.told() {
		c.w.truth.ack(func() { c.w.truth.labels[uuid] = append(c.w.truth.labels[uuid], label) })
	}
}

func (c *clone) edit(f fault) {
	if uuid := c.w.truth.some(c.rng.IntN); uuid != "" {
		c.follow(c.run(f, "edit", uuid, "--priority", []string{"low", "medium", "high"}[c.rng.IntN(3)]))
	}
}

// claims returns the outcomes in an answer to lock or ready --claim.
func (a answer) claims() []claim {
	var one claim
	var many struct {
		Claims []claim `json:"claims"`
	}
	if json.Unmarshal(a.doc.Data, &many) == nil && len(many.Claims) > 0 {
		return many.Claims
	}
	if json.Unmarshal(a.doc.Data, &one) == nil && one.Outcome != "" {
		return []claim{one}
	}
	return nil
}

type claim struct {
	Outcome string   `json:"outcome"`
	Issue   issueDoc `json:"issue"`
}

// job takes the next issue, does it, and closes it.
func (c *clone) job(f fault) {
	a := c.follow(c.run(f, "ready", "--claim"))
	for _, got := range a.claims() {
		if a.status != 0 || got.Outcome != "held" {
			continue
		}
		c.w.truth.held(c.name, got.Issue.UUID)
		if got.Issue.Status != "open" {
			c.w.truth.violate("'%s': ready --claim: holds %s, which is %s", c.name, got.Issue.UUID, got.Issue.Status)
		}
		time.Sleep(time.Duration(c.rng.IntN(300)) * time.Millisecond)
		c.w.truth.worked(c.name, got.Issue.UUID)
		c.w.truth.releases(c.name, got.Issue.UUID)
		if a := c.follow(c.run(c.draw(), "close", got.Issue.UUID, "-r", "done")); a.told() {
			c.w.truth.ack(func() { c.w.truth.closed[got.Issue.UUID] = true })
		}
	}
}

func (c *clone) lock(f fault) {
	uuid := c.w.truth.some(c.rng.IntN)
	if uuid == "" {
		return
	}
	a := c.follow(c.run(f, "lock", uuid))
	for _, got := range a.claims() {
		if a.status == 0 && got.Outcome == "held" {
			c.w.truth.held(c.name, uuid)
			time.Sleep(time.Duration(c.rng.IntN(300)) * time.Millisecond)
			c.w.truth.releases(c.name, uuid)
			c.follow(c.run(c.draw(), "unlock", uuid))
			c.w.truth.gaveBack(c.name, uuid)
		}
	}
}

// sync reports whether everything that was written here was already on the hub and decided,
// and nothing new was received.
func (c *clone) sync() bool {
	a := c.follow(c.run(fault{}, "sync"))
	var d struct {
		Unsent   int `json:"unsent"`
		Sent     int `json:"sent"`
		Received int `json:"received"`
	}
	if err := json.Unmarshal(a.doc.Data, &d); err != nil || a.status != 0 {
		return false
	}
	var st struct {
		Unsent    int `json:"unsent"`
		Undecided int `json:"undecided"`
	}
	b := c.run(fault{}, "status")
	if err := json.Unmarshal(b.doc.Data, &st); err != nil || b.status != 0 {
		return false
	}
	return d.Sent == 0 && d.Received == 0 && d.Unsent == 0 && st.Unsent == 0 && st.Undecided == 0
}

// collect runs git's garbage collection in the clone, in its replica and on the
// hub.
func (c *clone) collect() {
	repositories := []string{filepath.Join(c.dir, ".git"), filepath.Join(c.crosslink(), "replica.git"), c.w.hub()}
	dir := repositories[c.rng.IntN(len(repositories))]
	if _, err := os.Stat(dir); err != nil {
		return
	}
	if err := c.git("--git-dir="+dir, "gc", "-q"); err != nil && !strings.Contains(err.Error(), "gc is already running") {
		c.w.truth.violate("%v", err)
	}
	c.w.tally.fault("gc")
}
