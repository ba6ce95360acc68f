package store

import (
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
)

// Schema is the number of schema/<n>.sql. Increase it whenever that file changes.
const Schema = 6

//go:embed schema/6.sql
var schema string

// buildID names the program that wrote a store. Rows of another program are not
// used: its schema, the fields of its rows or its rules may differ. Only the
// program file tells; where it cannot be found no store is used again.
var buildID = sync.OnceValue(func() string {
	program := rand.Text()
	if path, err := os.Executable(); err == nil {
		if st, err := os.Stat(path); err == nil {
			program = fmt.Sprint(st.Size(), st.ModTime().UnixNano())
		}
	}
	version := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.String()
	}
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%d\n%s\n%s\n%s", Schema, schema, version, program)))
})
