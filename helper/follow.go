package helper

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/internal/system"
)

// This file decides whether a sync follows, and starts it. The rules are:
//
//   - none in a session that this program started itself, outside a
//     repository, where there is no tracker, for a remote without a name, for a
//     lazy fetch of missing blobs, after a failure, or where `crosslink.sync`
//     is manual (but after a clone);
//   - after a clone of a hub that names no branch of a tracker, the remote is
//     enrolled and nothing else is done. If a later fetch brings branches of a
//     tracker, the next command is followed as a clone is;
//   - a fetch that brings nothing asks for refs only, as `ls-remote` does. It
//     is followed by a sync only if something may be unsent here, or if the
//     remote's refspec leaves out the tracker's branches, so that git would
//     not have seen that they moved;
//   - the sync is started by a process that ends at once and is waited for:
//     nobody else would reap it where process 1 reaps nothing, as in many a
//     container. The sync itself is in a session of its own with no stream of
//     ours, so that nobody waits for it; only where such a process would be
//     killed (CI) and after a clone it is waited for, a little;
//   - what becomes of it is nobody's concern here.

// The events after which a sync follows, as `git-crosslink hook` knows them.
const (
	fetched = "fetched"
	pushed  = "pushed"
	// git still waits after these two, so that its configuration can be changed
	cloned   = "cloned"
	enrolled = "enrolled" // no tracker was cloned
)

// innerVariable is set in every git that the tracker starts.
const innerVariable = "CROSSLINK_INNER"

// familyVariable says by which addresses a sync connects (refs.FamilyVariable).
const familyVariable = "GIT_CROSSLINK_FAMILY"

// How long a sync that is waited for may take, and the process that starts one
// that is not; it continues after that, if it does not end by itself.
const (
	patience      = 40 * time.Second
	shortPatience = time.Second
)

// event is what the sync is told happened, "" if none follows.
func (s *Session) event(t Traffic, first bool) string {
	home := s.home()
	sync, _ := s.Config.Get("crosslink.sync")
	switch {
	case home == "" || !s.named() || s.lazy():
		return ""
	case first && t.NoTracker:
		return enrolled
	case first:
		return cloned
	case sync == "manual":
		return ""
	case !hasTracker(home):
		if (t.Listed || t.Pushed) && !s.Prefixed() && isDir(filepath.Join(filepath.Dir(home), "refs", "remotes", s.Name, "crosslink")) {
			return cloned
		}
		return ""
	case t.Pushed:
		return pushed
	case t.Fetched, t.Listed && (unsent(home) || !s.seesTracker()):
		return fetched
	}
	return ""
}

// hasTracker reports whether the replica holds any ref, of the hub or of its own.
func hasTracker(home string) bool {
	replica := filepath.Join(home, "replica.git")
	return isDir(filepath.Join(replica, "refs", "heads", "crosslink")) || isDir(filepath.Join(replica, "refs", "hub")) ||
		isFile(filepath.Join(replica, "packed-refs"))
}

// home is where the repository keeps its tracker, if it has one; "" outside of a
// repository, and where the tracker itself runs git.
func (s *Session) home() string {
	gitDir, _ := s.getenv("GIT_DIR")
	if _, inner := s.getenv(innerVariable); inner || gitDir == "" {
		return ""
	}
	return filepath.Join(commonDir(gitDir), "crosslink")
}

// lazy reports whether git fetches what a partial clone lacks: it then
// negotiates nothing, and reports it to itself.
func (s *Session) lazy() bool {
	v, _ := s.Config.Get("fetch.negotiationalgorithm")
	given, _ := s.getenv("GIT_CONFIG_PARAMETERS")
	return v == "noop" && strings.Contains(strings.ToLower(given), "fetch.negotiationalgorithm")
}

// seesTracker reports whether what is fetched from the remote includes the
// tracker's branches.
func (s *Session) seesTracker() bool {
	sees := false
	for _, refspec := range s.Config.All("remote." + s.Name + ".fetch") {
		src, _, _ := strings.Cut(strings.TrimPrefix(refspec, "+"), ":")
		switch src {
		case "refs/heads/*", "refs/*", "refs/heads/crosslink/*":
			sees = true
		}
		if strings.HasPrefix(src, "^refs/heads/crosslink") {
			return false
		}
	}
	return sees
}

// unsent reports whether the replica may hold a log that the hub has not: the
// tips as they lie in files, without a process. A tip that has been packed has
// rested for long.
func unsent(home string) bool {
	replica := filepath.Join(home, "replica.git", "refs")
	here := filepath.Join(replica, "heads", "crosslink", "agents")
	entries, err := os.ReadDir(here)
	if err != nil {
		return false
	}
	for _, e := range entries {
		own, err := statefile.Read(filepath.Join(here, e.Name()), 256)
		if err != nil || strings.HasSuffix(e.Name(), ".lock") {
			continue
		}
		hub, err := statefile.Read(filepath.Join(replica, "hub", "agents", e.Name()), 256)
		if err != nil || string(hub) != string(own) {
			return true
		}
	}
	return false
}

func commonDir(gitDir string) string {
	b, err := os.ReadFile(filepath.Join(gitDir, "commondir"))
	if err != nil {
		return gitDir
	}
	dir := strings.TrimRight(string(b), "\n")
	if filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(gitDir, dir)
}

// follow starts `git-crosslink hook <event> <remote>`, the program beside
// this one or else on PATH. Its sync connects by the same family of addresses.
func (s *Session) follow(event, family string) {
	program, err := exec.LookPath("git-crosslink")
	if self, e := os.Executable(); e == nil {
		if beside := filepath.Join(filepath.Dir(self), "git-crosslink"); isFile(beside) {
			program, err = beside, nil
		}
	}
	if err != nil {
		return
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer null.Close()
	cmd := exec.Command(program, "hook", event, s.Name)
	gitDir, _ := s.getenv("GIT_DIR")
	if gitDir, err = filepath.Abs(gitDir); err != nil {
		return
	}
	cmd.Env = append(append([]string(nil), s.Env...), "GIT_DIR="+gitDir, "GIT_TERMINAL_PROMPT=0")
	if family != "" {
		cmd.Env = append(cmd.Env, familyVariable+"="+family)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = null, null, null
	system.NewSession(cmd)
	if cmd.Start() != nil {
		return
	}
	limit := shortPatience
	if ci, _ := s.getenv("CI"); ci != "" || event == cloned || event == enrolled {
		limit = patience
	}
	done := make(chan struct{})
	go func() {
		cmd.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(limit):
	}
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}
