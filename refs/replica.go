package refs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrNoReplica says that a repository has no tracker yet.
var ErrNoReplica = errors.New("no replica in this repository")

// Place says where a user's repository is. All paths are absolute.
type Place struct {
	GitDir    string // of this worktree
	CommonDir string // shared by all worktrees
	Worktree  string // top of this worktree; "" if there is none here
	Top       string // top of the main worktree, or the git dir if there is none
	Bare      bool   // there is no main worktree
	Format    Format
}

// Stamper is an Outer that tells cheaply whether refs have moved.
type Stamper interface {
	// Stamp stands for the refs of the replica, and those that the user's own
	// fetches brought of the remote's tracker, without reading one: two stamps
	// that are equal and not empty are of the same refs. It is empty where they
	// moved so lately that this cannot be told.
	Stamp(remote string) string
}

// Outer is the user's own repository, as far as a tracker needs it.
type Outer interface {
	// Where is the repository's place.
	Where() Place

	// SetConfig sets a value in the repository's own configuration.
	SetConfig(ctx context.Context, key, value string) error

	// HasRef reports whether the repository has a ref of exactly that name.
	HasRef(ctx context.Context, name string) bool

	// LastFetch is when the repository last fetched; zero if it never did since
	// it was cloned.
	LastFetch() time.Time

	// Copies are the tips that the user's own fetches brought of branches below
	// crosslink/: remote → name → tip. Nothing of them is checked. Where the
	// user's repository is no whole copy of what it fetched there are none.
	Copies(ctx context.Context, cfg Config, names []string) (map[string]map[string]OID, error)

	// File reads one file of a commit, of at most limit bytes.
	File(ctx context.Context, commit OID, path string, limit int) ([]byte, error)

	// OpenReplica opens the replica; if there is none it creates it or, without
	// create, returns ErrNoReplica. It names parts that were missing and have
	// been written again. Any number of processes may create at once: all get
	// the same good one. A creation that was killed leaves nothing that stops
	// the next one.
	OpenReplica(ctx context.Context, create bool) (r Replica, repaired []string, err error)

	// OpenWhole opens the replica and writes nothing. It returns ErrNoReplica if
	// any part is missing: somebody may be removing the clone.
	OpenWhole() (Replica, error)
}

// Replica is a clone's private repository, in which its tracker is kept.
type Replica interface {
	// Local is the replica's objects and refs. It is closed with the replica.
	Local() Local

	// Remote is the hub at an address. Nothing is asked before it is used: that
	// there is no such remote comes from Fetch and Push, as ErrNoRemote.
	Remote(a Address) Remote

	// Lock takes the lock called name (lower-case letters and dashes) and waits
	// for it at most wait. ok is false if somebody else has kept it. The lock
	// ends with unlock or with the process.
	Lock(ctx context.Context, name string, wait time.Duration) (unlock func(), ok bool, err error)

	// Path is a directory in which the caller may keep files that go with the
	// replica.
	Path() string

	// Whole reports whether the replica that was opened is still in its place,
	// and neither it nor the user's repository has lost a part.
	Whole() bool

	// TakeOver makes refs/outer/* what the user's repository has of the remote's
	// tracker branches. moved reports whether something is new there.
	TakeOver(ctx context.Context, remote string, cfg Config) (moved bool, err error)

	// Close ends what was started.
	Close() error
}

// Maintained is a Replica that has to be packed from time to time.
type Maintained interface {
	// MaintenanceDue estimates whether Maintain would do something.
	MaintenanceDue() bool

	// PackRefs packs refs if many are files of their own.
	PackRefs(ctx context.Context) error

	// Maintain packs refs and objects and removes what nobody can want, unless
	// there is little to do.
	Maintain(ctx context.Context) error
}

// Address says which hub is meant and how it may be reached.
type Address struct {
	Name   string // a remote of the configuration; "" if only a URL is known
	URL    string // without a name: a URL or path that url.*.insteadOf does not rewrite
	Config Config // how to connect
	Ask    bool   // passwords may be asked for on the terminal
}

// CheckLockName refuses what cannot be the name of a lock.
func CheckLockName(name string) error {
	if name == "" || name == "swap" || name == "packed-refs" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz-") != "" {
		return fmt.Errorf("bad lock name '%s'", name)
	}
	return nil
}
