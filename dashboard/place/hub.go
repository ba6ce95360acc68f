package place

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// hostOf is the host of a URL as git takes it.
func hostOf(at string) string {
	if u, err := url.Parse(at); err == nil && u.Host != "" {
		return u.Host
	}
	host, _, _ := strings.Cut(at, ":")
	return cmp.Or(host, at)
}

// hub is a hub on a local path. Its refs can be looked at like our own.
type hub struct{ dir string }

// localHub returns the hub at a URL if that is a path.
func localHub(base, at string) *hub {
	at = strings.TrimPrefix(at, "file://")
	if strings.Contains(at, "://") {
		return nil
	}
	if !filepath.IsAbs(at) {
		if k := strings.IndexByte(at, ':'); k >= 0 && !strings.Contains(at[:k], "/") {
			return nil // host:path
		}
		at = filepath.Join(base, at)
	}
	if st, err := os.Stat(filepath.Join(at, ".git")); err == nil && st.IsDir() {
		at = filepath.Join(at, ".git")
	}
	return &hub{at}
}

// racy is how recent a change can be and still have the same timestamp as the next
// one.
const racy = 100 * time.Millisecond

// state describes the tracker's refs on the hub. Git writes a ref under another
// name and renames it, so the times of directories tell. A state so young
// that another change could have the same time is equal to no other.
func (h *hub) state() string {
	sum := sha256.New()
	var newest time.Time
	note := func(path string, st fs.FileInfo) {
		fmt.Fprintln(sum, path, fileID(path, st), st.ModTime().UnixNano(), st.Size())
		if st.ModTime().After(newest) {
			newest = st.ModTime()
		}
	}
	for _, name := range []string{"packed-refs", "reftable/tables.list"} {
		if st, err := os.Stat(filepath.Join(h.dir, name)); err == nil {
			note(name, st)
		}
	}
	for _, root := range []string{"refs/heads/crosslink", "refs/crosslink"} {
		_ = filepath.WalkDir(filepath.Join(h.dir, root), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return nil // what cannot be read is as if it were not there: the fetch says why
			}
			if st, err := d.Info(); err == nil {
				note(path, st)
			}
			return nil
		})
	}
	if _, err := os.Stat(h.dir); err != nil {
		fmt.Fprintln(sum, "gone")
	}
	state := fmt.Sprintf("%x", sum.Sum(nil))
	if time.Since(newest) < racy {
		state += " young " + time.Now().String()
	}
	return state
}
