package disk

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/system"
)

// settled is how old a file must be for its time to distinguish it from a replacement: some
// file systems count in steps of two seconds.
const settled = 3 * time.Second

// Stamp returns a stamp of the files at some paths and below them, from their names, sizes
// and times: no file is read. Equal stamps that are not empty mean equal files. It is empty
// if a file is so new that a second change could not be distinguished from the first.
func Stamp(now time.Time, paths ...string) string { return stampOf(now, true, paths) }

// StampDirs is Stamp for directories in which files are only replaced by others, as git
// replaces refs: only the paths and the directories below them are checked.
func StampDirs(now time.Time, paths ...string) string { return stampOf(now, false, paths) }

func stampOf(now time.Time, files bool, paths []string) string {
	var b strings.Builder
	for _, path := range paths {
		st, err := os.Lstat(path)
		if err != nil {
			fmt.Fprintf(&b, "%s -\n", path)
			continue
		}
		if !stamp(&b, now, files, path, st) {
			return ""
		}
	}
	return b.String()
}

func stamp(b *strings.Builder, now time.Time, files bool, path string, st os.FileInfo) bool {
	if d := now.Sub(st.ModTime()); d > -settled && d < settled {
		return false
	}
	id, _ := system.Identify(path, st)
	fmt.Fprintf(b, "%s %d %d %d\n", path, id.Inode, st.Size(), st.ModTime().UnixNano())
	if !st.IsDir() {
		return true
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if !files && !e.IsDir() {
			continue
		}
		st, err := e.Info()
		if err != nil || !stamp(b, now, files, filepath.Join(path, e.Name()), st) {
			return false // replaced just now
		}
	}
	return true
}
