package gate

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/refs/git"
)

// The gate's settings are in a file of its own, which a block at the end of the
// repository's configuration includes: git adds later settings to existing sections, and
// would add them to ours. Removing the block restores the file as it was. The file is
// written as git does: config.lock, then a rename.

const (
	blockBegin  = "# git crosslink server: begin\n"
	blockJoined = "# git crosslink server: begin, behind a last line without its end\n"
	blockBody   = "[include]\n\tpath = " + stateDir + "/" + settingsFile + "\n"
	blockEnd    = "# git crosslink server: end\n"

	settingsFile = "server.config"
)

// settingsText is the content of the included file.
func settingsText(mode string, folds bool) string {
	var b strings.Builder
	b.WriteString("# written by 'git crosslink server install'\n[crosslink]\n\thub = true\n")
	if mode == PerRef {
		b.WriteString("[receive]\n")
		for _, p := range watched(folds) {
			b.WriteString("\tprocReceiveRefs = " + p + "\n")
		}
	}
	return b.String()
}

// withBlock appends the block to the file.
func withBlock(file []byte) []byte {
	begin := blockBegin
	if len(file) > 0 && file[len(file)-1] != '\n' {
		begin = "\n" + blockJoined
	}
	return append(bytes.Clone(file), begin+blockBody+blockEnd...)
}

// withoutBlock removes the block. Its comments may be missing: git considers comments
// before a section as a part of the section before. It is an error if somebody has written
// into the block, because it is then unknown which line belongs to whom.
func withoutBlock(file []byte) ([]byte, error) {
	before, after, found := bytes.Cut(file, []byte(blockBody))
	if !found {
		if bytes.Contains(file, []byte(settingsFile)) {
			return nil, errTouched
		}
		return file, nil
	}
	if rest, ok := bytes.CutPrefix(after, []byte(blockEnd)); ok {
		after = rest
	} else if len(after) > 0 && after[0] != '[' && after[0] != '#' { // a line of the section
		return nil, errTouched
	}
	if rest, ok := bytes.CutSuffix(before, []byte("\n"+blockJoined)); ok {
		if before = rest; len(after) > 0 {
			before = append(bytes.Clone(before), '\n') // the line has an end now
		}
	} else {
		before = bytes.TrimSuffix(before, []byte(blockBegin))
	}
	return append(bytes.Clone(before), after...), nil
}

var errTouched = errors.New("the gate's block in it was changed since it was installed")

// configFile is the repository's configuration, locked as git locks it.
type configFile struct {
	path, lock string
	was        []byte
	mode       fs.FileMode
}

func lockConfig(o *git.Outer) (*configFile, error) {
	path, err := filepath.EvalSymlinks(filepath.Join(o.CommonDir, "config"))
	if err != nil {
		return nil, err
	}
	c := &configFile{path: path, lock: path + ".lock"}
	take := func() (*os.File, error) { return os.OpenFile(c.lock, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) }
	f, err := take()
	for errors.Is(err, fs.ErrExist) && statefile.LockOf(path) == nil { // it has just been released
		f, err = take()
	}
	if err != nil {
		return nil, err
	}
	f.Close()
	st, err := os.Stat(path)
	if err == nil {
		c.mode = st.Mode().Perm()
		c.was, err = os.ReadFile(path)
	}
	if err != nil {
		c.release()
		return nil, err
	}
	return c, nil
}

func (c *configFile) release() { os.Remove(c.lock) }

// write replaces the file, if that changes it, and releases the lock.
func (c *configFile) write(is []byte) error {
	if bytes.Equal(is, c.was) {
		return nil
	}
	f, err := os.OpenFile(c.lock, os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(is); err == nil {
		err = f.Chmod(c.mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("write '%s': %w", c.lock, err)
	}
	return os.Rename(c.lock, c.path)
}
