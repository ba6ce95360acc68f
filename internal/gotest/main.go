// Command gotest runs 'go test' with the arguments it is given and prints one
// line a package, what failing tests printed, and at the end every test that
// failed, and every one that was skipped with its reason: what was not run must not look like what passed.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

func main() {
	cmd := exec.Command("go", append([]string{"test", "-json", "-p", packages(), "-parallel", parallel()}, os.Args[1:]...)...)
	env, where := environment(memory, os.Getenv)
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), os.Stderr
	fmt.Printf("temporary files in %s, %s packages at a time, %s tests of each\n", where, packages(), parallel())
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
		os.Exit(1)
	}
	ok := report(out, os.Stdout)
	err = cmd.Wait()
	if s := cmd.ProcessState; s != nil { // unlike wall time, comparable between busy machines
		fmt.Printf("processor time: %.0f s user, %.0f s system\n", s.UserTime().Seconds(), s.SystemTime().Seconds())
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// event is one line of 'go test -json'.
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

// report reads events and writes the summary. It reports whether all passed.
func report(r io.Reader, w io.Writer) bool {
	var (
		said    = map[string]*strings.Builder{} // package and test → output
		skipped []string
		failed  []string
		passed  int
		start   = time.Now()
	)
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				fmt.Fprintf(w, "%s", line) // not go test's: show it
				continue
			}
			key := e.Package + " " + e.Test
			switch e.Action {
			case "build-output":
				fmt.Fprint(w, e.Output)
			case "output":
				if said[key] == nil {
					said[key] = &strings.Builder{}
				}
				said[key].WriteString(e.Output)
			case "pass":
				if e.Test == "" {
					fmt.Fprintf(w, "ok    %s  %.1fs\n", e.Package, e.Elapsed)
				} else {
					passed++
				}
				delete(said, key)
			case "skip":
				if e.Test == "" {
					fmt.Fprintf(w, "-     %s  no tests\n", e.Package)
				} else {
					skipped = append(skipped, fmt.Sprintf("%s %s: %s", e.Package, e.Test, reason(said[key])))
				}
				delete(said, key)
			case "fail":
				failed = append(failed, strings.TrimSpace(key))
				if s := said[key]; s != nil {
					fmt.Fprint(w, s)
				}
				if e.Test == "" {
					fmt.Fprintf(w, "FAIL  %s  %.1fs\n", e.Package, e.Elapsed)
				}
				delete(said, key)
			}
		}
		if err != nil {
			break
		}
	}
	fmt.Fprintf(w, "\n%d tests passed, %d failed, %d not run, in %.0f s\n", passed, len(failed), len(skipped), time.Since(start).Seconds())
	slices.Sort(failed)
	for _, f := range failed {
		fmt.Fprintf(w, "failed: %s\n", f)
	}
	slices.Sort(skipped)
	for _, s := range skipped {
		fmt.Fprintf(w, "not run: %s\n", s)
	}
	return len(failed) == 0
}

// reason finds what a test said when it skipped: the last line that is not
// go test's own.
func reason(b *strings.Builder) string {
	if b == nil {
		return "no reason given"
	}
	why := "no reason given"
	for l := range strings.Lines(b.String()) {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "=== ") || strings.HasPrefix(l, "--- ") {
			continue
		}
		if _, after, ok := strings.Cut(l, "_test.go:"); ok { // x_test.go:12: reason
			if _, after, ok = strings.Cut(after, ": "); ok {
				l = after
			}
		}
		why = l
	}
	return why
}
