package testkit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// marker names the variable that marks every process of a script.
const marker = "CROSSLINK_TESTKIT"

// Mark is the environment variable by which Settle finds the processes of one
// test; name is unique to it.
func Mark(name string) string { return marker + "=" + name }

// Settle waits until all processes of a test have ended, including background processes in
// sessions of their own. It returns false if they do not end. Without /proc it assumes that
// they have ended.
//
// A single look can miss a process whose parent started it and ended during the look, so
// several have to agree.
func Settle(name string) bool {
	want := []byte(Mark(name))
	quiet := 0
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if quiet++; running(want) {
			quiet = 0
		}
		if quiet == 3 {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// Watch waits for commands and the processes that they leave running, including those in
// sessions of their own. Unlike Settle it lists no processes: each of them has a pipe open,
// which ends when the last of them does. The zero value is ready to use, by one goroutine.
type Watch struct{ read, write *os.File }

// Add includes a command that has not started yet in the next wait.
func (w *Watch) Add(cmd *exec.Cmd) error {
	if w.write == nil {
		var err error
		if w.read, w.write, err = os.Pipe(); err != nil {
			return err
		}
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, w.write)
	return nil
}

// Settle waits for the added commands and all processes that they started. It returns false
// if they do not end.
func (w *Watch) Settle() bool {
	if w.write == nil {
		return true
	}
	w.write.Close()
	defer w.read.Close()
	read := w.read
	w.read, w.write = nil, nil
	return ends(read)
}

// Run runs a command, waits for it and all processes that it started, and reports whether
// they have ended.
func Run(cmd *exec.Cmd) (settled bool, err error) {
	var w Watch
	if err := w.Add(cmd); err != nil {
		return false, err
	}
	err = cmd.Run()
	return w.Settle(), err
}

// ends reports whether the other end of a pipe is closed in time.
func ends(pipe *os.File) bool {
	if err := pipe.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return false
	}
	_, err := pipe.Read(make([]byte, 1))
	return err == io.EOF
}

func running(want []byte) bool { return len(marked(want)) > 0 }

// Marked returns the ids of the processes of a test. Without /proc it returns none.
func Marked(name string) []int { return marked([]byte(Mark(name))) }

// marked returns the ids of the processes with a mark. It lists only /proc itself:
// filepath.Glob would list the directory of every process, which costs ten times as much as
// reading one file.
func marked(want []byte) (pids []int) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		b, err := os.ReadFile("/proc/" + name + "/environ") // empty for a zombie, an error for another user's
		if err == nil && slices.ContainsFunc(bytes.Split(b, []byte{0}), func(v []byte) bool { return bytes.Equal(v, want) }) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// gitProcesses returns the command lines of the git processes that wrote their trace into
// dir, oldest first: 'git' and its arguments.
func gitProcesses(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return nil, err
	}
	type start struct {
		Event string   `json:"event"`
		Time  string   `json:"time"`
		Argv  []string `json:"argv"`
	}
	var all []start
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		in := bufio.NewScanner(bytes.NewReader(b))
		in.Buffer(nil, 1<<24)
		for in.Scan() {
			var e start
			if json.Unmarshal(in.Bytes(), &e) == nil && e.Event == "start" && len(e.Argv) > 0 {
				e.Argv[0] = filepath.Base(e.Argv[0])
				all = append(all, e)
				break // one process, one file
			}
		}
	}
	slices.SortStableFunc(all, func(a, b start) int { return strings.Compare(a.Time, b.Time) })
	out := make([]string, len(all))
	for i, e := range all {
		out[i] = strings.Join(e.Argv, " ")
	}
	return out, nil
}

// Kill ends every process of a test at once, as a power cut would.
func Kill(name string) {
	for _, pid := range Marked(name) {
		if p, err := os.FindProcess(pid); err == nil {
			_ = p.Kill()
		}
	}
}
