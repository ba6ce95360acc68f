package hooks

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/internal/system"
)

// record is what a clone remembers about its hooks, in <git dir>/crosslink. If the file
// exists, the question is settled: a write installs hooks once, and never again after they
// were removed.
type record struct {
	Removed bool `json:"removed,omitempty"` // by the user
	MadeDir bool `json:"made_dir,omitempty"`
	// Unended is the hash of the configuration file before the change, if its last line had
	// no line end: git adds one when it appends to the file.
	Unended string `json:"unended,omitempty"`
}

func recordPath(home string) string { return filepath.Join(home, "hooks.json") }

func (c *Clone) home() string { return filepath.Join(c.outer.CommonDir, "crosslink") }

// Settled reports whether it was decided before whether the clone with its tracker in home
// gets hooks. It costs one system call.
func Settled(home string) bool {
	_, err := os.Lstat(recordPath(home))
	return err == nil
}

func (c *Clone) record() (r record) {
	b, err := statefile.Read(recordPath(c.home()), 64<<10)
	if err != nil || json.Unmarshal(b, &r) != nil {
		return record{}
	}
	return r
}

// remember writes the record as a whole.
func (c *Clone) remember(r record) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return statefile.Write(recordPath(c.home()), append(b, '\n'))
}

// prepare records what has to be undone later and cannot be found out then.
func (c *Clone) prepare(r *record) error {
	if c.configures && len(c.local(section+".command")) == 0 {
		b, err := os.ReadFile(c.outer.ConfigFile())
		if err != nil {
			return err
		}
		r.Unended = ""
		if len(b) > 0 && b[len(b)-1] != '\n' {
			r.Unended = hash(b)
		}
	}
	if _, err := os.Lstat(c.dir); !c.configures && errors.Is(err, fs.ErrNotExist) && c.manager() == "" {
		r.MadeDir = true
	}
	return c.remember(*r)
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// restoreEnd removes the line end that git added, if the file is then the same as before.
// It follows git's own protocol for writing the file.
func (c *Clone) restoreEnd(r record) error {
	file := c.outer.ConfigFile()
	b, err := os.ReadFile(file)
	if err != nil || r.Unended == "" || len(b) == 0 || hash(b[:len(b)-1]) != r.Unended {
		return nil
	}
	f, err := os.OpenFile(file+".lock", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("restore '%s': %w", file, err)
	}
	if st, serr := os.Stat(file); serr == nil {
		err = f.Chmod(st.Mode().Perm())
	}
	_, werr := f.Write(b[:len(b)-1])
	if err := errors.Join(err, werr, f.Close()); err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("restore '%s': %w", file, err)
	}
	return os.Rename(f.Name(), file)
}

// lock keeps two processes from installing the hooks at the same time.
func (c *Clone) lock() (unlock func(), err error) {
	if err := statefile.MakeHome(c.home()); err != nil {
		return nil, err
	}
	path := filepath.Join(c.home(), "hooks.lock")
	f, err := statefile.OpenLock(path)
	if err != nil {
		return nil, err
	}
	if ok, err := system.Lock(context.Background(), f, false, time.Minute); !ok {
		f.Close()
		return nil, cmp.Or(err, fmt.Errorf("'%s' is locked by another process", path))
	}
	return func() { f.Close() }, nil
}
