package native

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/refs"
)

// refFiles are a repository's refs in git's "files" format: one file for each, and
// packed-refs for those that `git pack-refs` has packed. A ref's own file takes precedence
// over packed-refs, so it is read first: if a ref is packed in between, it is then found in
// packed-refs.
type refFiles struct {
	dir   string // the git dir
	form  refs.Format
	known *knownRefs // may be nil
}

// knownRefs are refs that this process has read while listing them: a command lists them
// several times. git replaces a ref's file by another one, so a file with the same identity
// and mtime has the same content, unless it was very recent when read.
type knownRefs struct {
	mu     sync.Mutex
	m      map[string]knownRef
	packed map[string]refs.OID // the content of packed-refs in file; not to be changed
	file   os.FileInfo         // nil: not known
}

type knownRef struct {
	file os.FileInfo
	id   refs.OID
}

// settled is how old a ref's file must be: if one file replaced another in one tick of the
// file system's clock, which is two seconds on some, the two cannot be distinguished.
const settled = 3 * time.Second

func (k *knownRefs) get(name string, file os.FileInfo) (refs.OID, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, ok := k.m[name]
	if !ok || !os.SameFile(r.file, file) || r.file.Size() != file.Size() || !r.file.ModTime().Equal(file.ModTime()) {
		return "", false
	}
	return r.id, true
}

func (k *knownRefs) put(name string, file os.FileInfo, id refs.OID) {
	if time.Since(file.ModTime()) < settled {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.m == nil {
		k.m = make(map[string]knownRef)
	}
	k.m[name] = knownRef{file, id}
}

func (k *knownRefs) getPacked(file os.FileInfo) map[string]refs.OID {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.file == nil || !os.SameFile(k.file, file) || k.file.Size() != file.Size() || !k.file.ModTime().Equal(file.ModTime()) {
		return nil
	}
	return k.packed
}

func (k *knownRefs) putPacked(file os.FileInfo, m map[string]refs.OID) {
	if k == nil || time.Since(file.ModTime()) < settled {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.packed, k.file = m, file
}

// ErrOdd means that only git itself should judge a file: a symbolic ref, a link, a
// packed-refs that is not in git's form.
var ErrOdd = errors.New("for git to look at")

func (r refFiles) path(name string) string { return filepath.Join(r.dir, filepath.FromSlash(name)) }

// list returns the refs whose name begins with prefix, sorted. As in git, a
// ref whose file is broken is not listed, not even if it is packed.
func (r refFiles) list(prefix string) ([]refs.Ref, error) {
	found := make(map[string]refs.OID)
	dir := "refs"
	if i := strings.LastIndexByte(prefix, '/'); i > 0 {
		dir = prefix[:i]
	}
	if err := r.walk(dir, found); err != nil {
		return nil, err
	}
	packed, err := r.packed()
	if err != nil {
		return nil, err
	}
	for name, id := range packed {
		if _, own := found[name]; !own {
			found[name] = id
		}
	}
	var all []refs.Ref
	for name, id := range found {
		if id != "" && strings.HasPrefix(name, prefix) {
			all = append(all, refs.Ref{Name: name, OID: id})
		}
	}
	slices.SortFunc(all, func(a, b refs.Ref) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// ListRefs lists the refs of the repository at gitDir whose name begins with prefix,
// sorted. ErrOdd means that only git can list them.
func ListRefs(gitDir string, f refs.Format, prefix string) ([]refs.Ref, error) {
	return refFiles{dir: gitDir, form: f}.list(prefix)
}

// walk collects the refs below a directory that have a file; "" is a broken one.
func (r refFiles) walk(dir string, found map[string]refs.OID) error {
	entries, err := os.ReadDir(r.path(dir))
	if absent(err) {
		return nil // removed in between, or a file
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := dir + "/" + e.Name()
		switch {
		case !refs.WellFormed(name): // a lock, or not a file of git's
		case e.IsDir():
			if err := r.walk(name, found); err != nil {
				return err
			}
		case !e.Type().IsRegular():
			if _, err := r.open(name); err != nil {
				return err
			}
			return ErrOdd
		default:
			id, there, err := r.listed(name, e)
			if err != nil && !errors.Is(err, errBroken) {
				return err
			}
			if there || err != nil {
				found[name] = id
			}
		}
	}
	return nil
}

var errBroken = errors.New("its file is broken")

// listed is own for a file that was just listed.
func (r refFiles) listed(name string, e fs.DirEntry) (refs.OID, bool, error) {
	if r.known == nil {
		return r.own(name)
	}
	file, err := e.Info()
	if err != nil {
		return r.own(name)
	}
	if id, ok := r.known.get(name, file); ok {
		return id, true, nil
	}
	id, there, err := r.own(name)
	if there && err == nil {
		r.known.put(name, file, id)
	}
	return id, there, err
}

// own reads a ref's own file. A broken one is errBroken.
func (r refFiles) own(name string) (id refs.OID, there bool, err error) {
	f, err := r.open(name)
	if err != nil {
		if absent(err) {
			err = nil
		}
		return "", false, err
	}
	defer f.Close()
	buf := make([]byte, 256)
	n, err := f.Read(buf)
	if err != nil && err != io.EOF {
		return "", false, err
	}
	return r.parse(buf[:n])
}

// open opens a file of git's. git has to judge a link; a named pipe or a device is an
// error, because git would wait for it.
func (r refFiles) open(name string) (*os.File, error) {
	f, err := statefile.Open(r.path(name))
	if odd, ok := errors.AsType[*statefile.OddError](err); ok {
		switch {
		case odd.Mode.IsDir():
			err = syscall.EISDIR
		case odd.IsLink():
			err = ErrOdd
		}
	}
	return f, err
}

func (r refFiles) parse(b []byte) (id refs.OID, there bool, err error) {
	if bytes.HasPrefix(b, []byte("ref:")) {
		return "", false, ErrOdd
	}
	zero := r.form.Zero()
	n := len(zero)
	if len(b) < n || len(bytes.TrimSpace(b[n:])) > 0 || len(b) > n && !isSpace(b[n]) {
		return "", false, errBroken
	}
	if id = refs.OID(bytes.ToLower(b[:n])); !r.form.Valid(id) || id == zero {
		return "", false, errBroken
	}
	return id, true, nil
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// absent reports whether an error means that there is no such file: nothing, a directory,
// or a file where a directory should be.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.ENOTDIR)
}

// value returns the commit that a ref points to; "" if the ref does not exist.
func (r refFiles) value(name string) (refs.OID, error) {
	id, there, err := r.own(name)
	if err != nil && !errors.Is(err, ErrOdd) {
		return "", fmt.Errorf("ref '%s': %w", name, err)
	}
	if there || err != nil {
		return id, err
	}
	packed, err := r.packed()
	return packed[name], err
}

// maxPacked bounds packed-refs: some hundred thousand refs.
const maxPacked = 64 << 20

// packed reads packed-refs: "<id> <name>" lines, each optionally followed by "^<id>", the
// object that a tag points to. Lines with '#' describe the format.
func (r refFiles) packed() (map[string]refs.OID, error) {
	f, err := r.open("packed-refs")
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	file, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if m := r.known.getPacked(file); m != nil {
		return m, nil
	}
	b, err := io.ReadAll(io.LimitReader(f, maxPacked+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxPacked {
		return nil, fmt.Errorf("'%s' is larger than %d MB", f.Name(), maxPacked>>20)
	}
	m := make(map[string]refs.OID)
	for line := range strings.Lines(string(b)) {
		if line[0] == '#' || line[0] == '^' {
			continue
		}
		line, whole := strings.CutSuffix(line, "\n")
		id, name, ok := strings.Cut(line, " ")
		if !whole || !ok || !r.form.Valid(refs.OID(id)) {
			return nil, ErrOdd
		}
		if refs.WellFormed(name) && refs.OID(id) != r.form.Zero() {
			m[name] = refs.OID(id)
		}
	}
	r.known.putPacked(file, m)
	return m, nil
}

// clearWay removes empty directories at the path of a ref's file, which remain from refs
// whose names began with it. It fails if they are not empty.
func (r refFiles) clearWay(name string) error {
	path := r.path(name)
	if st, err := os.Lstat(path); err != nil || !st.IsDir() {
		return nil
	}
	var dirs []string
	err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, p)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, d := range slices.Backward(dirs) {
		if err := os.Remove(d); err != nil {
			return err
		}
	}
	return nil
}
