package refs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A turn is one process's right to run `update-ref` in a repository, and the
// reason why nothing ever needs repair.
//
// git leaves its <ref>.lock behind when it is killed outright, and then nobody
// can move that ref again until a person removes the file. So the rules are:
//
//   - a turn is an flock on <git dir>/swap.lock. The child inherits it: the
//     turn lasts until both parent and child have ended, however they end;
//   - the file says which refs are about to be locked, and is emptied when the
//     turn ends in order. Whoever finds names in it follows a pair that was
//     killed, and removes the lock files of exactly those refs;
//   - power loss may lose the names but not the lock file, so while a turn is
//     held, when nobody of ours can be at work, a lock that is older than
//     staleLock is removed as well. A younger one belongs to a git of somebody
//     else (gc, pack-refs): it is respected, and waited for.
type turn struct {
	p     *Plumbing
	f     *os.File
	names []byte // what the file says
}

const (
	turnPatience = 30 * time.Second
	staleLock    = time.Minute
)

func (p *Plumbing) takeTurn(ctx context.Context, ups []Update) (*turn, error) {
	path := filepath.Join(p.git.dir, "swap.lock")
	f, ok, err := flock(ctx, path, turnPatience)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("move '%s': %w", ups[0].Ref, ErrLocked)
	}
	t := &turn{p: p, f: f}
	if err := t.recover(); err != nil {
		f.Close()
		return nil, err
	}
	for _, u := range ups {
		t.names = append(t.names, u.Ref+"\n"...)
	}
	if _, err := f.WriteAt(t.names, 0); err != nil {
		t.end()
		return nil, err
	}
	return t, nil
}

// maxTurn bounds what is read of a file that may hold anything after a crash.
const maxTurn = 4 << 20

// recover removes the lock files of a killed predecessor.
func (t *turn) recover() error {
	st, err := t.f.Stat()
	if err != nil || st.Size() == 0 {
		return err
	}
	b := make([]byte, min(st.Size(), maxTurn))
	if _, err := t.f.ReadAt(b, 0); err != nil {
		return err
	}
	for name := range strings.Lines(string(b)) {
		name, whole := strings.CutSuffix(name, "\n")
		if !whole || CheckRefName(name) != nil {
			continue
		}
		os.Remove(t.lockPath(name)) // nearly always absent; if it cannot go, the swap says so
	}
	return t.f.Truncate(0)
}

func (t *turn) lockPath(ref string) string {
	return filepath.Join(t.p.git.dir, filepath.FromSlash(ref)+".lock")
}

func (t *turn) end() {
	t.f.Truncate(0)
	t.f.Close()
}

// updateRef runs one transaction. The child holds the turn too.
func (t *turn) updateRef(ctx context.Context, script []byte) error {
	cmd := t.p.git.command(ctx, ownGroup, "update-ref", "--no-deref", "--stdin")
	cmd.Stdin = strings.NewReader(string(script))
	cmd.ExtraFiles = []*os.File{t.f}
	err := runCommand(ctx, cmd, "update-ref")
	if ge, ok := errors.AsType[*GitError](err); ok && ge.Exit < 0 {
		// the child was killed, this process was not: its locks are nobody's
		if err := t.recover(); err != nil {
			return err
		}
		if _, err := t.f.WriteAt(t.names, 0); err != nil {
			return err
		}
	}
	return err
}

// lockHeld reports whether a lock file of these refs is there, after removing
// those that nobody alive can hold.
func (t *turn) lockHeld(ups []Update) bool {
	held := false
	paths := []string{filepath.Join(t.p.git.dir, "packed-refs.lock")}
	for _, u := range ups {
		paths = append(paths, t.lockPath(u.Ref))
	}
	now, err := t.now()
	for _, path := range paths {
		st, serr := os.Lstat(path)
		if serr != nil {
			continue
		}
		held = true
		if err == nil && now.Sub(st.ModTime()) > staleLock {
			os.Remove(path)
		}
	}
	return held
}

// now is the file system's clock, which need not be ours.
func (t *turn) now() (time.Time, error) {
	if _, err := t.f.WriteAt(t.names, 0); err != nil {
		return time.Time{}, err
	}
	st, err := t.f.Stat()
	if err != nil {
		return time.Time{}, err
	}
	return st.ModTime(), nil
}

func jitter(d time.Duration) time.Duration { return rand.N(d + 1) }
