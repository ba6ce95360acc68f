// Package clone is a clone of a repository as one command finds it: where the repository is
// and how git was configured, which hub it has, which agent writes here and with which key,
// what was read from the replica, and what the user gets to read. The tracker and the
// packages it calls work on a Clone. The package reads and explains; it accepts nothing
// from the hub and writes no event.
package clone

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/store"
)

// Options say where a tracker is opened and which parts of its environment are replaced.
type Options struct {
	Dir     string              // the user's working directory; "" is the process's
	Environ []string            // nil is the process's environment
	Now     func() time.Time    // nil is time.Now
	Sleep   func(time.Duration) // sleeps until a push may start; nil really sleeps
	// Survey finds the repository of a directory and reads its configuration;
	// nil asks git.
	Survey func(ctx context.Context, dir string, environ []string) (refs.Outer, refs.Config, error)

	Program string // git-crosslink's own path, started for detached syncs; "" starts none
	Ask     bool   // sync and init may ask for passwords on the terminal

	// Detached: Detach started this process. The clone may be removed at any moment, so
	// missing files are not created or repaired.
	Detached bool

	Notice func(fail.Notice) // receives messages for the user besides the answer; nil drops them
	// Unwatched: a program gets the notices, not the user. Notices that are given once are
	// left for a command, and nothing shows the user as present.
	Unwatched bool

	Stored func(store.Written, error) // called with the result of writing the store; nil drops it
	// KeepFrom is how many lines a write or a sync must have read to make a store of them,
	// and to continue from a store of any size. 0 means 1,000, and continuing only from a
	// store that is large enough. A read always makes one.
	KeepFrom int
}

// Site is a repository as it was found, and git's configuration at that time. It does not
// change.
type Site struct {
	Options Options
	Environ []string
	Outer   Repository
	Conf    refs.Config
}

// Clone is a site with everything that one command, or a few related calls, have opened and
// learned there. It is for one goroutine.
type Clone struct {
	Site
	Replica refs.Replica // nil until there is one
	Contact *hubs.Contact
	Hub     *hubs.Hub       // nil: this repository has no hub
	Link    *hubs.Link      // connection to the hub
	Reads   *reading.Reader // of the replica
	Agent   string          // settled by the first write; "" before it

	// Unwatched: nobody reads the notices. It follows from the options, except while
	// Unwatch overrides it.
	Unwatched bool
}

// Find finds the repository of o.Dir. Nothing is written.
func Find(ctx context.Context, o Options) (Site, error) {
	s := Site{Options: o, Environ: o.Environ}
	if s.Environ == nil {
		s.Environ = os.Environ()
	}
	var err error
	if s.Outer, s.Conf, err = survey(ctx, o, s.Environ); err != nil {
		return s, OpenError(err)
	}
	return s, s.insideReplica()
}

// Open opens the clone. Nothing is written.
func (s Site) Open(ctx context.Context) (*Clone, error) {
	c := &Clone{Site: s, Unwatched: s.Options.Unwatched}
	c.Conf = slices.Clone(s.Conf)
	c.Reads = c.newReader()
	c.Contact = hubs.Open(c.contactPath(), c.Now)
	c.ChooseHub(c.IsHub(ctx))
	if err := c.openReplica(ctx, false); err != nil && !errors.Is(err, refs.ErrNoReplica) {
		return nil, err
	}
	var err error
	if c.Agent, err = c.Identity().Agent(); err != nil {
		c.Agent = "" // a read needs no identity; the first write reports the problem
	}
	return c, nil
}

// Stamp returns a stamp of everything that a read depends on; "" if this is not possible.
func (s Site) Stamp() string {
	refsOf, tells := s.Outer.Outer.(refs.Stamper)
	if !tells {
		return ""
	}
	c := &Clone{Site: s}
	c.Contact = hubs.Open(c.contactPath(), c.Now)
	c.ChooseHub(c.Conf.Bool("crosslink.hub", false))
	return refsOf.Stamp(c.HubName())
}

// Unwatch sets Unwatched until the returned function is called.
func (c *Clone) Unwatch() (end func()) {
	before := c.Unwatched
	c.Unwatched = true
	return func() { c.Unwatched = before }
}

// Close ends the helper processes.
func (c *Clone) Close() error {
	c.Reads.Close()
	if c.Replica == nil {
		return nil
	}
	return c.Replica.Close()
}

// OpenError explains why there is no repository to work in.
func OpenError(err error) error {
	switch {
	case errors.Is(err, git.ErrNotRepository):
		return &fail.Error{Kind: fail.Fatal, Code: "no-repository", Message: "not a git repository (or any of the parent directories)", Err: err}
	case errors.Is(err, git.ErrNoGit):
		return &fail.Error{Kind: fail.Fatal, Code: "no-git", Message: "there is no program 'git' on your PATH", Err: err}
	}
	var unsafe *git.UnsafeError
	if errors.As(err, &unsafe) {
		return unsafeError(unsafe, err)
	}
	return err
}

// unsafeError takes the hint from git's own message, which names the directory.
func unsafeError(unsafe *git.UnsafeError, err error) error {
	e := &fail.Error{Kind: fail.Fatal, Code: "unsafe-repository", Message: unsafe.Error(), Err: err}
	if strings.Contains(unsafe.Says, "safe.bareRepository") {
		e.Code = "unsafe-repository/bare"
		return e
	}
	for line := range strings.Lines(unsafe.Says) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "git config ") {
			e.Code, e.Fields = "unsafe-repository/git", fail.Fields{"git": line}
			return e
		}
	}
	return e
}

// Home is the directory for this clone's tracker, whether it exists yet or not.
func (c *Clone) Home() string {
	return filepath.Dir(c.contactPath())
}

// Local returns the replica's objects and refs.
func (c *Clone) Local() refs.Local { return c.Replica.Local() }

// Now is the time by the clock of this machine.
func (c *Clone) Now() time.Time {
	if c.Options.Now != nil {
		return c.Options.Now()
	}
	return time.Now()
}

// Notice gives the user a notice, unless advice with that name is disabled.
func (c *Clone) Notice(n fail.Notice) {
	if c.Options.Notice != nil && c.Conf.Bool("advice.crosslink."+n.Code.Name(), true) {
		c.Options.Notice(n)
	}
}

// Config returns a value of the user's configuration, "" if it is not set.
func (c *Clone) Config(key string) string {
	v, _ := c.Conf.Get(key)
	return v
}

// EnsureReplica makes the replica if there is none.
func (c *Clone) EnsureReplica(ctx context.Context) error {
	if c.Replica != nil {
		return nil
	}
	return c.openReplica(ctx, true)
}
