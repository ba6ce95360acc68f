package hooks

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/internal/system"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// The hooks that git calls. "Any" is used in git's configuration, where one command serves
// all hooks and does not learn which one it is.
const (
	PrePush     = "pre-push"
	PostMerge   = "post-merge"
	PostRewrite = "post-rewrite"
	Any         = "any"
)

// Names are the hooks that are installed.
var Names = []string{PostMerge, PostRewrite, PrePush}

// The events that the remote helper reports when its exchange with git is over.
const (
	Fetched = "fetched"
	Pushed  = "pushed"
	Cloned  = "cloned" // the only one that waits for the sync, because people expect to find the tracker
	// Enrolled follows a clone of a hub that has no tracker: nothing is synced.
	Enrolled = "enrolled"
)

// Known reports whether there is a hook with that name.
func Known(name string) bool {
	return slices.Contains([]string{PrePush, PostMerge, PostRewrite, Any, Fetched, Pushed}, name)
}

// Call is one call of a hook.
type Call struct {
	Name    string
	Args    []string // as git gives them
	Stdin   io.Reader
	Dir     string   // "" is the process's
	Environ []string // nil is the process's
	Program string   // git-crosslink's own path
	Words   []string // git's command line; nil: look at our ancestors
}

// Stop explains why a push must not continue.
type Stop struct {
	Remote           string
	Removed, Rewound []string // branches, below refs/heads/
}

// maxNamed bounds how many branches an explanation names.
const maxNamed = 3

// Error is the explanation in one line.
func (s *Stop) Error() string {
	what, all := "delete", s.Removed
	if len(all) == 0 {
		what, all = "rewind", s.Rewound
	}
	named := "'" + strings.Join(all[:min(len(all), maxNamed)], "', '") + "'"
	if n := len(all) - maxNamed; n > 0 {
		named += fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("nothing was pushed: the push would %s the tracker on '%s': %s", what, s.Remote, named)
}

// Refusal returns the same as an error of the command.
func (s *Stop) Refusal() *fail.Error {
	return &fail.Error{Kind: fail.No, Code: "tracker-lost", Message: s.Error(), Fields: fail.Fields{"remote": s.Remote}, Err: s}
}

// Run runs a hook and returns a Stop if the push must not continue, otherwise nil. It takes
// a few milliseconds, and its failures are silent.
func Run(ctx context.Context, c Call) *Stop {
	if c.Environ == nil {
		c.Environ = os.Environ()
	}
	if lookup(c.Environ, git.InnerVariable) != "" {
		return nil // one of our own git commands
	}
	name := c.Name
	if name == Any {
		name = told(c.Args)
	}
	replica, ok := replicaNear(c.Dir, c.Environ)
	switch {
	case name == PrePush:
		lost := dangerous(c.Stdin)
		if !ok && len(lost) == 0 {
			return nil
		}
		mirror := mirrors(ctx, c, filepath.Dir(filepath.Dir(replica)))
		if len(lost) == 0 && !mirror {
			break
		}
		if stop := judge(ctx, c, lost, mirror); stop != nil {
			return stop
		}
	case name == PostRewrite && len(c.Args) > 0 && c.Args[0] == "amend":
		return nil // a commit: nothing to fetch or send
	}
	if !ok {
		return nil
	}
	statefile.Touch(filepath.Dir(replica))
	if waiting(replica) {
		return nil
	}
	_ = tracker.Detach(c.Program, c.Dir, c.Environ)
	return nil
}

// told determines which configured hook runs, by its arguments: pre-push has a remote and
// its URL, post-merge 0 or 1, post-rewrite 'amend' or 'rebase'.
func told(args []string) string {
	switch {
	case len(args) == 2:
		return PrePush
	case len(args) == 1 && (args[0] == "amend" || args[0] == "rebase"):
		return PostRewrite
	}
	return PostMerge
}

// update is one line of pre-push's input: a ref of the remote, and its new value.
type update struct {
	ref, from, to string
}

// branches is the prefix of a hub's tracker branches.
const branches = "refs/heads/crosslink/"

// dangerous reads the pushed refs and returns those that would delete a tracker branch, or
// could rewind it. Invalid lines are skipped, so that the others are still read.
func dangerous(stdin io.Reader) []update {
	if stdin == nil {
		return nil
	}
	var all []update
	in := bufio.NewScanner(stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		f := strings.Fields(in.Text()) // local ref, local id, remote ref, remote id
		if len(f) != 4 || !strings.HasPrefix(f[2], branches) || zero(f[3]) {
			continue
		}
		all = append(all, update{ref: f[2], from: f[3], to: f[1]})
	}
	return all
}

func zero(id string) bool { return strings.Trim(id, "0") == "" }

// judge makes further checks, which a push of ordinary branches never needs: which remote
// it is, and whether a move is a fast-forward.
func judge(ctx context.Context, c Call, all []update, mirror bool) *Stop {
	s := &Stop{}
	url := ""
	if len(c.Args) > 0 {
		s.Remote = c.Args[0]
	}
	if len(c.Args) > 1 {
		url = c.Args[1]
	}
	var seen []string // branches of the hub
	if t, err := tracker.Open(ctx, tracker.Options{Dir: c.Dir, Environ: c.Environ}); err == nil {
		defer t.Close()
		if name, hub := t.Hub(); name != "" && name != s.Remote && hub != url {
			return nil // a copy elsewhere is up to the user
		}
		if mirror {
			seen = t.HubBranches(ctx)
		}
	}
	o, err := git.Discover(ctx, c.Dir, c.Environ)
	for _, name := range seen {
		if err == nil && !o.HasRef(ctx, "refs/heads/"+name) {
			s.Removed = append(s.Removed, name)
		}
	}
	for _, u := range all {
		name := strings.TrimPrefix(u.ref, "refs/heads/")
		switch {
		case zero(u.to) && slices.Contains(s.Removed, name):
		case zero(u.to):
			s.Removed = append(s.Removed, name)
		case err == nil && !o.Contains(ctx, u.to, u.from):
			s.Rewound = append(s.Rewound, name)
		}
	}
	if len(s.Removed)+len(s.Rewound) == 0 {
		return nil
	}
	return s
}

// replicaNear finds the replica of the repository for which a hook runs, as cheaply as
// possible: git calls its hooks at the top of the worktree, or names the repository in
// GIT_DIR. Without a replica there is nothing to sync.
func replicaNear(dir string, environ []string) (string, bool) {
	if dir == "" {
		dir = "."
	}
	gitDir := lookup(environ, "GIT_DIR")
	if gitDir == "" {
		gitDir = gitDirOf(dir)
	} else if !filepath.IsAbs(gitDir) {
		gitDir = filepath.Join(dir, gitDir)
	}
	if b, err := os.ReadFile(filepath.Join(gitDir, "commondir")); err == nil {
		gitDir = below(gitDir, strings.TrimSuffix(string(b), "\n"))
	}
	replica := filepath.Join(gitDir, "crosslink", "replica.git")
	st, err := os.Stat(replica)
	return replica, err == nil && st.IsDir()
}

// gitDirOf returns the git directory of the worktree with top dir, or the one that contains
// dir.
func gitDirOf(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return dir
	}
	for at := abs; ; at = filepath.Dir(at) {
		dotGit := filepath.Join(at, ".git")
		if st, err := os.Stat(dotGit); err == nil {
			if st.IsDir() {
				return dotGit
			}
			if b, err := os.ReadFile(dotGit); err == nil {
				if to, ok := strings.CutPrefix(strings.TrimSuffix(string(b), "\n"), "gitdir: "); ok {
					return below(at, to)
				}
			}
		}
		if at == filepath.Dir(at) {
			return abs // perhaps a bare repository
		}
	}
}

func below(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func lookup(environ []string, name string) string {
	for i := len(environ) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(environ[i], name+"="); ok {
			return v
		}
	}
	return ""
}

// waiting reports whether a detached sync of this replica has not begun yet: it will
// include the changes of this hook.
func waiting(replica string) bool {
	f, err := statefile.Open(filepath.Join(replica, "next.lock"))
	if err != nil {
		return false
	}
	defer f.Close()
	ok, err := system.TryLock(f, false)
	return !ok && err == nil
}
