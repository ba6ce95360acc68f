package testkit

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// write records one command: the command line, both streams, the exit status.
func (s *script) write(who string, args []string, stdout, stderr string, status int) {
	if !s.recording {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "$ %s: %s\n", who, quote(args))
	b.WriteString(lines(stdout))
	if stderr != "" {
		b.WriteString("stderr:\n" + lines(stderr))
	}
	fmt.Fprintf(&b, "status: %d\n\n", status)
	s.record.WriteString(s.norm.Text(b.String()))
}

// lines ends a stream with a newline, and marks a stream that had none.
func lines(s string) string {
	if s == "" || strings.HasSuffix(s, "\n") {
		return s
	}
	return s + "<no newline>\n"
}

// quote quotes words for a shell.
func quote(args []string) string {
	var out []string
	for _, a := range args {
		if a == "" || strings.ContainsAny(a, " \t\n\"'`$&|;<>()*?#~!\\") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		out = append(out, a)
	}
	return strings.Join(out, " ")
}

// compare compares the record with its golden file and starts a new record. An empty record
// has no file.
func (s *script) compare(name string) error {
	got := s.record.String()
	s.record.Reset()
	file := s.name
	if name != "" {
		file += "." + name
	}
	file = filepath.Join(s.golden, file+".txt")
	want, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	if got == string(want) {
		return nil
	}
	if *update {
		if got == "" {
			return os.Remove(file)
		}
		if err := os.MkdirAll(s.golden, 0o755); err != nil {
			return err
		}
		return os.WriteFile(file, []byte(got), 0o644)
	}
	return fmt.Errorf("transcript differs from '%s' (go test -run Script -update rewrites it):\n%s",
		filepath.Base(file), diff(string(want), got))
}

// diff shows the first line that differs with its neighbors.
func diff(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	i := 0
	for i < len(w) && i < len(g) && w[i] == g[i] {
		i++
	}
	var b strings.Builder
	for _, l := range w[max(0, i-3):i] {
		b.WriteString("  " + l + "\n")
	}
	for _, l := range w[i:min(len(w), i+8)] {
		b.WriteString("- " + l + "\n")
	}
	for _, l := range g[i:min(len(g), i+8)] {
		b.WriteString("+ " + l + "\n")
	}
	return b.String()
}

func cmdTranscript(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1 && (args[0] == "on" || args[0] == "off"), "transcript on|off")
	get(ts).recording = args[0] == "on"
}

func cmdGolden(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "golden NAME")
	ts.Check(get(ts).compare(args[0]))
}
