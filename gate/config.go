package gate

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/git-crosslink/git-crosslink/refs"
)

// What the gate needs in the repository's configuration stands in one block at
// the end of the file, so that taking it away gives back the file as it was.
// The file is written as git does: config.lock, then a rename.

const (
	blockBegin  = "# git crosslink server: begin\n"
	blockJoined = "# git crosslink server: begin, behind a last line without its end\n"
	blockEnd    = "# git crosslink server: end\n"
)

// settings are the lines of the block.
func settings(mode string) string {
	var b strings.Builder
	b.WriteString("[crosslink]\n\thub = true\n")
	if mode == PerRef {
		b.WriteString("[receive]\n")
		for _, p := range guarded() {
			b.WriteString("\tprocReceiveRefs = " + p + "\n")
		}
	}
	return b.String()
}

// withBlock puts the block behind what the file says.
func withBlock(file []byte, mode string) []byte {
	begin := blockBegin
	if len(file) > 0 && file[len(file)-1] != '\n' {
		begin = "\n" + blockJoined
	}
	return append(bytes.Clone(file), begin+settings(mode)+blockEnd...)
}

// withoutBlock takes the block away. It is an error if somebody has written
// into it: which line is whose cannot be told then.
func withoutBlock(file []byte) ([]byte, error) {
	for _, begin := range []string{"\n" + blockJoined, blockBegin} {
		at := bytes.Index(file, []byte(begin))
		if at < 0 {
			continue
		}
		for _, mode := range []string{Whole, PerRef} {
			block := []byte(begin + settings(mode) + blockEnd)
			if bytes.HasPrefix(file[at:], block) {
				return append(bytes.Clone(file[:at]), file[at+len(block):]...), nil
			}
		}
		return nil, errTouched
	}
	return file, nil
}

var errTouched = errors.New("the block that 'git crosslink server install' wrote into it was changed since")

// modeIn tells which mode's block the file has, "" if none.
func modeIn(file []byte) string {
	for _, mode := range []string{PerRef, Whole} {
		if bytes.Contains(file, []byte(settings(mode)+blockEnd)) {
			return mode
		}
	}
	return ""
}

// configFile is the repository's configuration, locked as git locks it.
type configFile struct {
	path, lock string
	was        []byte
	mode       fs.FileMode
}

func lockConfig(o *refs.Outer) (*configFile, error) {
	path, err := filepath.EvalSymlinks(filepath.Join(o.CommonDir, "config"))
	if err != nil {
		return nil, err
	}
	c := &configFile{path: path, lock: path + ".lock"}
	f, err := os.OpenFile(c.lock, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
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

// write replaces the file, if that changes it, and ends the lock.
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
