//go:build unix

package gate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/gate"
)

// BenchmarkCodeOnly: what a push of code alone costs with a gate, as a ratio of
// what it costs without one. CPU of all processes, ten pushes a round.
func BenchmarkCodeOnly(b *testing.B) {
	const pushes = 10
	for _, mode := range []string{gate.Whole, gate.PerRef} {
		b.Run(mode, func(b *testing.B) {
			plain, gated := newWorld(b, "sha1"), newWorld(b, "sha1")
			gated.install(mode)
			round := func(w *world) float64 {
				tips := make([]string, pushes)
				for i := range tips {
					tips[i] = string(w.code("x" + string(rune('a'+i))))
				}
				return float64(measured(func() {
					for _, tip := range tips {
						w.git("push", "-q", w.hub, "+"+tip+":refs/heads/main")
					}
				}))
			}
			var with, without float64
			for b.Loop() {
				without += round(plain)
				with += round(gated)
			}
			b.ReportMetric(with/without, "of-a-push-without")
			b.ReportMetric((with-without)/float64(b.N*pushes)/1e6, "ms-more")
		})
	}
}

// A push of code alone starts nothing of ours: with proc-receive not even a shell. The hook
// starts a program that records that it was started.
func TestCodeAloneStartsNothing(t *testing.T) {
	for _, mode := range []string{gate.Whole, gate.PerRef} {
		w := newWorld(t, "sha1")
		w.install(mode)
		hook := filepath.Join(w.hub, "hooks", mode)
		noted := filepath.Join(w.dir, "noted")
		program := filepath.Join(w.dir, "program")
		put(t, program, "#!/bin/sh\n: >'"+noted+".program'\nexit 1\n", 0o755)
		started := func(what string) bool {
			_, err := os.Stat(noted + "." + what)
			os.Remove(noted + "." + what)
			return err == nil
		}
		if _, err := gate.Install(w.ctx, w.hub, mode, program, w.env); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(hook)
		if err != nil {
			t.Fatal(err)
		}
		put(t, hook, "#!/bin/sh\n: >'"+noted+".hook'\n"+string(text), 0o755)
		w.mustPush(string(w.code("a"))+":refs/heads/side", string(w.code("b"))+":refs/heads/a/crosslink/b", string(w.code("c"))+":refs/tags/crosslink")
		if hook, program := started("hook"), started("program"); hook != (mode == gate.Whole) || program {
			t.Errorf("%s: hook started: %v, program started: %v", mode, hook, program)
		}
		if says, ok := w.push(string(w.code("d")) + ":refs/heads/crosslink/meta"); ok {
			t.Errorf("%s: a program that fails lets through: %s", mode, says)
		}
		if hook, program := started("hook"), started("program"); !hook || !program {
			t.Errorf("%s: they never start: %v, %v", mode, hook, program)
		}
	}
}

// Where the program is gone the code continues and the tracker does not.
func TestAProgramThatIsGone(t *testing.T) {
	w := newWorld(t, "sha1")
	var path []string // as if the program were installed nowhere
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(dir, "git-crosslink")); err != nil {
			path = append(path, dir)
		}
	}
	w.env = append(w.env, "PATH="+strings.Join(path, string(os.PathListSeparator)))
	for _, mode := range []string{gate.Whole, gate.PerRef} {
		if _, err := gate.Install(w.ctx, w.hub, mode, filepath.Join(w.dir, "gone"), w.env); err != nil {
			t.Fatal(err)
		}
		w.mustPush("+" + string(w.code(mode)) + ":refs/heads/side")
		w.refusedInWords(string(w.code("x"))+":refs/heads/crosslink/meta", "is missing on this hub")
	}
}
