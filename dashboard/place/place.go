// Package place is how the dashboard reaches a repository: it holds a tracker
// open, says cheaply whether anything has moved, extracts facts, and fetches in
// a child process that can be killed.
//
// It writes nothing to a repository but what package tracker does when it reads,
// and what somebody asked for: events, by that clone's own agent.
package place

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/dashboard/poll"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// Options say how places are opened.
type Options struct {
	Now     func() time.Time
	Environ []string // nil is the process's
	Fetch   []string // the command that fetches: a program and its first arguments; the path is added
	Program string   // git-crosslink, which sends what an action wrote; "" leaves that to later commands
}

// Place is one repository, held open for the poller.
type Place struct {
	o    Options
	path string
	t    *tracker.Tracker

	seen     tracker.Projection // as it was read last
	presence string             // likewise
	state    string             // of the git directory, when it was opened
	hub      *hub               // on a local path; nil else
	hubSeen  string             // its state before the last fetch that succeeded
}

var _ poll.Place = (*Place)(nil)

// Open opens the repository at a path.
func Open(ctx context.Context, path string, o Options) (*Place, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, poll.ErrGone
	}
	t, err := o.open(ctx, path, nil)
	if err != nil {
		return nil, err
	}
	p := &Place{o: o, path: path, t: t, state: stateOf(gitDir(t))}
	if _, at := t.Hub(); at != "" {
		p.hub = localHub(path, at)
	}
	return p, nil
}

// open opens a tracker that tells notice what there is to tell.
func (o Options) open(ctx context.Context, path string, notice func(fail.Notice)) (*tracker.Tracker, error) {
	return tracker.Open(ctx, tracker.Options{Dir: path, Environ: o.environ(), Now: o.Now, Notice: notice, Unwatched: true})
}

// environ is the environment without what would lead git elsewhere.
func (o Options) environ() []string {
	env := o.Environ
	if env == nil {
		env = os.Environ()
	}
	return slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains([]string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
			"GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_CEILING_DIRECTORIES"}, name)
	})
}

// Close closes it.
func (p *Place) Close() error { return p.t.Close() }

// gitDir is the directory in which git keeps the repository.
func gitDir(t *tracker.Tracker) string { return filepath.Dir(t.Home()) }

// stateOf tells the repository in a git directory from another at the same
// path, and its configuration from another.
func stateOf(dir string) string {
	state := ""
	for _, name := range []string{"", "config"} {
		st, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return "gone"
		}
		state += fmt.Sprint(inode(st))
		if name == "config" {
			state += fmt.Sprint(" ", st.ModTime().UnixNano(), st.Size())
		}
	}
	return state
}

// Moved implements poll.Place.
func (p *Place) Moved(ctx context.Context) (bool, error) {
	if _, err := os.Stat(p.path); errors.Is(err, fs.ErrNotExist) {
		return false, poll.ErrGone
	}
	if stateOf(gitDir(p.t)) != p.state {
		again, err := Open(ctx, p.path, p.o)
		if err != nil {
			return false, err
		}
		p.t.Close()
		*p = *again
	}
	view, err := p.t.Read(ctx, tracker.Offline)
	if _, stored := view.(*store.File); err == nil && !stored {
		view, err = p.t.Read(ctx, tracker.Offline) // the first has made the store
	}
	if err != nil {
		return false, err
	}
	presence := presenceOf(view)
	moved := !same(p.seen, view) || presence != p.presence
	p.seen, p.presence = view, presence
	return moved, nil
}

// same reports whether two projections are of one state. One that comes from a
// store is kept while the state is.
func same(was, is tracker.Projection) bool {
	if _, stored := is.(*store.File); stored || was == nil {
		return was == is
	}
	_, stored := was.(*store.File)
	return !stored && was.Hash() == is.Hash()
}

// presenceOf is what clones say of their agents now, as one text.
func presenceOf(view tracker.Projection) string {
	var b strings.Builder
	for _, a := range view.Agents() {
		if s, ok := view.Presence(a.ID); ok {
			fmt.Fprintln(&b, a.ID, s.LastSeen, s.State, s.Issue)
		}
	}
	return b.String()
}

// Facts implements poll.Place.
func (p *Place) Facts(ctx context.Context) (facts.Facts, db.Place, error) {
	if p.seen == nil {
		if _, err := p.Moved(ctx); err != nil {
			return facts.Facts{}, db.Place{}, err
		}
	}
	f, err := extract(p.seen, p.operator())
	if err != nil {
		return f, db.Place{}, err
	}
	_, at := p.t.Hub()
	return f, db.Place{URL: withoutPassword(at), Agent: p.t.Agent(), Capability: capability(at)}, nil
}

// operator returns the names under which issues are assigned to whoever works
// in this repository.
func (p *Place) operator() (names []string) {
	if a := p.t.Agent(); a != "" {
		names = append(names, a)
	}
	if n, ok := p.t.Config("user.name"); ok && n != "" {
		names = append(names, n)
	}
	return names
}

// capability says whether the place may be written.
func capability(hub string) string {
	if hub == "" {
		return "not_shared"
	}
	return "ready"
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
	_, at := p.t.Hub()
	if sync, _ := p.t.Config("crosslink.sync"); at == "" || sync == "manual" {
		return "", false
	}
	if p.hub != nil {
		return "", true
	}
	return hostOf(at), true
}

// hostOf is the host of a URL as git takes it.
func hostOf(at string) string {
	if u, err := url.Parse(at); err == nil && u.Host != "" {
		return u.Host
	}
	host, _, _ := strings.Cut(at, ":")
	return cmp.Or(host, at)
}

// HubMoved implements poll.Place.
func (p *Place) HubMoved() bool { return p.hub != nil && p.hub.state() != p.hubSeen }

// Refresh implements poll.Place.
func (p *Place) Refresh(ctx context.Context) error {
	seen := ""
	if p.hub != nil {
		seen = p.hub.state()
	}
	if err := p.fetch(ctx); err != nil {
		return err
	}
	if p.hub != nil {
		p.hubSeen = seen
	}
	return nil
}

// hub is a hub on a local path. Its refs can be looked at like our own.
type hub struct{ dir string }

// localHub returns the hub at a URL if that is a path.
func localHub(base, at string) *hub {
	at = strings.TrimPrefix(at, "file://")
	if strings.Contains(at, "://") {
		return nil
	}
	if !filepath.IsAbs(at) {
		if k := strings.IndexByte(at, ':'); k >= 0 && !strings.Contains(at[:k], "/") {
			return nil // host:path
		}
		at = filepath.Join(base, at)
	}
	if st, err := os.Stat(filepath.Join(at, ".git")); err == nil && st.IsDir() {
		at = filepath.Join(at, ".git")
	}
	return &hub{at}
}

// racy is how young a change may be to share its time with the next one.
const racy = 100 * time.Millisecond

// state stands for the tracker's refs on the hub. Git writes a ref under another
// name and renames it, so the times of directories tell. A state so young
// that another change could have the same time is equal to no other.
func (h *hub) state() string {
	sum := sha256.New()
	var newest time.Time
	note := func(path string, st fs.FileInfo) {
		fmt.Fprintln(sum, path, inode(st), st.ModTime().UnixNano(), st.Size())
		if st.ModTime().After(newest) {
			newest = st.ModTime()
		}
	}
	for _, name := range []string{"packed-refs", "reftable/tables.list"} {
		if st, err := os.Stat(filepath.Join(h.dir, name)); err == nil {
			note(name, st)
		}
	}
	for _, root := range []string{"refs/heads/crosslink", "refs/crosslink"} {
		_ = filepath.WalkDir(filepath.Join(h.dir, root), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return nil // what cannot be read is as if it were not there: the fetch says why
			}
			if st, err := d.Info(); err == nil {
				note(path, st)
			}
			return nil
		})
	}
	if _, err := os.Stat(h.dir); err != nil {
		fmt.Fprintln(sum, "gone")
	}
	state := fmt.Sprintf("%x", sum.Sum(nil))
	if time.Since(newest) < racy {
		state += " young " + time.Now().String()
	}
	return state
}
