// Package place reads a repository for the dashboard. It detects changes without starting a
// process, extracts facts, and fetches in a child process that can be killed.
//
// It writes nothing to a repository but what package tracker does when it reads,
// and what somebody asked for: events, by that clone's own agent.
package place

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/dashboard/poll"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/system"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Options say how places are opened.
type Options struct {
	Now     func() time.Time
	Environ []string // nil is the process's
	Fetch   []string // the command that fetches: a program and its first arguments; the path is added
	Program string   // git-crosslink, which sends what an action wrote; "" leaves that to later commands
	Seen    string   // what Place.HubSeen said before the program was started; "" if nothing
}

// Place is one repository, for the poller. As long as nothing changes, checking it
// starts no process.
type Place struct {
	o     Options
	path  string
	lines lines               // what was written last
	talks map[event.UUID]talk // what was said on issues

	mu      sync.Mutex // a fetch runs beside the other calls
	opened  opened
	hubSeen string // state of a hub on a local path before the last fetch that succeeded

	found found // by the last read
}

// opened is a repository as it was configured when it was opened.
type opened struct {
	repo   *tracker.Repo
	path   string
	dir    string   // where git keeps it
	state  string   // of that directory
	url    string   // of the hub
	manual bool     // nothing is fetched by itself
	me     []string // names under which issues are assigned to anybody who works here
	hub    *hub     // on a local path; nil else
	branch string   // the default one
}

// found is what a read found.
type found struct {
	notes string // state of the clone's own notes before
	facts facts.Facts
	bytes []byte // of the facts
	agent string
	may   [2]string // capability and hint
	fresh bool      // nobody has got the facts
}

var _ poll.Place = (*Place)(nil)

// Open opens the repository at a path.
func Open(ctx context.Context, path string, o Options) (*Place, error) {
	p := &Place{o: o, path: path}
	err := p.reopen(ctx)
	p.hubSeen = o.Seen
	return p, err
}

// reopen opens the repository that is at the path now.
func (p *Place) reopen(ctx context.Context) error {
	if _, err := os.Stat(p.path); errors.Is(err, fs.ErrNotExist) {
		return poll.ErrGone
	}
	repo, err := tracker.OpenRepo(ctx, p.o.tracker(p.path))
	if err != nil {
		return err
	}
	is := opened{repo: repo, path: p.path}
	err = repo.Do(ctx, func(t *tracker.Tracker) error {
		is.dir = gitDir(t)
		is.state = stateOf(is.dir)
		remote, at := t.Hub()
		if is.url = at; at != "" {
			is.hub = localHub(p.path, at)
		}
		sync, _ := t.Config("crosslink.sync")
		is.manual = sync == "manual"
		is.me = operator(t)
		is.branch = defaultBranch(is.dir, remote)
		return nil
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opened, p.hubSeen, p.found, p.lines = is, "", found{}, lines{}
	p.talks = map[event.UUID]talk{}
	return err
}

// tracker is how trackers are opened.
func (o Options) tracker(path string) tracker.Options {
	return tracker.Options{Dir: path, Environ: o.environ(), Now: o.Now, Unwatched: true}
}

// open opens a tracker that reports to notice.
func (o Options) open(ctx context.Context, path string, notice func(fail.Notice)) (*tracker.Tracker, error) {
	to := o.tracker(path)
	to.Notice = notice
	return tracker.Open(ctx, to)
}

// environ returns the environment without the variables that would lead git elsewhere.
func (o Options) environ() []string {
	env := o.Environ
	if env == nil {
		env = os.Environ()
	}
	return git.Unlocated(env)
}

// Close does nothing: no process and no file is held.
func (p *Place) Close() error { return nil }

// gitDir is the directory in which git keeps the repository.
func gitDir(t *tracker.Tracker) string { return filepath.Dir(t.Home()) }

// stateOf tells the repository in a git directory from another at the same
// path, and its configuration from another.
func stateOf(dir string) string { return stamp(dir, "", "config") }

// stamp describes the current state of files. Of a directory only its identity counts.
func stamp(dir string, names ...string) string {
	state := ""
	for _, name := range names {
		path := filepath.Join(dir, name)
		st, err := os.Stat(path)
		if err != nil {
			state += " gone"
			continue
		}
		state += fmt.Sprint(" ", fileID(path, st))
		if !st.IsDir() {
			state += fmt.Sprint(" ", st.ModTime().UnixNano(), st.Size())
		}
	}
	return state
}

// fileID tells a file from one that was put in its place.
func fileID(path string, st fs.FileInfo) string {
	id, _ := system.Identify(path, st)
	return fmt.Sprint(id.Device, ":", id.Inode)
}

// Moved implements poll.Place. What may have moved is read: facts tell.
func (p *Place) Moved(ctx context.Context) (bool, error) {
	if _, err := os.Stat(p.path); errors.Is(err, fs.ErrNotExist) {
		return false, poll.ErrGone
	}
	if stateOf(p.opened.dir) != p.opened.state {
		if err := p.reopen(ctx); err != nil {
			return false, err
		}
	}
	moved, err := p.opened.repo.Moved(ctx)
	if err != nil || !moved && p.found.bytes != nil && p.notes() == p.found.notes {
		return false, err
	}
	was := p.found.bytes
	if err := p.read(ctx); err != nil {
		return false, err
	}
	return !bytes.Equal(was, p.found.bytes), nil
}

// notes describes the state of the clone's own notes about its hub and its agent.
func (p *Place) notes() string {
	return stamp(filepath.Join(p.opened.dir, "crosslink"), "contact.json", "present.json")
}

// read extracts the facts.
func (p *Place) read(ctx context.Context) error {
	is := found{notes: p.notes(), fresh: true}
	err := p.opened.repo.Do(ctx, func(t *tracker.Tracker) (err error) {
		is.agent = t.Agent()
		is.may, err = p.extract(ctx, t, &is.facts)
		return err
	})
	if err != nil {
		return err
	}
	if is.bytes, err = is.facts.Encode(); err == nil {
		p.found = is
	}
	return err
}

// Facts implements poll.Place.
func (p *Place) Facts(ctx context.Context) (facts.Facts, db.Place, error) {
	switch {
	case p.found.bytes == nil:
		if _, err := p.Moved(ctx); err != nil {
			return facts.Facts{}, db.Place{}, err
		}
	case !p.found.fresh:
		if err := p.read(ctx); err != nil {
			return facts.Facts{}, db.Place{}, err
		}
	}
	p.found.fresh = false
	f, err := facts.Decode(p.found.bytes) // the caller alters its own
	return f, db.Place{URL: withoutPassword(p.opened.url), Agent: p.found.agent, Capability: p.found.may[0], Cure: p.found.may[1]}, err
}

// operator returns the names under which issues are assigned to anybody who works
// in a repository.
func operator(t *tracker.Tracker) (names []string) {
	if a := t.Agent(); a != "" {
		names = append(names, a)
	}
	if n, ok := t.Config("user.name"); ok && n != "" {
		names = append(names, n)
	}
	return names
}

func withoutPassword(at string) string {
	u, err := url.Parse(at)
	if err != nil || u.User == nil {
		return at
	}
	u.User = url.User(u.User.Username())
	return u.String()
}

// Hub implements poll.Place.
func (p *Place) Hub() (host string, fetch bool) {
	switch {
	case p.opened.url == "" || p.opened.manual:
		return "", false
	case p.opened.hub != nil:
		return "", true
	}
	return hostOf(p.opened.url), true
}

// HubMoved implements poll.Place.
func (p *Place) HubMoved() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opened.hub != nil && p.opened.hub.state()+p.opened.replica() != p.hubSeen
}

// HubSeen implements poll.Place.
func (p *Place) HubSeen() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hubSeen
}

// replica stands for the repository that has fetched from the hub: another one has not.
func (o *opened) replica() string { return stamp(filepath.Join(o.dir, "crosslink"), "replica.git") }

// Refresh implements poll.Place.
func (p *Place) Refresh(ctx context.Context) error {
	p.mu.Lock()
	is, before := p.opened, ""
	p.mu.Unlock()
	if is.hub != nil {
		before = is.hub.state()
	}
	if err := p.fetch(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if is.hub != nil && is.hub == p.opened.hub {
		p.hubSeen = before + is.replica()
	}
	return nil
}
