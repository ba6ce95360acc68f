package testkit

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/git-crosslink/git-crosslink/internal/system"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"git-crosslink": fake})
}

// fake stands for the program: its state is the tip of main on the hub, and it
// knows one fault.
func fake() {
	git := func(args ...string) string {
		out, err := exec.Command("git", args...).Output()
		if err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(128)
		}
		return strings.TrimSpace(string(out))
	}
	answer := func(data any) {
		_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"v": 1, "ok": true, "data": data})
	}
	if os.Getenv("CROSSLINK_FAULT") == "here" {
		p, _ := os.FindProcess(os.Getpid())
		_ = p.Kill()
		select {}
	}
	switch os.Args[1] {
	case "sync":
		git("fetch", "-q")
	case "status":
		answer(map[string]any{"state": git("rev-parse", "origin/main")})
	case "list":
		answer([]string{git("log", "-1", "--format=%s", "origin/main")})
	case "later": // continues behind the user's back
		c := exec.Command("sh", "-c", "sleep 0.2; echo done >later")
		system.NewSession(c)
		_ = c.Start()
	case "whoami":
		_ = os.MkdirAll(".git/crosslink", 0o755)
		_ = os.WriteFile(".git/crosslink/identity", []byte(`{"agent":"`+os.Getenv("USER")+`-host-ab2c"}`), 0o644)
		fmt.Printf("%s-host-ab2c  3f9a1c2\n", os.Getenv("USER"))
	case "advises-once": // until the setting is there
		if exec.Command("git", "config", "some.thing").Run() == nil {
			return
		}
		fallthrough
	case "advises":
		fmt.Fprintln(os.Stderr, "hint:", os.Args[2])
		os.Exit(1)
	case "documents":
		answer(map[string]any{"findings": []any{map[string]any{"hints": os.Args[2:]}}})
	case "lost":
		os.Exit(2)
	case "no-newline":
		fmt.Print("x")
	}
}

func TestScript(t *testing.T) { Scripts(t, "testdata/script", Hints{All: 1}) }

// recorder is a testscript.T that keeps what a failing script says.
type recorder struct {
	name   string
	log    strings.Builder
	failed bool
}

func (r *recorder) Name() string              { return r.name }
func (r *recorder) Failed() bool              { return r.failed }
func (r *recorder) Skipped() bool             { return false }
func (r *recorder) Errorf(f string, a ...any) { r.failed = true; fmt.Fprintf(&r.log, f+"\n", a...) }
func (r *recorder) Skip(...any)               {}
func (r *recorder) Parallel()                 {}
func (r *recorder) Log(a ...any)              { fmt.Fprintln(&r.log, a...) }
func (r *recorder) Verbose() bool             { return false }
func (r *recorder) Fatal(a ...any)            { r.Log(a...); r.FailNow() }
func (r *recorder) FailNow()                  { r.failed = true; panic(r) }
func (r *recorder) Run(name string, f func(testscript.T)) {
	defer func() {
		if p := recover(); p != nil && p != any(r) {
			panic(p)
		}
	}()
	r.name = name
	f(r)
}

// TestScriptsCanFail runs scripts each of which must fail for the reason its
// first line gives: a check that cannot fail checks nothing.
func TestScriptsCanFail(t *testing.T) {
	files, err := filepath.Glob("testdata/fail/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	defer func(u bool) { *update = u }(*update)
	*update = false // or what must fail is made right
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txtar"), func(t *testing.T) {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(b), "\n")
			want, ok := strings.CutPrefix(first, "# fails: ")
			if !ok {
				t.Fatal("no '# fails: ' line")
			}
			p := params("testdata/fail", newHintRun(Hints{}, true))
			p.Dir, p.Files = "", []string{f}
			p.UpdateScripts = false
			r := &recorder{}
			testscript.RunT(r, p)
			if !r.failed {
				t.Fatalf("passed; want %q", want)
			}
			if !strings.Contains(r.log.String(), want) {
				t.Errorf("no %q in:\n%s", want, r.log.String())
			}
		})
	}
}
