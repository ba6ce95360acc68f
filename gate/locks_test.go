package gate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/gate"
	"github.com/git-crosslink/git-crosslink/trust"
)

// A lock file that a killed git left behind is found wherever git puts one, with
// its age and what it hinders. A young one may be held by a push.
func TestStaleLocks(t *testing.T) {
	w := settled(t, gate.Whole, trust.Require, true)
	w.git("--git-dir="+w.hub, "config", "receive.maxInputSize", "100m")
	inspect := func() map[string]fail.Diagnosis {
		t.Helper()
		r, err := gate.Inspect(w.ctx, w.hub, "", w.env)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]fail.Diagnosis{}
		for _, d := range r.Findings {
			if strings.Contains(d.Code.Name(), "lock") {
				_, rest, _ := strings.Cut(d.Text, "the lock file '"+w.hub+"/")
				path, _, _ := strings.Cut(rest, "'")
				found[path] = d
			}
		}
		return found
	}
	if got := inspect(); len(got) > 0 {
		t.Fatalf("nothing is locked: %v", got)
	}
	ages := map[string]string{"refs/heads/crosslink/checkpoint.lock": "3 min", "refs/heads/crosslink/agents/alice.lock": "90 min", "refs/heads/main.lock": "5 h",
		"packed-refs.lock": "47 h", "config.lock": "2 days", "HEAD.lock": "9 days", "objects/info/commit-graph.lock": "4 min", "refs/crosslink/presence/c1.lock": ""}
	hinders := map[string]string{"packed-refs.lock": "refs that are packed", "config.lock": "the configuration", "refs/heads/main.lock": "'refs/heads/main'"}
	for path, age := range ages {
		full := filepath.Join(w.hub, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		old := map[string]time.Duration{"3 min": 3 * time.Minute, "4 min": 4 * time.Minute, "90 min": 90 * time.Minute, "5 h": 5 * time.Hour, "47 h": 47 * time.Hour,
			"2 days": 49 * time.Hour, "9 days": 220 * time.Hour, "": 0}[age]
		when := time.Now().Add(-old - 5*time.Second)
		if err := os.Chtimes(full, when, when); err != nil {
			t.Fatal(err)
		}
	}
	got := inspect()
	for path, age := range ages {
		d, ok := got[path]
		want := fail.Problem
		if age == "" {
			want = fail.Note
		}
		if !ok || d.Severity != want || !strings.Contains(d.Text, "is "+age) || !strings.Contains(d.Text, hinders[path]) {
			t.Errorf("'%s': %+v", path, d)
		}
		for _, h := range hints.For(d.Code, d.Fields) {
			if strings.Contains(h, "rm ") {
				t.Errorf("'%s' is to be removed by a hint: %s", path, h)
			}
		}
	}
	if len(got) != len(ages) {
		t.Errorf("%d of %d: %v", len(got), len(ages), got)
	}
	for i := range 30 {
		if err := os.WriteFile(filepath.Join(w.hub, "refs", "heads", "crosslink", "agents", "many"+string(rune('a'+i%26))+string(rune('a'+i/26))+".lock"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := inspect(); len(got) != 20+1 {
		t.Errorf("%d locks are told one by one", len(got))
	}
}

// A gate of another version is reported, with the command that renews it.
func TestGateOfAnotherVersion(t *testing.T) {
	w := settled(t, gate.PerRef, trust.Require, true)
	other := func() (hint string) {
		r, err := gate.Inspect(w.ctx, w.hub, "", w.env)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range r.Findings {
			if d.Code.Name() == "other-version" {
				hint = hints.For(d.Code, d.Fields)[0]
			}
		}
		return hint
	}
	if h := other(); h != "" {
		t.Fatal("it was just installed")
	}
	for _, file := range []string{"hooks/proc-receive", "crosslink/server.config"} {
		path := filepath.Join(w.hub, file)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(b, "# old\n"...), 0o755); err != nil {
			t.Fatal(err)
		}
		if h := other(); h != "git crosslink server install --per-ref" {
			t.Errorf("%s: %q", file, h)
		}
		w.install(gate.PerRef)
	}
}
