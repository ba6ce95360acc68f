package refs

import (
	"bytes"
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
//   - this process itself (Native) is killed where git as a child would go on
//     to the end. So before it moves the first of several refs it writes down
//     what each will be: whoever finds that finishes the moves, if the lock
//     files still hold just those ids;
//   - power loss may lose the names but not the lock file, so while a turn is
//     held, when nobody of ours can be at work, a lock that is older than
//     staleLock is removed as well. A younger one belongs to a git of somebody
//     else (gc, pack-refs): it is respected, and waited for.
type turn struct {
	git   *git
	f     *os.File
	names []byte // what the file says
}

const (
	turnPatience = 30 * time.Second
	staleLock    = time.Minute
)

func takeTurn(ctx context.Context, g *git, ups []Update) (*turn, error) {
	path := filepath.Join(g.dir, "swap.lock")
	f, ok, err := flock(ctx, path, turnPatience)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("move '%s': %w", ups[0].Ref, ErrLocked)
	}
	t := &turn{git: g, f: f}
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

// recover removes the lock files of a killed predecessor, after finishing the
// moves that it had begun to make.
func (t *turn) recover() error {
	st, err := t.f.Stat()
	if err != nil || st.Size() == 0 {
		return err
	}
	b := make([]byte, min(st.Size(), maxTurn))
	if _, err := t.f.ReadAt(b, 0); err != nil {
		return err
	}
	if bytes.HasSuffix(b, []byte("\n"+allDecided)) {
		for line := range strings.Lines(string(b)) {
			if id, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " "); ok && CheckRefName(name) == nil {
				t.finish(name, id)
			}
		}
		return t.f.Truncate(0) // other locks are not that pair's
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

// allDecided is the last line of a turn whose refs are being moved.
const allDecided = "decided\n"

// decided writes down what the refs will be: from here on the moves are made,
// by this process or by whoever takes the next turn. The names stand before
// it, so half of it is as good as nothing.
func (t *turn) decided(moves []Update) error {
	var b bytes.Buffer
	for _, u := range moves {
		fmt.Fprintf(&b, "%s %s\n", u.New, u.Ref)
	}
	b.WriteString(allDecided)
	_, err := t.f.WriteAt(b.Bytes(), int64(len(t.names)))
	return err
}

// undecided takes back what decided wrote: the process is alive, and what is
// left of the moves is up to it again.
func (t *turn) undecided() error { return t.f.Truncate(int64(len(t.names))) }

// finish makes one move of a killed predecessor.
func (t *turn) finish(name, id string) {
	lock := t.lockPath(name)
	if b, err := os.ReadFile(lock); err != nil || string(b) != id+"\n" {
		return // made already; a lock with another content is somebody else's
	}
	if err := os.Rename(lock, t.refPath(name)); err != nil {
		os.Remove(lock)
	}
}

func (t *turn) lockPath(ref string) string { return t.refPath(ref) + ".lock" }

func (t *turn) refPath(ref string) string { return filepath.Join(t.git.dir, filepath.FromSlash(ref)) }

func (t *turn) end() {
	t.f.Truncate(0)
	t.f.Close()
}

// updateRef runs one transaction. The child holds the turn too.
func (t *turn) updateRef(ctx context.Context, script []byte) error {
	cmd := t.git.command(ctx, ownGroup, "update-ref", "--no-deref", "--stdin")
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
	paths := []string{filepath.Join(t.git.dir, "packed-refs.lock")}
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
