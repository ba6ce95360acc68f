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
)

// The database lies at path, its seal beside it. The seal says which program
// wrote the file, since which start of the machine, and what the file looked
// like to the system then. A file that does not look so now was changed by
// somebody else, was cut short, is a copy, or may not have reached the disk
// before the power went (it is never synced): it is not opened, but made anew.
// The last line is what the rows were made from.
const sealName = "seal"

func sealPath(path string) string { return path + "-" + sealName }

// sealed is what the seal of the file must begin with.
func sealed(path string) (string, error) {
	st, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if err := errors.Join(statefile.Free(path), statefile.Free(path+"-journal"), statefile.Dir(filepath.Dir(path))); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s\n%s\n%d %d%s\n", fingerprint(), bootID(), st.Size(), st.ModTime().UnixNano(), identity(st)), nil
}

// readSeal reports whether the file at path is as its writer left it, and what
// its rows were made from.
func readSeal(path string) (digest []byte, ok bool) {
	is, err := statefile.Read(sealPath(path), 4<<10)
	if err != nil {
		return nil, false
	}
	want, err := sealed(path)
	if err != nil {
		return nil, false
	}
	of, ok := strings.CutPrefix(string(is), want)
	if !ok {
		return nil, false
	}
	digest, err = hex.DecodeString(strings.TrimSuffix(of, "\n"))
	return digest, err == nil
}

// writeSeal is called by the one writer there is at a time.
func writeSeal(path string, digest []byte) error {
	text, err := sealed(path)
	if err != nil {
		return err
	}
	return statefile.Write(sealPath(path), fmt.Appendf(nil, "%s%x\n", text, digest))
}

// bootID names this start of the machine, "" where the system does not tell.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(b))
}
