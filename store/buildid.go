package store

import (
	"crypto/sha256"
	_ "embed"
	"fmt"
	"os"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/git-crosslink/git-crosslink/reducer"
)

// Schema numbers schema/<n>.sql, which must not change without it.
const Schema = 4

//go:embed schema/4.sql
var schema string

// buildID names the program that wrote a store. Rows of another program are not
// used: its schema, the shape of its rows or its rules may differ. Rules have no
// hash, so the id covers the program file itself.
var buildID = sync.OnceValue(func() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n%s\n", Schema, schema)
	for _, row := range []any{issueRow{}, reducer.Milestone{}, reducer.Agent{}, reducer.Rejection{}, reducer.Comment{}, reducer.TimeEntry{}, reducer.Session{}, reducer.Request{}, reducer.Report{}, lockRow{}, storedLine{}} {
		shape(&b, reflect.TypeOf(row))
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		fmt.Fprintf(&b, "\n%s %s", info.GoVersion, info.Main.Version)
		for _, s := range info.Settings {
			if strings.HasPrefix(s.Key, "vcs.") {
				fmt.Fprintf(&b, " %s", s.Value)
			}
		}
	}
	if path, err := os.Executable(); err == nil {
		if st, err := os.Stat(path); err == nil {
			fmt.Fprintf(&b, "\n%d %d", st.Size(), st.ModTime().UnixNano())
		}
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(b.String())))
})
