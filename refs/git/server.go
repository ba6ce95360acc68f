package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/refs"
)

// Server is a repository as its hook sees it during a push: Plumbing that also reads
// objects in quarantine. It writes nothing, because git allows no ref to move then.
type Server struct{ *Plumbing }

// NewServer opens the repository in which a hook runs. environ is the hook's own; the
// variables that locate the pushed objects are kept.
func NewServer(gitDir string, f refs.Format, environ []string) *Server {
	g := &runner{dir: gitDir, work: gitDir, env: innerEnv(environ)}
	for _, name := range []string{"GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH"} {
		if v := getenv(environ, name); v != "" { // git gives absolute paths
			g.env = append(g.env, name+"="+v)
		}
	}
	return &Server{newPlumbing(g, f)}
}

// ErrTooMany means that a push has more commits than are checked.
var ErrTooMany = errors.New("too many commits")

// Incoming lists the commits below tips that no ref of the repository has, each with its
// parents. It takes one git process; more than max commits are ErrTooMany.
func (s *Server) Incoming(ctx context.Context, tips []refs.OID, max int) (map[refs.OID][]refs.OID, error) {
	var in bytes.Buffer
	for _, t := range tips {
		if !s.form.Valid(t) {
			return nil, fmt.Errorf("bad object id '%s'", t)
		}
		in.WriteString(string(t) + "\n")
	}
	cmd := s.git.command(ctx, ownGroup, "rev-list", "--parents", fmt.Sprintf("--max-count=%d", max+1), "--stdin", "--not", "--all")
	cmd.Stdin = &in
	// Bounded, because a commit may name any number of parents.
	out := &limited{left: 256*max + 1<<20}
	cmd.Stdout = out
	if err := runCommand(ctx, cmd, "rev-list"); err != nil {
		if out.left < 0 {
			return nil, ErrTooMany
		}
		return nil, err
	}
	commits := map[refs.OID][]refs.OID{}
	for line := range strings.Lines(out.buf.String()) {
		ids := strings.Fields(line)
		list := make([]refs.OID, len(ids))
		for i, id := range ids {
			if list[i] = refs.OID(id); !s.form.Valid(list[i]) {
				return nil, fmt.Errorf("git rev-list: unexpected line '%.100s'", line)
			}
		}
		if len(list) > 0 {
			commits[list[0]] = list[1:]
		}
	}
	if len(commits) > max {
		return nil, ErrTooMany
	}
	return commits, nil
}

// limited collects a child's output, up to a number of bytes.
type limited struct {
	buf  bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, io.ErrShortBuffer
	}
	return l.buf.Write(p)
}

// IsAncestor reports whether old is tip or after it.
func (s *Server) IsAncestor(ctx context.Context, old, tip refs.OID) (bool, error) {
	if !s.form.Valid(old) || !s.form.Valid(tip) {
		return false, fmt.Errorf("bad object id '%s' or '%s'", old, tip)
	}
	_, err := s.git.run(ctx, nil, "merge-base", "--is-ancestor", string(old), string(tip))
	if ge, ok := errors.AsType[*Error](err); ok && ge.Exit == 1 {
		return false, nil
	}
	return err == nil, err
}

// Settings reads the server's own settings, crosslink.*, in one git process.
func (s *Server) Settings(ctx context.Context) (refs.Config, error) {
	out, err := s.git.run(ctx, nil, "config", "-z", "--get-regexp", `^crosslink\.`)
	if ge, ok := errors.AsType[*Error](err); ok && ge.Exit == 1 {
		return nil, nil // none is set
	}
	if err != nil {
		return nil, err
	}
	var c refs.Config
	for entry := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		key, value, _ := strings.Cut(entry, "\n")
		c = append(c, refs.Setting{Key: key, Value: value})
	}
	return c, nil
}

// Sizes adds up the sizes of objects, without reading them, in one git process. A missing
// object has no size.
func (s *Server) Sizes(ctx context.Context, ids []refs.OID) (total int64, err error) {
	var in bytes.Buffer
	for _, id := range ids {
		if !s.form.Valid(id) {
			return 0, fmt.Errorf("bad object id '%s'", id)
		}
		in.WriteString(string(id) + "\n")
	}
	out, err := s.git.run(ctx, in.Bytes(), "cat-file", "--batch-check=%(objectsize)")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(out)) {
		if n, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64); err == nil {
			total += n
		}
	}
	return total, nil
}
