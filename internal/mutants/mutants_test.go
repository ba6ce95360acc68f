package mutants

import (
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed faults.txt
var list string

// fault is one wrong rule.
type fault struct {
	file, tests  string // tests is a package, and options of go test
	right, wrong string
}

// faults parses the list.
func faults(t *testing.T) (all []fault) {
	t.Helper()
	for block := range strings.SplitSeq(list, "\n\n") {
		var f fault
		for line := range strings.Lines(block) {
			line = strings.TrimSuffix(line, "\n")
			switch mark, text, _ := strings.Cut(line, " "); {
			case mark == "#" || line == "":
			case mark == "-":
				f.right += text + "\n"
			case mark == "+":
				f.wrong += text + "\n"
			default:
				f.file, f.tests = mark, text
			}
		}
		if f.file == "" {
			continue
		}
		if f.right == "" || f.wrong == "" || f.tests == "" {
			t.Fatalf("%s: a fault has a file, tests, '-' and '+':\n%s", f.file, block)
		}
		f.right, f.wrong = strings.TrimSuffix(f.right, "\n"), strings.TrimSuffix(f.wrong, "\n")
		all = append(all, f)
	}
	return all
}

// mutated is the file with the fault in it.
func (f fault) mutated(t *testing.T) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(f.file)))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(src), f.right); n != 1 {
		t.Fatalf("%s holds the text of a fault %d times, not once: mend faults.txt\n%s", f.file, n, f.right)
	}
	return strings.Replace(string(src), f.right, f.wrong, 1)
}

// TestFaultsFit: the list follows the code.
func TestFaultsFit(t *testing.T) {
	all := faults(t)
	if len(all) < 30 {
		t.Errorf("there are %d faults, want 30 or more", len(all))
	}
	for _, f := range all {
		f.mutated(t)
	}
}

// TestEveryFaultIsFound runs the tests of a package against each fault in its
// rules. It takes minutes.
func TestEveryFaultIsFound(t *testing.T) {
	if os.Getenv("CROSSLINK_NIGHTLY") == "" {
		t.Skip("only in 'make nightly'")
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults(t) {
		t.Run(f.file, func(t *testing.T) {
			dir := t.TempDir()
			wrong := filepath.Join(dir, filepath.Base(f.file))
			if err := os.WriteFile(wrong, []byte(f.mutated(t)), 0o600); err != nil {
				t.Fatal(err)
			}
			overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, filepath.FromSlash(f.file)): wrong}})
			if err != nil {
				t.Fatal(err)
			}
			at := filepath.Join(dir, "overlay.json")
			if err := os.WriteFile(at, overlay, 0o600); err != nil {
				t.Fatal(err)
			}
			run := func(args ...string) (string, error) {
				cmd := exec.Command("go", append([]string{args[0], "-overlay", at, "-tags", "urfave_cli_no_docs"}, args[1:]...)...)
				cmd.Dir, cmd.Env = root, append(os.Environ(), "CROSSLINK_NIGHTLY=")
				out, err := cmd.CombinedOutput()
				return string(out), err
			}
			words := strings.Fields(f.tests)
			if out, err := run("vet", words[0]); err != nil {
				t.Fatalf("the fault does not compile:\n%s\n%s", f.wrong, out)
			}
			out, err := run(append([]string{"test", "-count=1", "-failfast"}, words...)...)
			if err == nil {
				t.Errorf("no test of %s found\n- %s\n+ %s", f.tests, f.right, f.wrong)
			} else if !strings.Contains(out, "--- FAIL") && !strings.Contains(out, "panic:") {
				t.Errorf("no test failed, but something did:\n%s", out)
			}
		})
	}
}
