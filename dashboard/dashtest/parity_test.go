package dashtest

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// original counts the tests of the dashboard of crosslink 0.9, by module.
var original = map[string]int{"poll": 4, "alerts": 14, "alerts_db": 6, "webhook": 13, "webhook_api": 5, "discover": 5, "export": 11, "actions": 2, "reader": 11, "db": 6,
	"github_api": 5, "github": 2, "pty": 3, "api": 17, "projects": 24}

var (
	testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	rowForm  = regexp.MustCompile(`^(?:feature (\d+) [^:]+|test ([a-z_]+)::(\w+)|tests ([a-z_]+) (\d+)): (.+)$`)
)

// testsHere are the names of all tests of the dashboard's packages.
func testsHere(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	files, err := filepath.Glob("../*/*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range testFunc.FindAllStringSubmatch(string(b), -1) {
			all[filepath.Base(filepath.Dir(f))+"."+m[1]] = true
		}
	}
	return all
}

// TestParity: every feature and every test of the original is mapped to tests
// that there are, to what is open, or to a reason.
func TestParity(t *testing.T) {
	text, err := os.ReadFile("../testdata/parity.txt")
	if err != nil {
		t.Fatal(err)
	}
	here := testsHere(t)
	features, tests := map[int]bool{}, map[string]int{}
	outcome, seen := map[string]int{}, map[string]bool{}
	for n, line := range strings.Split(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		m := rowForm.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("line %d cannot be read: %s", n+1, line)
			continue
		}
		what, _, _ := strings.Cut(line, ":")
		if strings.HasPrefix(line, "test ") {
			what = m[2] + "::" + m[3]
		}
		if seen[what] {
			t.Errorf("line %d: %s is there twice", n+1, what)
		}
		seen[what] = true
		weight := 1
		switch {
		case m[1] != "":
			k, _ := strconv.Atoi(m[1])
			features[k] = true
		case m[2] != "":
			tests[m[2]]++
		default:
			weight, _ = strconv.Atoi(m[5])
			tests[m[4]] += weight
		}
		word, reason, _ := strings.Cut(m[6], ": ")
		switch word {
		case "open", "not":
			if len(reason) < 10 {
				t.Errorf("line %d: a reason is missing", n+1)
			}
			outcome[word] += weight
		default:
			for _, name := range strings.Fields(m[6]) {
				if !here[name] {
					t.Errorf("line %d: there is no test %s", n+1, name)
				}
			}
			outcome["shown"] += weight
		}
	}
	for k := 1; k <= 50; k++ {
		if !features[k] {
			t.Errorf("feature %d is not mapped", k)
		}
	}
	for _, module := range slices.Sorted(maps.Keys(original)) {
		if tests[module] != original[module] {
			t.Errorf("%d tests of %s are mapped, the original has %d", tests[module], module, original[module])
		}
	}
	t.Logf("of 50 features and 128 tests %d are shown, %d open, %d decided otherwise", outcome["shown"], outcome["open"], outcome["not"])
}
