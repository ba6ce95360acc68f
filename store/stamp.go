package store

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/internal/system"
)

// The database is a file, and its stamp is a file beside it. The stamp says which
// program wrote the database, since which start of the machine, and the file's size,
// time and inode when it was left. A file that differs was changed by somebody else,
// cut short, copied, or may not have reached the disk before the power went (it is
// never synced): it is not opened, but made again. The last line of the stamp is the
// inputs: what the rows were made from.

func stampPath(path string) string { return path + "-stamp" }

// stampHead is what the stamp of the file at path begins with.
func stampHead(path string) (string, error) {
	st, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if err := errors.Join(statefile.Free(path), statefile.Free(path+"-journal"), statefile.Dir(filepath.Dir(path))); err != nil {
		return "", err
	}
	id, _ := system.Identify(path, st)
	return fmt.Sprintf("%s\n%s\n%d %d %d\n", buildID(), bootID(), st.Size(), st.ModTime().UnixNano(), id.Inode), nil
}

// readStamp reports whether the file at path is as its writer left it, and what
// its rows were made from.
func readStamp(path string) (inputs []byte, ok bool) {
	got, err := statefile.Read(stampPath(path), 4<<10)
	if err != nil {
		return nil, false
	}
	want, err := stampHead(path)
	if err != nil {
		return nil, false
	}
	rest, ok := strings.CutPrefix(string(got), want)
	if !ok {
		return nil, false
	}
	inputs, err = hex.DecodeString(strings.TrimSuffix(rest, "\n"))
	return inputs, err == nil
}

// writeStamp is called by the one writer there is at a time.
func writeStamp(path string, inputs []byte) error {
	text, err := stampHead(path)
	if err != nil {
		return err
	}
	return statefile.Write(stampPath(path), fmt.Appendf(nil, "%s%x\n", text, inputs))
}

// bootID returns the id of this start of the machine; "" if the system does not tell.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(b))
}
