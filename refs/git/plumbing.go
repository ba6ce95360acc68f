package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/fault"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/disk"
)

// Plumbing implements Local with git itself: one long-lived `cat-file --batch` for reads,
// one `unpack-objects` per Write, one `update-ref --stdin` per Swap, one `for-each-ref` per
// Refs. It works wherever git works.
type Plumbing struct {
	git  *runner
	form refs.Format
	cat  *catFile
	swap sync.Mutex // goroutines wait here, processes at the flock

	prune disk.PruneLock
}

var _ refs.Local = (*Plumbing)(nil)

// NewPlumbing opens the repository at gitDir (absolute). Commands run in workDir with
// environ, without the variables that locate a repository. Nothing is started or written
// until the first call.
func NewPlumbing(gitDir, workDir string, f refs.Format, environ []string) *Plumbing {
	return newPlumbing(&runner{dir: gitDir, work: workDir, env: innerEnv(environ)}, f)
}

func newPlumbing(g *runner, f refs.Format) *Plumbing {
	return &Plumbing{git: g, form: f, cat: &catFile{git: g, form: f}}
}

// Format implements Local.
func (p *Plumbing) Format() refs.Format { return p.form }

// Close implements Local.
func (p *Plumbing) Close() error {
	p.prune.Release()
	p.cat.close()
	return nil
}

// Refs implements Local.
func (p *Plumbing) Refs(ctx context.Context, prefix string) ([]refs.Ref, error) {
	// git matches whole components only: ask for the directory and filter.
	args := []string{"for-each-ref", "--format=%(objectname) %(refname)"}
	if err := refs.CheckPrefix(prefix); err != nil {
		return nil, err
	}
	if i := strings.LastIndexByte(prefix, '/'); i > 0 {
		args = append(args, prefix[:i])
	}
	out, err := p.git.run(ctx, nil, args...)
	if err != nil {
		return nil, err
	}
	var found []refs.Ref
	for line := range strings.Lines(string(out)) {
		id, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !ok || !p.form.Valid(refs.OID(id)) {
			return nil, fmt.Errorf("git for-each-ref: unexpected line '%s'", line)
		}
		if strings.HasPrefix(name, prefix) {
			found = append(found, refs.Ref{Name: name, OID: refs.OID(id)})
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].Name < found[j].Name })
	return found, nil
}

// Read implements Local.
func (p *Plumbing) Read(ctx context.Context, ids []refs.OID, limit int64, each func(int, refs.Object, error) error) error {
	if len(ids) == 0 {
		return nil
	}
	return p.cat.read(ctx, ids, limit, each)
}

// writeTries is how often a write is tried: gc may remove an empty fan-out directory
// between git's mkdir and its open. Then git fails, and the same command works a moment
// later.
const writeTries = 4

// Write implements Local.
func (p *Plumbing) Write(ctx context.Context, objs []refs.Object) ([]refs.OID, error) {
	if len(objs) == 0 {
		return nil, nil
	}
	ids, err := p.form.IDs(objs)
	if err != nil {
		return nil, err
	}
	if err := p.prune.Share(ctx, p.git.dir); err != nil {
		return nil, err
	}
	pack := encodePack(p.form, objs)
	for try := 1; ; try++ {
		err := fault.Error("refs.write.before")
		if err == nil {
			_, err = p.git.run(ctx, pack, "unpack-objects", "-q")
		}
		fault.Point("refs.write.unpacked")
		if err == nil {
			err = p.settle(ctx, ids)
		}
		if err == nil {
			fault.Point("refs.write.after")
			return ids, nil
		}
		if ctx.Err() != nil || try == writeTries {
			return nil, fmt.Errorf("write objects: %w", err)
		}
		disk.Pause(ctx, try)
	}
}

// settle makes sure that the objects exist and that their directory entries survive power
// loss: git syncs files but never directories.
func (p *Plumbing) settle(ctx context.Context, ids []refs.OID) error {
	dirs := make(map[string]bool)
	var elsewhere []refs.OID // packed, or stored elsewhere before
	for _, id := range ids {
		dir := filepath.Join(p.git.dir, "objects", string(id[:2]))
		if _, err := os.Lstat(filepath.Join(dir, string(id[2:]))); err == nil {
			dirs[dir] = true
		} else {
			elsewhere = append(elsewhere, id)
		}
	}
	for dir := range dirs {
		if err := disk.SyncDir(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if len(dirs) > 0 {
		if err := disk.SyncDir(filepath.Join(p.git.dir, "objects")); err != nil {
			return err
		}
	}
	// Limit 0: "too large" means that the object exists.
	return p.Read(ctx, elsewhere, 0, func(_ int, _ refs.Object, err error) error {
		if err != nil && !errors.Is(err, refs.ErrTooLarge) {
			return err
		}
		return nil
	})
}

// Swap implements Local.
func (p *Plumbing) Swap(ctx context.Context, ups []refs.Update) error {
	if len(ups) == 0 {
		return nil
	}
	if err := refs.CheckUpdates(p.form, ups); err != nil {
		return err
	}
	moves := slices.DeleteFunc(slices.Clone(ups), func(u refs.Update) bool { return u.Old == u.New })
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	p.swap.Lock()
	defer p.swap.Unlock()
	lock, err := disk.TakeSwapLock(ctx, p.git.dir, moves)
	if err != nil {
		return fmt.Errorf("move '%s': %w", ups[0].Ref, err)
	}
	defer lock.Release()

	// From here on the outcome must be known, so the context is ignored.
	ctx = context.WithoutCancel(ctx)
	if err := fault.Error("refs.swap.before"); err != nil {
		return err
	}
	looked := len(ups) > 1 || len(moves) < len(ups)
	if looked {
		// Refs that are only verified are read, not locked: no process of ours moves a ref
		// without the swap lock, and a lock that git could not remove would block
		// everybody. If all refs had their Old value, a failed move was half made and not a
		// conflict.
		if again, err := p.explain(ctx, ups, lock); err != nil && !again {
			return err
		}
		if len(moves) == 0 {
			return nil
		}
	}
	if err := p.transact(ctx, lock, moves, looked); err != nil {
		return err
	}
	fault.Point("refs.swap.moved")
	if err := disk.SyncRefs(p.git.dir, ups); err != nil {
		return err
	}
	fault.Point("refs.swap.after")
	p.prune.Release()
	return nil
}

// updateRef runs one transaction. The child holds the swap lock too.
func (p *Plumbing) updateRef(ctx context.Context, lock *disk.SwapLock, script []byte) error {
	cmd := p.git.command(ctx, ownGroup, "update-ref", "--no-deref", "--stdin")
	cmd.Stdin = bytes.NewReader(script)
	cmd.ExtraFiles = []*os.File{lock.File()}
	err := runCommand(ctx, cmd, "update-ref")
	if ge, ok := errors.AsType[*Error](err); ok && ge.Exit < 0 {
		if err := lock.ChildKilled(); err != nil {
			return err
		}
	}
	return err
}

// transact makes git move the refs, in one transaction if nothing prevents it. looked means
// that all refs had their Old value.
func (p *Plumbing) transact(ctx context.Context, lock *disk.SwapLock, moves []refs.Update, looked bool) error {
	first := moves[0].Ref
	deadline := time.Now().Add(disk.SwapPatience)
	for try := 1; ; try++ {
		err := p.updateRef(ctx, lock, swapScript(p.form, moves))
		if err == nil {
			return nil
		}
		// git moves the refs of a transaction one by one. If it was killed or met a broken
		// disk between two moves, the other moves are made now: if this counted as a
		// conflict, the caller would repeat moves that are already made.
		if ge, ok := errors.AsType[*Error](err); looked || ok && ge.Exit < 0 {
			rest, ferr := p.forward(ctx, moves)
			if ferr != nil || len(rest) == 0 {
				return ferr
			}
			moves = rest
		}
		again, why := p.explain(ctx, moves, lock)
		if why != nil {
			return why
		}
		if !again && try >= 3 {
			return fmt.Errorf("move '%s': %w", first, err)
		}
		if time.Now().After(deadline) {
			return lock.Held(moves, err)
		}
		disk.Pause(ctx, min(try, 5))
	}
}

// SwapInOrder implements Local. It is also one transaction.
func (p *Plumbing) SwapInOrder(ctx context.Context, ups []refs.Update) error { return p.Swap(ctx, ups) }

// forward returns the moves that a failed transaction has not made yet. Those already made
// are always the first ones: nobody else moves refs while we hold the swap lock.
func (p *Plumbing) forward(ctx context.Context, moves []refs.Update) ([]refs.Update, error) {
	all, err := p.Refs(ctx, "")
	if err != nil {
		return nil, err
	}
	now := make(map[string]refs.OID, len(all))
	for _, r := range all {
		now[r.Name] = r.OID
	}
	made := 0
	for made < len(moves) && now[moves[made].Ref] == moves[made].New {
		made++
	}
	return moves[made:], nil
}

// swapScript is the transaction for `update-ref --stdin`. It commits only at the explicit
// command: if git's parent is killed half-way, git reads the end of its input and gives up.
// Without "start" it would apply the half that it received.
func swapScript(f refs.Format, ups []refs.Update) []byte {
	var b bytes.Buffer
	b.WriteString("start\n")
	for _, u := range ups {
		switch {
		case u.Old == u.New && u.Old == "":
			fmt.Fprintf(&b, "verify %s %s\n", u.Ref, f.Zero())
		case u.Old == u.New:
			fmt.Fprintf(&b, "verify %s %s\n", u.Ref, u.Old)
		case u.Old == "":
			fmt.Fprintf(&b, "create %s %s\n", u.Ref, u.New)
		case u.New == "":
			fmt.Fprintf(&b, "delete %s %s\n", u.Ref, u.Old)
		default:
			fmt.Fprintf(&b, "update %s %s %s\n", u.Ref, u.New, u.Old)
		}
	}
	b.WriteString("prepare\ncommit\n")
	return b.Bytes()
}

// explain finds out why git refused, from the refs and never from its messages. again means
// that another process holds a lock, so it is worth waiting.
func (p *Plumbing) explain(ctx context.Context, ups []refs.Update, lock *disk.SwapLock) (again bool, why error) {
	all, err := p.Refs(ctx, "")
	if err != nil {
		return false, err
	}
	now := make(map[string]refs.OID, len(all))
	for _, r := range all {
		now[r.Name] = r.OID
	}
	for _, u := range ups {
		if now[u.Ref] != u.Old {
			return false, &refs.ConflictError{Ref: u.Ref, Old: u.Old, Got: now[u.Ref]}
		}
	}
	var want []refs.OID
	for _, u := range ups {
		if u.New == "" {
			continue
		}
		want = append(want, u.New)
		if err := refs.CheckFree(u.Ref, ups, all); err != nil {
			return false, err
		}
	}
	err = p.Read(ctx, want, 0, func(_ int, _ refs.Object, err error) error {
		if errors.Is(err, refs.ErrTooLarge) {
			return nil
		}
		return err
	})
	if err != nil {
		return false, err
	}
	return lock.Contended(ups), nil
}
