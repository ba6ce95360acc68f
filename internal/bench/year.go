package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A year of a large team: a tracker with many events, in which nearly all agents have
// retired. Its logs are archived, and then it moves to a new hub. The program prints the
// cost of the hub and of a new clone before, after the archiving, and after the move.

const (
	yearEach   = 1000 // events of an agent
	yearActive = 20   // one in so many agents has not retired
)

// stage is a hub at one moment.
type stage struct {
	name string
	hub  string // directory
}

func (b *bench) year(events int) error {
	agents := max(events/yearEach, yearActive)
	retired := agents - agents/yearActive
	w, err := b.world() // not a copy: its agent is the admin who moves the tracker
	if err == nil {
		err = crowdOf(w, events, shortText, agents, func(n int) bool { return n < retired })
	}
	if err != nil {
		return err
	}
	fmt.Printf("%d events of %d agents, %d of them retired; %s\n", events, agents, retired, machine(b))
	before, err := w.stage(stage{"as it is", w.hub})
	if err != nil {
		return err
	}
	folded, err := b.measured(w.dir, b.program, "agent", "fold", "-q")
	if err != nil {
		return err
	}
	fmt.Println("agent fold:", folded)
	after, err := w.stage(stage{"archived", w.hub})
	if err != nil {
		return err
	}
	if after != before {
		return fmt.Errorf("a clone showed %s, and after the fold %s", before, after)
	}
	next := filepath.Join(w.top(), "next.git")
	w.at(w.top(), "git", "init", "-q", "--bare", next)
	w.git("push", "-q", next, "HEAD:refs/heads/main")
	w.git("remote", "add", "next", next)
	if w.err != nil {
		return w.err
	}
	rolled, err := b.measured(w.dir, b.program, "init", "next", "--from", "origin", "-q")
	if err != nil {
		return err
	}
	fmt.Println("init --from:", rolled)
	if after, err = w.stage(stage{"moved", next}); err != nil {
		return err
	}
	if after != before {
		return fmt.Errorf("a clone showed %s, and of the new hub %s", before, after)
	}
	return nil
}

// stage prints the cost of a hub and of a new clone of it, and returns the list in the
// clone.
func (w *world) stage(s stage) (shown string, err error) {
	fresh := filepath.Join(w.top(), "fresh")
	w.at(s.hub, "git", "repack", "-adq")
	w.at(s.hub, "git", "prune-packed", "-q")
	w.at(s.hub, "git", "pack-refs", "--all", "--prune")
	branches := len(strings.Fields(w.at(s.hub, "git", "for-each-ref", "--format=%(refname)", "refs/heads/crosslink/")))
	if w.err != nil {
		return "", w.err
	}
	disk, err := size(s.hub)
	if err != nil {
		return "", err
	}
	fmt.Printf("%s: the hub has %d branches and takes %.0f MB\n", s.name, branches, disk/1e6)
	f := &world{b: w.b, hub: s.hub, dir: fresh}
	defer os.RemoveAll(fresh)
	for _, c := range []struct {
		name   string
		dir    string
		before func() error
		words  []string
	}{
		{"git clone", w.top(), nil, []string{"git", "clone", "-q", s.hub, fresh}},
		{"the first sync", fresh, nil, []string{w.b.program, "sync", "-q"}},
		{"sync with nothing new", fresh, nil, []string{w.b.program, "sync", "-q"}},
		{"list without a store", fresh, f.cold, []string{w.b.program, "list", "-n", "50"}},
		{"list", fresh, nil, []string{w.b.program, "list", "-n", "50"}},
	} {
		if c.before != nil {
			if err := c.before(); err != nil {
				return "", err
			}
		}
		took, err := w.b.measured(c.dir, c.words...)
		if err != nil {
			return "", err
		}
		fmt.Printf("  %s: %s\n", c.name, took)
	}
	if disk, err = size(fresh); err != nil {
		return "", err
	}
	fmt.Printf("  the clone takes %.0f MB\n", disk/1e6)
	var status struct {
		Data struct{ Open, Closed, Archived int }
	}
	if err := json.Unmarshal([]byte(f.ours("status", "--json")), &status); err != nil && f.err == nil {
		return "", err
	}
	last := f.ours("list", "-n", "3", "--sort", "number", "--status", "all")
	return fmt.Sprintf("%d open, %d closed and %d archived issues, such as %q", status.Data.Open, status.Data.Closed, status.Data.Archived, last), f.err
}

// spent is the cost of one command.
type spent struct {
	wall, cpu time.Duration
	memory    float64 // bytes
}

func (s spent) String() string {
	return fmt.Sprintf("%.1f s (%.1f s of processor time, %.0f MB)", s.wall.Seconds(), s.cpu.Seconds(), s.memory/1e6)
}

// measured runs a command once.
func (b *bench) measured(dir string, words ...string) (s spent, err error) {
	cmd := b.cmd(dir, append([]string{b.self, peakWord}, words...)...)()
	var out, msg bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &msg
	began := time.Now()
	err = cmd.Run()
	s.wall = time.Since(began)
	if err != nil {
		return s, fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, msg.String())
	}
	s.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	s.memory, err = strconv.ParseFloat(strings.TrimSpace(out.String()), 64)
	return s, err
}
