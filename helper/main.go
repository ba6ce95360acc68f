package helper

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// Main is git-remote-crosslink: args are its own name, the remote's and the
// URL. It returns the exit status.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) < 2 || len(args) > 3 || strings.HasPrefix(args[1], "-") {
		fmt.Fprint(stderr, `usage: git remote-crosslink <remote> [<url>]

git runs this for remotes that were enrolled with 'git crosslink init --helper'
and for URLs that begin with 'crosslink::'. See git-remote-crosslink(1).
`)
		return 129
	}
	// The program mostly waits, so more threads would only cost time.
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(-1)
	s := &Session{Name: args[1], Env: os.Environ(), In: stdin, Out: stdout, Err: stderr}
	if len(args) == 3 {
		s.URL = args[2]
	}
	var err error
	if s.Config, err = s.ReadConfig(); err != nil {
		// git has reported the reason, or will when the inner command asks
		s.Config = nil
	}
	if home := s.home(); home != "" {
		statefile.Touch(home)
	}
	first := s.Prefixed() && s.isNew()
	if err := s.keepPassword(first); err != nil {
		s.listen()
		fmt.Fprintf(stderr, "fatal: %s\n", err)
		fmt.Fprintln(stderr, "hint: use the plain URL, or enrol the remote: git crosslink init --helper")
		return statusFatal
	}
	branches := &listing{to: stdout, asked: func() bool { return s.seen.traffic().Fetched }}
	if first {
		s.Out = branches
	}
	traffic, status := s.Run()
	if status == 0 {
		traffic.NoTracker = first && traffic.Listed && !traffic.Partial && !branches.found
		if event := s.event(traffic, first); event != "" {
			s.follow(event, traffic.Family)
		}
	}
	return status
}

// named reports whether the configuration has a remote of this name.
func (s *Session) named() bool {
	return len(s.Config.All("remote."+s.Name+".url")) > 0
}

// isNew reports whether this is a clone: a named remote in a repository that
// has no ref yet.
func (s *Session) isNew() bool {
	if _, ok := s.getenv("GIT_DIR"); !ok || !s.named() {
		return false
	}
	cmd := exec.Command("git", "for-each-ref", "--count=1")
	cmd.Env = s.Env
	out, err := cmd.Output()
	return err == nil && len(out) == 0
}

// keepPassword refuses a prefixed URL with a password: git hides passwords only in URLs it
// knows, so it would print this one, and write it to FETCH_HEAD. A clone does neither.
func (s *Session) keepPassword(first bool) error {
	if s.Prefixed() && !first && password(s.URL) {
		return errors.New("git would show the password in this 'crosslink::' URL")
	}
	return nil
}
