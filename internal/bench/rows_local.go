package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/internal/system"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/refs"
)

const usual = "an issue of the usual length, or so"

func (b *bench) start() (measurement, error) {
	return b.against(only(b.cmd("", b.program, "version")), only(b.cmd("", b.hello())))
}

func (b *bench) startMemory() (measurement, error) {
	return value(b.peakOf("", nil, b.program, "version"))
}

func (b *bench) newLocal() (measurement, error) {
	w, err := b.world()
	if err != nil {
		return measurement{}, err
	}
	tree := w.git("hash-object", "-t", "tree", "-w", "--stdin")
	if w.err != nil {
		return measurement{}, w.err
	}
	return b.against(only(w.cmd("new", "-q", "--offline", usual)), only(b.cmd(w.dir, "git", "commit-tree", "-m", "x", tree)))
}

// many returns the tracker with 10,000 issues and 40,000 comments.
func (b *bench) many() (*world, error) {
	return b.kept("issues", func(w *world) error { return crowd(w, 50_000, shortText, usually) })
}

// newBeside compares a write into a large world with one into an empty one.
func (b *bench) newBeside(large *world, err error, more ...string) (measurement, error) {
	if err != nil {
		return measurement{}, err
	}
	if large, err = large.copied(); err != nil {
		return measurement{}, err
	}
	empty, err := b.world()
	if err != nil {
		return measurement{}, err
	}
	for _, w := range []*world{large, empty} { // each has its store
		if w.ours("list"); w.err != nil {
			return measurement{}, w.err
		}
	}
	words := append([]string{"new", "-q", usual}, more...)
	return b.against(only(large.cmd(words...)), only(empty.cmd(words...)))
}

func (b *bench) newLongLog() (measurement, error) {
	large, err := b.kept("long-log", func(w *world) error { return lengthen(w, 100_000) })
	return b.newBeside(large, err, "--offline")
}

func (b *bench) newManyIssues() (measurement, error) {
	large, err := b.many()
	return b.newBeside(large, err, "--offline")
}

// newFewHundred measures the size at which reading everything into memory becomes slower
// than a store.
func (b *bench) newFewHundred() (measurement, error) {
	of := make([]action, 0, 2)
	few, err := b.kept("few-hundred", func(w *world) error {
		for n := range 250 {
			w.ours("new", "-q", "--offline", words(n, 6))
		}
		w.ours("sync", "-q")
		return w.err
	})
	if err != nil {
		return measurement{}, err
	}
	if few, err = few.copied(); err != nil {
		return measurement{}, err
	}
	empty, err := b.world()
	if err != nil {
		return measurement{}, err
	}
	for _, w := range []*world{few, empty} {
		if w.ours("new", "-q", "--offline", usual); w.err != nil {
			return measurement{}, w.err
		}
		of = append(of, only(w.cmd("new", "-q", "--offline", usual)))
	}
	return b.against(of[0], of[1])
}

// newSimilar compares `new` with and without the search for similar open issues.
func (b *bench) newSimilar() (measurement, error) {
	with, err := b.many()
	if err != nil {
		return measurement{}, err
	}
	if with, err = with.copied(); err != nil {
		return measurement{}, err
	}
	without, err := with.copied()
	if err == nil {
		err = b.run(without.dir, "git", "config", "advice.crosslink.similar", "false")
	}
	if err != nil {
		return measurement{}, err
	}
	words := []string{"new", "-q", usual, "--offline"}
	return b.against(only(with.cmd(words...)), only(without.cmd(words...)))
}

func (b *bench) list() (measurement, error) {
	w, err := b.many()
	if err != nil {
		return measurement{}, err
	}
	return b.against(only(w.cmd("list", "-n", "50")), only(b.cmd(w.dir, "git", "--version")))
}

func (b *bench) tree() (measurement, error) {
	w, err := b.many()
	if err != nil {
		return measurement{}, err
	}
	return b.against(only(w.cmd("tree", "-n", "50")), only(w.cmd("list", "-n", "50")))
}

func (b *bench) treeMemory() (measurement, error) {
	w, err := b.many()
	if err != nil {
		return measurement{}, err
	}
	return value(b.peakOf(w.dir, nil, b.program, "tree", "-n", "50"))
}

// showUnknown compares a mistyped id with an existing one.
func (b *bench) showUnknown() (measurement, error) {
	w, err := b.many()
	if err != nil {
		return measurement{}, err
	}
	show := func(test, id string) action {
		return only(b.cmd(w.dir, "sh", "-c", test+` "$@" >/dev/null 2>&1`, "sh", b.program, "show", "--offline", id))
	}
	return b.against(show("!", "999999"), show("", "1"))
}

func (b *bench) listMemory() (measurement, error) {
	w, err := b.many()
	if err != nil {
		return measurement{}, err
	}
	return value(b.peakOf(w.dir, nil, b.program, "list", "-n", "50"))
}

// grow appends signed lines to a new log, at most each lines at a time.
func (b *bench) grow(dir string, lines, each int) (refs.Local, error) {
	if err := b.run("", "git", "init", "-q", "--bare", dir); err != nil {
		return nil, err
	}
	var l refs.Local = b.native(dir)
	if each > 1 {
		l = packer{l, b, dir}
	}
	a := author{chain: event.Chain{Hub: uuidOf("hub", 0).String(), Agent: agentName(0)}}
	signed(&a.chain)
	for n := range lines {
		if err := a.say(n, body(n, a.chain.Agent, shortText)); err != nil {
			return nil, err
		}
		if len(a.lines) == each || n == lines-1 {
			if err := appendTo(context.Background(), l, a.chain.Agent, a.lines); err != nil {
				return nil, err
			}
			a.lines = nil
		}
	}
	return l, nil
}

// appendLong appends in this process; both logs begin a new segment.
func (b *bench) appendLong() (measurement, error) {
	long, err := b.grow(filepath.Join(b.dir, "long.git"), 100_032, 10_000)
	if err != nil {
		return measurement{}, err
	}
	defer long.Close()
	short, err := b.grow(filepath.Join(b.dir, "short.git"), 32, 32)
	if err != nil {
		return measurement{}, err
	}
	defer short.Close()
	n := 0
	one := func(l refs.Local) func() (cost, error) {
		return func() (cost, error) {
			n++
			line := fmt.Appendf(nil, `{"v":4,"n":"%s","text":"%s"}`, uuidOf("line", n), words(n, 30))
			began := time.Now()
			err := appendTo(context.Background(), l, agentName(0), [][]byte{line})
			return cost{wall: time.Since(began)}, err
		}
	}
	return b.interleave(one(long), one(short))
}

// rebuildRate measures a cold rebuild without its reads, by processor time.
func (b *bench) rebuildRate() (measurement, error) {
	const events = 50_000
	hub := uuidOf("hub", 0).String()
	logs := map[string][][]byte{}
	err := history(hub, events, shortText, usually, true, nobody, func(agent string, lines [][]byte) error {
		logs[agent] = lines
		return nil
	})
	if err != nil {
		return measurement{}, err
	}
	old := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(old)
	var rates []float64
	for range 5 {
		runtime.GC()
		before := system.CPUTime()
		s, n := reducer.New(), 0
		for agent, lines := range logs {
			c := event.Chain{Hub: hub, Agent: agent}
			for _, l := range lines {
				e, err := c.Next(l)
				if err != nil {
					return measurement{}, err
				}
				s.Apply(e)
				n++
			}
		}
		rates = append(rates, float64(n)/(system.CPUTime()-before).Seconds())
	}
	return value(median(rates), nil)
}

// coldList returns how long a list takes that has to make the store first, in s.
func (b *bench) coldList(w *world, rounds int) (measurement, error) {
	var took []float64
	for range rounds {
		c, err := action{before: w.cold, run: []maker{w.cmd("list", "-n", "50")}}.once()
		if err != nil {
			return measurement{}, err
		}
		took = append(took, c.wall.Seconds())
	}
	return value(median(took), nil)
}

func (b *bench) rebuild() (measurement, error) {
	w, err := b.many()
	if err != nil {
		return measurement{}, err
	}
	if w, err = w.copied(); err != nil {
		return measurement{}, err
	}
	return b.coldList(w, 5)
}

func (b *bench) rebuildMemory() (measurement, error) {
	w, err := b.many()
	if err != nil {
		return measurement{}, err
	}
	if w, err = w.copied(); err != nil {
		return measurement{}, err
	}
	return value(b.peakOf(w.dir, w.cold, b.program, "list", "-n", "50"))
}

// crowded returns the tracker with a million events. Only its store is ever changed.
func (b *bench) crowded() (*world, error) {
	return b.kept("million", func(w *world) error { return crowd(w, 1_000_000, shortText, usually) })
}

func (b *bench) million() (measurement, error) {
	w, err := b.crowded()
	if err != nil {
		return measurement{}, err
	}
	return b.coldList(w, 3)
}

func (b *bench) millionMemory() (measurement, error) {
	w, err := b.crowded()
	if err != nil {
		return measurement{}, err
	}
	return value(b.peakOf(w.dir, w.cold, b.program, "list", "-n", "50"))
}

// textsMemory returns the peak memory of a command that has to read 4,000 comments of 64 KB
// without a store.
func (b *bench) textsMemory(words ...string) (measurement, error) {
	w, err := b.kept("texts", func(w *world) error { return crowd(w, 5000, longText, usually) })
	if err != nil {
		return measurement{}, err
	}
	if w, err = w.copied(); err != nil {
		return measurement{}, err
	}
	return value(b.peakOf(w.dir, w.cold, append([]string{b.program}, words...)...))
}

func (b *bench) textsList() (measurement, error) { return b.textsMemory("list", "-n", "50") }
func (b *bench) textsSync() (measurement, error) { return b.textsMemory("sync") }

const diskLines = 320

// looseBytes averages over whole segments, because an append to a nearly full segment
// writes more than an append to a new one.
func (b *bench) looseBytes() (measurement, error) { return b.diskBytes("loose.git") }

func (b *bench) packedBytes() (measurement, error) {
	return b.diskBytes("packed.git", "repack", "-adq")
}

func (b *bench) diskBytes(name string, then ...string) (measurement, error) {
	dir := filepath.Join(b.dir, name)
	l, err := b.grow(dir, diskLines, 1)
	if err != nil {
		return measurement{}, err
	}
	defer l.Close()
	if len(then) > 0 {
		if err := b.run("", append([]string{"git", "--git-dir=" + dir}, then...)...); err != nil {
			return measurement{}, err
		}
	}
	n, err := size(filepath.Join(dir, "objects"))
	return value(n/diskLines/1e3, err)
}

func (b *bench) programSize() (measurement, error) {
	st, err := os.Stat(b.program)
	if err != nil {
		return measurement{}, err
	}
	return value(float64(st.Size())/1e6, nil)
}
