package refs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/fault"
)

// Plumbing is Local by git itself: one long-lived `cat-file --batch` to read,
// one `unpack-objects` per Write, one `update-ref --stdin` per Swap, one
// `for-each-ref` per Refs. It works wherever git works.
type Plumbing struct {
	git  *git
	form Format
	cat  *catFile
	swap sync.Mutex // goroutines queue here, processes at the flock

	writer writer
}

var _ Local = (*Plumbing)(nil)

// NewPlumbing opens the repository at gitDir (absolute) as it is. Commands run
// in workDir with environ, less what locates a repository. Nothing is started
// or written until the first call.
func NewPlumbing(gitDir, workDir string, f Format, environ []string) *Plumbing {
	return newPlumbing(&git{dir: gitDir, work: workDir, env: innerEnv(environ)}, f)
}

func newPlumbing(g *git, f Format) *Plumbing {
	return &Plumbing{git: g, form: f, cat: &catFile{git: g, form: f}}
}

// Format implements Local.
func (p *Plumbing) Format() Format { return p.form }

// Close implements Local.
func (p *Plumbing) Close() error {
	p.writerDone()
	p.cat.close()
	return nil
}

// beWriter keeps prune away until writerDone.
func (p *Plumbing) beWriter(ctx context.Context) error { return p.writer.begin(ctx, p.git.dir) }
func (p *Plumbing) writerDone()                        { p.writer.end() }

// Refs implements Local.
func (p *Plumbing) Refs(ctx context.Context, prefix string) ([]Ref, error) {
	// git matches whole components only: ask for the directory and filter.
	args := []string{"for-each-ref", "--format=%(objectname) %(refname)"}
	if err := checkPrefix(prefix); err != nil {
		return nil, err
	}
	if i := strings.LastIndexByte(prefix, '/'); i > 0 {
		args = append(args, prefix[:i])
	}
	out, err := p.git.run(ctx, nil, args...)
	if err != nil {
		return nil, err
	}
	var refs []Ref
	for line := range strings.Lines(string(out)) {
		id, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !ok || !p.form.Valid(OID(id)) {
			return nil, fmt.Errorf("git for-each-ref: unexpected line '%s'", line)
		}
		if strings.HasPrefix(name, prefix) {
			refs = append(refs, Ref{Name: name, OID: OID(id)})
		}
	}
	sort.Slice(refs, func(i, j int) bool { return refs[i].Name < refs[j].Name })
	return refs, nil
}

// Read implements Local.
func (p *Plumbing) Read(ctx context.Context, ids []OID, limit int64, each func(int, Object, error) error) error {
	if len(ids) == 0 {
		return nil
	}
	return p.cat.read(ctx, ids, limit, each)
}

// writeTries: gc may remove an empty fan-out directory between git's mkdir and
// its open; git then fails and the same command works a moment later.
const writeTries = 4

// Write implements Local.
func (p *Plumbing) Write(ctx context.Context, objs []Object) ([]OID, error) {
	if len(objs) == 0 {
		return nil, nil
	}
	ids := make([]OID, len(objs))
	for i, o := range objs {
		if o.Kind != Blob && o.Kind != Tree && o.Kind != Commit {
			return nil, errors.New("write: object of no known kind")
		}
		ids[i] = p.form.ID(o)
	}
	if err := p.beWriter(ctx); err != nil {
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
		pause(ctx, try)
	}
}

// settle makes sure that the objects are there and that their directory
// entries survive power loss: git syncs the files but never a directory.
func (p *Plumbing) settle(ctx context.Context, ids []OID) error {
	dirs := make(map[string]bool)
	var elsewhere []OID // packed, or already stored in another place
	for _, id := range ids {
		dir := filepath.Join(p.git.dir, "objects", string(id[:2]))
		if _, err := os.Lstat(filepath.Join(dir, string(id[2:]))); err == nil {
			dirs[dir] = true
		} else {
			elsewhere = append(elsewhere, id)
		}
	}
	for dir := range dirs {
		if err := syncDir(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if len(dirs) > 0 {
		if err := syncDir(filepath.Join(p.git.dir, "objects")); err != nil {
			return err
		}
	}
	// Limit 0: that it is too large says that it is there.
	return p.Read(ctx, elsewhere, 0, func(_ int, _ Object, err error) error {
		if err != nil && !errors.Is(err, ErrTooLarge) {
			return err
		}
		return nil
	})
}

// swapPatience is how long Swap waits for another process's lock.
const swapPatience = 1500 * time.Millisecond

// Swap implements Local.
func (p *Plumbing) Swap(ctx context.Context, ups []Update) error {
	if len(ups) == 0 {
		return nil
	}
	if err := checkUpdates(p.form, ups); err != nil {
		return err
	}
	moves := slices.DeleteFunc(slices.Clone(ups), func(u Update) bool { return u.Old == u.New })
	script := swapScript(p.form, moves)
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	p.swap.Lock()
	defer p.swap.Unlock()
	turn, err := takeTurn(ctx, p.git, ups)
	if err != nil {
		return err
	}
	defer turn.end()

	// From here on the outcome must be known, so the context is not heard.
	ctx = context.WithoutCancel(ctx)
	if err := fault.Error("refs.swap.before"); err != nil {
		return err
	}
	looked := len(ups) > 1 || len(moves) < len(ups)
	if looked {
		// Refs that are only verified are looked at, not locked: nobody of
		// ours moves a ref without a turn, and a lock that git could not
		// remove would be in everybody's way. That all stood at their Old is
		// what tells a move half made from a conflict.
		if again, err := p.explain(ctx, ups, turn); err != nil && !again {
			return err
		}
		if len(moves) == 0 {
			return nil
		}
	}
	deadline := time.Now().Add(swapPatience)
	for try := 1; ; try++ {
		err := turn.updateRef(ctx, script)
		if err == nil {
			break
		}
		// git moves the refs of a transaction one by one. If it was killed or
		// met a broken disk between two, the rest is moved behind it: taken for
		// a conflict, the caller would do again what is done already.
		rest := moves
		if ge, ok := errors.AsType[*GitError](err); looked || ok && ge.Exit < 0 {
			var ferr error
			if rest, ferr = p.forward(ctx, moves); ferr != nil {
				return ferr
			}
		}
		if len(rest) == 0 {
			break
		}
		if len(rest) < len(moves) {
			moves = rest
			script = swapScript(p.form, moves)
		}
		again, why := p.explain(ctx, moves, turn)
		if why != nil {
			return why
		}
		if !again && try >= 3 {
			return fmt.Errorf("move '%s': %w", ups[0].Ref, err)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("move '%s': %w: %w", ups[0].Ref, ErrLocked, err)
		}
		pause(ctx, min(try, 5))
	}
	fault.Point("refs.swap.moved")
	if err := p.git.syncRefs(ups); err != nil {
		return err
	}
	fault.Point("refs.swap.after")
	p.writerDone()
	return nil
}

// forward returns the moves that a failed transaction has not made yet. Only
// the first ones can be made: nobody else moves refs while we have the turn.
func (p *Plumbing) forward(ctx context.Context, moves []Update) ([]Update, error) {
	all, err := p.Refs(ctx, "")
	if err != nil {
		return nil, err
	}
	now := make(map[string]OID, len(all))
	for _, r := range all {
		now[r.Name] = r.OID
	}
	made := 0
	for made < len(moves) && now[moves[made].Ref] == moves[made].New {
		made++
	}
	return moves[made:], nil
}

// checkUpdates refuses what can never be asked for.
func checkUpdates(f Format, ups []Update) error {
	seen := make(map[string]bool)
	for _, u := range ups {
		if err := CheckRefName(u.Ref); err != nil {
			return err
		}
		if seen[u.Ref] {
			return fmt.Errorf("ref '%s' is given twice", u.Ref)
		}
		seen[u.Ref] = true
		for _, id := range []OID{u.Old, u.New} {
			if id != "" && (!f.Valid(id) || id == f.Zero()) {
				return fmt.Errorf("ref '%s': bad object id '%s'", u.Ref, id)
			}
		}
	}
	return nil
}

// swapScript is the transaction for `update-ref --stdin`. It commits only when
// told: a git whose parent was killed half-way reads an end of input and
// gives up, where the form without "start" would apply the half it got.
func swapScript(f Format, ups []Update) []byte {
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

// explain finds out why git refused, from the refs and never from its words.
// again means that somebody holds a lock: worth waiting for.
func (p *Plumbing) explain(ctx context.Context, ups []Update, t *turn) (again bool, why error) {
	all, err := p.Refs(ctx, "")
	if err != nil {
		return false, err
	}
	now := make(map[string]OID, len(all))
	for _, r := range all {
		now[r.Name] = r.OID
	}
	for _, u := range ups {
		if now[u.Ref] != u.Old {
			return false, &ConflictError{Ref: u.Ref, Old: u.Old, Got: now[u.Ref]}
		}
	}
	var want []OID
	for _, u := range ups {
		if u.New == "" {
			continue
		}
		want = append(want, u.New)
		if err := nameTaken(u.Ref, ups, all); err != nil {
			return false, err
		}
	}
	err = p.Read(ctx, want, 0, func(_ int, _ Object, err error) error {
		if errors.Is(err, ErrTooLarge) {
			return nil
		}
		return err
	})
	if err != nil {
		return false, err
	}
	return t.lockHeld(ups), nil
}

// nameTaken reports a ref whose name is a directory of ref or below it.
func nameTaken(ref string, ups []Update, all []Ref) error {
	goes := make(map[string]bool)
	names := make([]string, 0, len(all)+len(ups))
	for _, u := range ups {
		if u.New == "" {
			goes[u.Ref] = true
		} else {
			names = append(names, u.Ref)
		}
	}
	for _, r := range all {
		names = append(names, r.Name)
	}
	for _, n := range names {
		if !goes[n] && (strings.HasPrefix(n, ref+"/") || strings.HasPrefix(ref, n+"/")) {
			return fmt.Errorf("%w: '%s' and '%s'", ErrNameTaken, ref, n)
		}
	}
	return nil
}

// syncRefs makes the moved refs' directory entries survive power loss: git
// syncs the lock file, renames it, and leaves it at that.
func (g *git) syncRefs(ups []Update) error {
	dirs := make(map[string]bool)
	for _, u := range ups {
		if u.Old == u.New {
			continue
		}
		if u.New == "" { // may have been cut out of packed-refs
			dirs[g.dir] = true
		}
		for name := u.Ref; strings.Contains(name, "/"); {
			name = name[:strings.LastIndexByte(name, '/')]
			dirs[filepath.Join(g.dir, filepath.FromSlash(name))] = true
		}
	}
	list := slices.Collect(maps.Keys(dirs))
	return atOnce(len(list), func(i int) error {
		// An emptied directory is removed by git.
		if err := syncDir(list[i]); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("sync '%s': %w", list[i], err)
		}
		return nil
	})
}

// pause waits a little longer after each try, unevenly, so that two that
// collide do not collide again.
func pause(ctx context.Context, try int) {
	d := time.Duration(try*try) * 4 * time.Millisecond
	select {
	case <-ctx.Done():
	case <-time.After(d/2 + jitter(d)):
	}
}
