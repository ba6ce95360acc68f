package refs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrNoReplica means that a repository has no tracker yet.
var ErrNoReplica = errors.New("no replica in this repository")

// Place is the location of a user's repository. All paths are absolute.
type Place struct {
	GitDir    string // of this worktree
	CommonDir string // shared by all worktrees
	Worktree  string // top of this worktree; "" if there is none here
	Top       string // top of the main worktree, or the git dir if there is none
	Bare      bool   // there is no main worktree
	Format    Format
}

// Stamper is an Outer that can check cheaply whether refs have moved.
type Stamper interface {
	// Stamp returns a stamp of the replica's refs, and of the tracker's refs that the
	// user's own fetches brought from the remote, without reading any ref: equal stamps
	// that are not empty mean equal refs. It is empty if refs moved so recently that this
	// cannot be decided.
	Stamp(remote string) string
}

// Outer is the part of the user's own repository that a tracker needs.
type Outer interface {
	// Where returns the repository's place.
	Where() Place

	// SetConfig sets a value in the repository's own configuration.
	SetConfig(ctx context.Context, key, value string) error

	// HasRef reports whether the repository has a ref of exactly that name.
	HasRef(ctx context.Context, name string) bool

	// LastFetch is when the repository last fetched; zero if it has not fetched since it
	// was cloned.
	LastFetch() time.Time

	// Copies returns the tips of branches below crosslink/ that the user's own fetches
	// brought: remote → name → tip. They are not checked. There are none if the user's
	// repository is not a complete copy of what it fetched.
	Copies(ctx context.Context, cfg Config, names []string) (map[string]map[string]OID, error)

	// File reads one file of a commit, of at most limit bytes.
	File(ctx context.Context, commit OID, path string, limit int) ([]byte, error)

	// OpenReplica opens the replica. If there is none, it creates it or, without create,
	// returns ErrNoReplica. It names parts that were missing and have been written again.
	// Any number of processes may create at once: all get the same valid replica. A
	// creation that was killed leaves nothing that blocks the next one.
	OpenReplica(ctx context.Context, create bool) (r Replica, repaired []string, err error)

	// OpenWhole opens the replica and writes nothing. It returns ErrNoReplica if
	// any part is missing: somebody may be removing the clone.
	OpenWhole() (Replica, error)
}

// Replica is a clone's private repository, which contains its tracker.
type Replica interface {
	// Local is the replica's objects and refs. It is closed with the replica.
	Local() Local

	// Remote returns the hub at an address. It checks nothing: Fetch and Push return
	// ErrNoRemote if there is no such remote.
	Remote(a Address) Remote

	// Lock takes the lock called name (lower-case letters and dashes) and waits for it at
	// most wait. ok is false if somebody else held it all that time. The lock ends with
	// unlock or with the process.
	Lock(ctx context.Context, name string, wait time.Duration) (unlock func(), ok bool, err error)

	// Path is a directory in which the caller may keep files that belong to the replica.
	Path() string

	// Whole reports whether the opened replica is still at its place, and neither it nor
	// the user's repository has lost a part.
	Whole() bool

	// TakeOver makes refs/outer/* a copy of the remote's tracker branches in the user's
	// repository. moved reports whether something changed.
	TakeOver(ctx context.Context, remote string, cfg Config) (moved bool, err error)

	// Close ends the processes that were started.
	Close() error
}

// Maintained is a Replica that has to be packed from time to time.
type Maintained interface {
	// MaintenanceDue estimates whether Maintain would do something.
	MaintenanceDue() bool

	// PackRefs packs refs if many are files of their own.
	PackRefs(ctx context.Context) error

	// Maintain packs refs and objects and removes objects that nobody can need, unless
	// there is little to do.
	Maintain(ctx context.Context) error
}

// Address is a hub and how it may be reached.
type Address struct {
	Name   string // a remote of the configuration; "" if only a URL is known
	URL    string // if there is no name: a URL or path that url.*.insteadOf does not rewrite
	Config Config // how to connect
	Ask    bool   // git may ask for passwords on the terminal
}

// CheckLockName refuses a string that cannot be the name of a lock.
func CheckLockName(name string) error {
	if name == "" || name == "swap" || name == "packed-refs" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") != "" {
		return fmt.Errorf("bad lock name '%s'", name)
	}
	return nil
}
