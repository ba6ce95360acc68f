package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/git-crosslink/git-crosslink/internal/system"
)

// Where and how the tests run. Most of them wait: for processes, and for a
// disk that every process syncs. So they run more at a time than there are
// processors, and in a file system in memory if this machine has one.
// What is synced, and in which order, tests see in the system calls; a kill
// loses nothing that was written, on either. CROSSLINK_DISK=1, or a TMPDIR that
// is set, leaves the temporary files where they would be, as the nightly run does.

const memory = "/dev/shm"

// wanted is how much room must be free there.
const wanted = 4 << 30

// environment is that of the tests, and where their temporary files are.
func environment(dir string, getenv func(string) string) (env []string, where string) {
	if getenv("CROSSLINK_DISK") != "" || getenv("TMPDIR") != "" {
		return nil, os.TempDir()
	}
	if system.FreeSpace(dir) < wanted || !runsPrograms(dir) {
		return nil, os.TempDir()
	}
	env = []string{"TMPDIR=" + dir}
	if getenv("GOTMPDIR") == "" {
		env = append(env, "GOTMPDIR="+os.TempDir()) // what the compiler makes stays where it was
	}
	return env, dir
}

// runsPrograms reports whether files may be made there and run: containers
// often forbid it.
func runsPrograms(dir string) bool {
	at, err := os.MkdirTemp(dir, "gotest-")
	if err != nil {
		return false
	}
	defer os.RemoveAll(at)
	program := filepath.Join(at, "program")
	return os.WriteFile(program, []byte("#!/bin/sh\nexit 0\n"), 0o755) == nil && exec.Command(program).Run() == nil
}

// packages is how many of them are tested at a time: one more than there are
// processors, because the tests of two packages leave a sixth of two processors idle.
func packages() string { return strconv.Itoa(max(3, runtime.GOMAXPROCS(0)+1)) }

// parallel is how many tests of one package run at a time.
func parallel() string { return strconv.Itoa(max(4, 2*runtime.GOMAXPROCS(0))) }
