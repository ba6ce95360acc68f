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
//   - no sync follows in a session that this program started itself, outside a repository, if
//     there is no tracker, for a remote without a name, for a lazy fetch of missing blobs, after
//     a failure, or if `crosslink.sync` is manual (except after a clone);
//   - after a clone of a hub that lists no tracker branch, the remote is enrolled and nothing
//     else is done. If a later fetch brings tracker branches, the next command is treated
//     like a clone;
//   - a fetch that brings nothing only asks for refs, as `ls-remote` does. A sync follows it
//     only if something may be unsent here, or if the remote's refspec leaves out the tracker's
//     branches, so that git would not have noticed that they moved;
//   - a short-lived process starts the sync, and the helper waits for that process, because
//     nobody else would reap it if process 1 reaps nothing, as in many containers. The sync
//     itself has its own session and none of our streams, so nobody waits for it. Only in CI,
//     where such a process would be killed, and after a clone does the helper wait a little;
//   - the result of the sync does not matter here.

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

// familyVariable names the address family by which a sync connects (refs.FamilyVariable).
const familyVariable = "GIT_CROSSLINK_FAMILY"

// How long the helper waits for a sync, and for the process that starts a sync without
// waiting. A sync that has not ended by then continues.
const (
	patience      = 40 * time.Second
	shortPatience = time.Second
)

// event is the event that the sync gets, "" if no sync follows.
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

// hasTracker reports whether the replica has any ref, of the hub or of its own.
func hasTracker(home string) bool {
	replica := filepath.Join(home, "replica.git")
	return isDir(filepath.Join(replica, "refs", "heads", "crosslink")) || isDir(filepath.Join(replica, "refs", "hub")) ||
		isFile(filepath.Join(replica, "packed-refs"))
}

// home is the directory in which the repository keeps its tracker, if it has one; ""
// outside of a repository, or if the tracker itself runs git.
func (s *Session) home() string {
	gitDir, _ := s.getenv("GIT_DIR")
	if _, inner := s.getenv(innerVariable); inner || gitDir == "" {
		return ""
	}
	return filepath.Join(commonDir(gitDir), "crosslink")
}

// lazy reports whether git fetches objects that a partial clone lacks: then it negotiates
// nothing, and handles the result itself.
func (s *Session) lazy() bool {
	v, _ := s.Config.Get("fetch.negotiationalgorithm")
	given, _ := s.getenv("GIT_CONFIG_PARAMETERS")
	return v == "noop" && strings.Contains(strings.ToLower(given), "fetch.negotiationalgorithm")
}

// seesTracker reports whether the remote's refspec includes the tracker's branches.
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

// unsent reports whether the replica may have a log that the hub lacks. It compares the
// tips that have their own file, without starting a process. A packed tip has not moved for
// a long time.
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
