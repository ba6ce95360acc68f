package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// The cost of a command in a tracker of a thousand agents, as a multiple of its cost in a
// tracker of ten.

// agents returns a tracker with events by so many agents: 20,000 events, in a long run
// 100,000.
func (b *bench) agents(n int) (*world, error) {
	events, name := 20_000, fmt.Sprint("agents-", n)
	if b.long {
		events, name = 100_000, name+"-long"
	}
	return b.kept(name, func(w *world) error { return crowd(w, events, shortText, n) })
}

// amongAgents calls f with a tracker of a thousand agents, which it may change, and with a
// tracker of ten.
func (b *bench) amongAgents(f func(i int, w *world) error) error {
	for i, n := range []int{1000, 10} {
		w, err := b.agents(n)
		if err != nil {
			return err
		}
		if w, err = w.copied(); err != nil {
			return err
		}
		w.ours("list", "-n", "50") // makes its store
		if err := errors.Join(w.err, f(i, w)); err != nil {
			return err
		}
	}
	return nil
}

// byAgents compares an action in both trackers.
func (b *bench) byAgents(of func(w *world) action) (measurement, error) {
	var both [2]action
	err := b.amongAgents(func(i int, w *world) error {
		both[i] = of(w)
		return w.err
	})
	if err != nil {
		return measurement{}, err
	}
	return b.against(both[0], both[1])
}

func (b *bench) listAgents() (measurement, error) {
	return b.byAgents(func(w *world) action { return only(w.cmd("list", "-n", "50")) })
}

func (b *bench) newAgents() (measurement, error) {
	return b.byAgents(func(w *world) action { return only(w.cmd("new", "-q", "--offline", usual)) })
}

func (b *bench) syncAgents() (measurement, error) {
	return b.byAgents(func(w *world) action { return only(w.cmd("sync", "-q")) })
}

// lockAgents locks an issue that was unlocked before.
func (b *bench) lockAgents() (measurement, error) {
	return b.byAgents(func(w *world) action {
		w.ours("lock", "-q", "1")
		return action{before: func() error { w.ours("unlock", "-q", "1"); return w.err }, run: []maker{w.cmd("lock", "-q", "1")}}
	})
}

// syncOneAgents fetches one event that another clone wrote.
func (b *bench) syncOneAgents() (measurement, error) {
	return b.byAgents(func(w *world) action {
		other := w.beside("other")
		w.err = errors.Join(w.err, other.err)
		return action{before: func() error { other.ours("comment", "-q", "1", "one event"); return other.err }, run: []maker{w.cmd("sync", "-q")}}
	})
}

// leave makes the clone forget the hub. Maintenance in the background may still write
// there.
func (w *world) leave() (err error) {
	for range 100 {
		if err = os.RemoveAll(filepath.Dir(w.replica())); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}

func (b *bench) cloneAgents() (measurement, error) {
	return b.byAgents(func(w *world) action { return action{before: w.leave, run: []maker{w.cmd("sync", "-q")}} })
}

// memoryAgents compares the peak memory of a command.
func (b *bench) memoryAgents(before func(*world) error, words ...string) (measurement, error) {
	var mb [2]float64
	err := b.amongAgents(func(i int, w *world) (err error) {
		var prepare func() error
		if before != nil {
			prepare = func() error { return before(w) }
		}
		mb[i], err = b.peakOf(w.dir, prepare, append([]string{b.program}, words...)...)
		return err
	})
	return measurement{value: mb[0] / mb[1], note: fmt.Sprintf("%.0f MB against %.0f MB", mb[0], mb[1])}, err
}

func (b *bench) newMemoryAgents() (measurement, error) {
	return b.memoryAgents(nil, "new", "-q", "--offline", usual)
}

func (b *bench) cloneMemoryAgents() (measurement, error) {
	return b.memoryAgents((*world).leave, "sync", "-q")
}

// wireAgents compares how many bytes the hub sends and receives, over http, for a command.
func (b *bench) wireAgents(before func(*world) error, words ...string) (measurement, error) {
	var kb [2]float64
	err := b.amongAgents(func(i int, w *world) error {
		var bytes atomic.Int64
		url, stop, err := b.serveCounting(w.top(), &bytes)
		defer stop()
		if err != nil {
			return err
		}
		w.git("remote", "set-url", "origin", url+"/hub.git")
		w.ours("sync", "-q") // learns the hub's new URL
		if err := errors.Join(w.err, before(w)); err != nil {
			return err
		}
		bytes.Store(0)
		w.ours(words...)
		kb[i] = float64(bytes.Load()) / 1e3
		return w.err
	})
	return measurement{value: kb[0] / kb[1], note: fmt.Sprintf("%.1f KB against %.1f KB", kb[0], kb[1])}, err
}

func (b *bench) wireSyncAgents() (measurement, error) {
	return b.wireAgents(func(*world) error { return nil }, "sync", "-q")
}

func (b *bench) wireCloneAgents() (measurement, error) {
	return b.wireAgents((*world).leave, "sync", "-q")
}

// serveCounting is serve, and counts the bytes of bodies in both directions.
func (b *bench) serveCounting(dir string, n *atomic.Int64) (url string, stop func(), err error) {
	return b.serveThrough(dir, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, q *http.Request) {
			q.Body = countedBody{q.Body, n}
			h.ServeHTTP(countedAnswer{rw, n}, q)
		})
	})
}

type countedBody struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c countedBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}

type countedAnswer struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c countedAnswer) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.n.Add(int64(n))
	return n, err
}
