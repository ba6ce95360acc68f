//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/hooks"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// town is a hub, alice and bob at their clones with git's hooks in place, and
// relative URLs, so that a copy of the directory is the same town.
type town struct {
	tb   testing.TB
	root string
	env  []string
}

func newTown(tb testing.TB) *town {
	tb.Helper()
	t := &town{tb: tb, root: tb.TempDir()}
	t.env = append(testkit.Environment(), "PATH="+os.Getenv("PATH"), "HOME="+filepath.Join(t.root, "home"), "USER=alice",
		"GIT_CONFIG_COUNT=6", "GIT_CONFIG_KEY_2=maintenance.auto", "GIT_CONFIG_VALUE_2=false", "GIT_CONFIG_KEY_3=gc.auto", "GIT_CONFIG_VALUE_3=0",
		"GIT_CONFIG_KEY_4=pull.rebase", "GIT_CONFIG_VALUE_4=false", "GIT_CONFIG_KEY_5=advice.pushUpdateRejected", "GIT_CONFIG_VALUE_5=false",
		"GIT_AUTHOR_NAME=alice", "GIT_AUTHOR_EMAIL=alice@example.com", "GIT_COMMITTER_NAME=alice", "GIT_COMMITTER_EMAIL=alice@example.com",
		"GIT_AUTHOR_DATE=1700000000 +0000", "GIT_COMMITTER_DATE=1700000000 +0000", testkit.Mark(t.root))
	if err := os.Mkdir(filepath.Join(t.root, "home"), 0o755); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if !testkit.Settle(t.root) {
			tb.Error("a process is left that does not end")
		}
	})
	t.git(".", "init", "-q", "--bare", "-b", "main", "hub.git")
	if err := testkit.WithoutCollection(filepath.Join(t.root, "hub.git")); err != nil {
		tb.Fatal(err)
	}
	t.git(".", "init", "-q", "-b", "main", "alice")
	t.git("alice", "remote", "add", "origin", "../hub.git")
	t.git("alice", "config", "crosslink.agent", "alice-1")
	t.commit("alice", "start")
	t.git("alice", "push", "-q", "-u", "origin", "main")
	t.git("alice", "crosslink", "init")
	t.git("alice", "crosslink", "new", "fix the flux")
	t.git(".", "clone", "-q", "hub.git", "bob")
	t.git("bob", "remote", "set-url", "origin", "../hub.git")
	t.git("bob", "config", "crosslink.agent", "bob-1")
	t.git("bob", "crosslink", "comment", "1", "seen it")
	for _, who := range []string{"alice", "bob"} {
		if got := t.git(who, "crosslink", "hooks", "status", "-q"); strings.Count(got, "\n") != len(hooks.Names)-1 {
			tb.Fatalf("hooks in place at %s: %q", who, got)
		}
	}
	return t
}

func (t *town) command(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = filepath.Join(t.root, dir), t.env
	return cmd
}

// git runs git to its end and waits for what it left in the background.
func (t *town) git(dir string, args ...string) string {
	t.tb.Helper()
	var out, errs bytes.Buffer
	cmd := t.command(dir, append([]string{"git"}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	settled, err := testkit.Run(cmd)
	if !settled {
		t.tb.Fatalf("git %s left a process that does not end", strings.Join(args, " "))
	}
	if err != nil {
		t.tb.Fatalf("git %s: %v\n%s%s", strings.Join(args, " "), err, &out, &errs)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// commit adds a file of that name.
func (t *town) commit(dir, name string) {
	t.tb.Helper()
	t.write(filepath.Join(dir, name), dir+"'s "+name+"\n", 0o644)
	t.git(dir, "add", name)
	t.git(dir, "commit", "-q", "-m", name)
}

func (t *town) write(file, text string, mode os.FileMode) {
	t.tb.Helper()
	file = filepath.Join(t.root, file)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.tb.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.tb.Fatal(err)
	}
}

// copy makes the same town elsewhere.
func (t *town) copy() *town {
	t.tb.Helper()
	c := &town{tb: t.tb, root: t.tb.TempDir()}
	if out, err := exec.Command("cp", "-a", t.root+"/.", c.root).CombinedOutput(); err != nil {
		t.tb.Fatalf("%v\n%s", err, out)
	}
	for _, kv := range t.env {
		c.env = append(c.env, strings.ReplaceAll(kv, t.root, c.root))
	}
	c.tb.Cleanup(func() {
		if !testkit.Settle(c.root) {
			c.tb.Error("a process is left that does not end")
		}
	})
	return c
}

// without takes the programs away from PATH, and puts what else a broken
// installation may have there.
func (t *town) without(program string) {
	t.tb.Helper()
	var dirs []string
	for _, d := range filepath.SplitList(os.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(d, "git-crosslink")); err != nil {
			dirs = append(dirs, d)
		}
	}
	if program != "" {
		t.write("bin/git-crosslink", program, 0o755)
		dirs = append([]string{filepath.Join(t.root, "bin")}, dirs...)
	}
	t.env = append(t.env, "PATH="+strings.Join(dirs, string(filepath.ListSeparator)))
}

// says is what a user sees of a command.
func (t *town) says(dir, command string) string {
	t.tb.Helper()
	var out, errs bytes.Buffer
	cmd := t.command(dir, "sh", "-c", command)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if settled, _ := testkit.Run(cmd); !settled {
		t.tb.Errorf("%s: it left a process that does not end", command)
	}
	return fmt.Sprintf("status %d\nstdout:\n%sstderr:\n%s", cmd.ProcessState.ExitCode(), &out, news(timing.ReplaceAllString(errs.String(), "")))
}

// news leaves out what a fetch lists of the tracker's branches: a tracker that
// works moves them, and git aligns the other lines with them.
func news(stderr string) string {
	var all []string
	for line := range strings.Lines(stderr) {
		if !strings.Contains(line, " -> origin/crosslink/") && line != "From ../hub\n" {
			all = append(all, strings.Join(strings.Fields(line), " ")+"\n")
		}
	}
	return strings.Join(all, "")
}

// timing is what git measures and draws.
var timing = regexp.MustCompile(`[^\n]*\r|, [0-9.]+ [KM]?i?B \| [0-9.]+ [KM]iB/s|Unpacking objects: [^\n]*\n`)

// day are commands of an ordinary day of alice's, in order; some fail by
// themselves.
var day = []string{
	"git commit --allow-empty -m work",
	"git commit --amend --allow-empty -m 'better work'",
	"git fetch",
	"git push",             // refused: bob was faster
	"git push --porcelain", // the same
	"git pull --no-edit",   // merges
	"git push",             // lands
	"git push",             // nothing to do
	"git -C ../bob pull",   // goes forward
	"git -C ../bob commit --allow-empty -m 'bob, 2' && git -C ../bob push --no-progress",
	"git commit --allow-empty -m 'alice, 2' && git pull --rebase",
	"git push --dry-run --porcelain",
	"git push --porcelain origin main:refs/heads/other",
	"git push origin :other",
	"git -C ../bob pull --ff-only",
	"echo bob >../bob/both && git -C ../bob add both && git -C ../bob commit -m both && git -C ../bob push",
	"echo alice >both && git add both && git commit -m both",
	"git pull --no-edit", // a conflict
	"git merge --abort",
	"git pull --rebase", // a conflict
	"git rebase --skip",
	"git push origin nowhere",
	"git ls-remote --heads origin main",
	"git status --porcelain --branch",
}

// TestATrackerThatIsBrokenChangesNothing: a day with the hooks, and the same
// day without, look the same whatever is wrong with the tracker.
func TestATrackerThatIsBrokenChangesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("a day of git for each fault; -short")
	}
	t.Parallel()
	base := newTown(t)
	base.commit("bob", "bob, 1")
	base.git("bob", "push", "-q")
	base.git("alice", "crosslink", "--offline", "comment", "1", "unsent")
	replica := "alice/.git/crosslink/replica.git"
	refuse := "#!/bin/sh\nwhile read old new ref; do case $ref in refs/heads/crosslink/*) echo 'not here' >&2; exit 1 ;; esac; done\n"
	for _, f := range []struct {
		name  string
		fault func(*town)
		all   bool // a case of 'make test'; the others are nightly
	}{
		{"no problems found", func(*town) {}, true},
		{"the program is gone", func(w *town) { w.without("") }, true},
		{"the program is damaged", func(w *town) { w.without("\x7fELF\x02\x00") }, false},
		{"the program dies", func(w *town) { w.without("#!/bin/sh\necho panic >&2\nkill -9 $$\n") }, false},
		{"the program fails", func(w *town) { w.without("#!/bin/sh\necho out; echo panic >&2\nexit 2\n") }, true},
		{"the hub refuses the tracker", func(w *town) { w.write("hub.git/hooks/pre-receive", refuse, 0o755) }, true},
		{"the hub has lost the tracker", func(w *town) {
			for _, ref := range strings.Fields(w.git("hub.git", "for-each-ref", "--format=%(refname)", "refs/heads/crosslink/")) {
				w.git("hub.git", "update-ref", "-d", ref)
			}
		}, false},
		{"the hub cannot be reached", func(w *town) { os.Rename(filepath.Join(w.root, "hub.git"), filepath.Join(w.root, "away")) }, true},
		{"the replica has lost its objects", func(w *town) { os.RemoveAll(filepath.Join(w.root, replica, "objects")) }, true},
		{"the replica is a file", func(w *town) {
			os.RemoveAll(filepath.Join(w.root, replica))
			w.write(replica, "junk", 0o644)
		}, false},
		{"the replica's settings are nonsense", func(w *town) { w.write(replica+"/config", "[[[\n", 0o644) }, true},
		{"the notes are nonsense", func(w *town) { w.write("alice/.git/crosslink/contact.json", "\x00{", 0o644) }, false},
		{"the tracker was removed", func(w *town) { os.RemoveAll(filepath.Join(w.root, "alice/.git/crosslink")) }, false},
		{"another sync takes long", func(w *town) {
			cmd := w.command(replica, "flock", "sync.lock", "sleep", "15")
			cmd.Env = []string{"PATH=" + os.Getenv("PATH")} // no process of the town's
			if err := cmd.Start(); err != nil {
				w.tb.Skipf("no 'flock' here: %v", err)
			}
			w.tb.Cleanup(func() { cmd.Wait() })
		}, false},
	} {
		t.Run(f.name, func(t *testing.T) {
			if !f.all && os.Getenv("CROSSLINK_NIGHTLY") == "" {
				t.Skip("make nightly")
			}
			t.Parallel()
			with, plain := base.copy(), base.copy()
			with.tb, plain.tb = t, t
			for _, who := range []string{"alice", "bob"} {
				for _, name := range hooks.Names {
					os.Remove(filepath.Join(plain.root, who, ".git/hooks", name))
				}
				plain.says(who, "git config --remove-section hook.crosslink")
			}
			f.fault(with)
			f.fault(plain)
			for _, command := range day {
				if got, want := with.says("alice", command), plain.says("alice", command); got != want {
					t.Errorf("%s\nwith the hooks:\n%s\nwithout:\n%s", command, got, want)
				}
			}
		})
	}
}

// TestNothingIsLeftBehind: hooks run once for each command of the user's, never
// for our own, and when all is over there are as many processes as before.
func TestNothingIsLeftBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("many pulls and pushes; -short")
	}
	rounds := 8
	if os.Getenv("CROSSLINK_NIGHTLY") != "" {
		rounds = 50
	} else {
		t.Logf("%d rounds of two pulls and two pushes; make nightly runs 50", rounds)
	}
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("no /proc here to count processes in")
	}
	w := newTown(t)
	// every call of the program is noted; detached syncs start the program itself
	real, err := exec.LookPath("git-crosslink")
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(w.root, "calls")
	w.write("bin/git-crosslink", "#!/bin/sh\necho \"$2\" >>'"+log+"'\nexec '"+real+"' \"$@\"\n", 0o755)
	w.env = append(w.env, "PATH="+filepath.Join(w.root, "bin")+string(filepath.ListSeparator)+os.Getenv("PATH"))
	before := len(testkit.Marked(w.root))
	run := func(dir string, args ...string) { // as a user types it: nobody waits for the background
		if out, err := w.command(dir, append([]string{"git"}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	want := map[string]int{}
	most := 0
	for i := range rounds {
		for _, pair := range [][2]string{{"alice", "bob"}, {"bob", "alice"}} {
			run(pair[0], "commit", "-q", "--allow-empty", "-m", fmt.Sprint(i))
			run(pair[0], "push", "-q")
			run(pair[1], "pull", "-q")
			want["pre-push"]++
			want["post-merge"]++
			most = max(most, len(testkit.Marked(w.root)))
		}
	}
	start := time.Now()
	if !testkit.Settle(w.root) {
		t.Fatal("a process does not end")
	}
	if after := len(testkit.Marked(w.root)); after != before {
		t.Errorf("%d processes before, %d after", before, after)
	}
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, name := range strings.Fields(string(b)) {
		if name == hooks.Any { // configured hooks are not distinguished here
			t.Skip("this git takes hooks from its configuration; the counts are those of files")
		}
		got[name]++
	}
	for name, n := range got {
		if n != want[name] {
			t.Errorf("'%s' ran %d times for %d commands", name, n, want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("ran: %v, want %v", got, want)
	}
	t.Logf("%d pushes and %d pulls: at most %d processes at once, the last ended %v after them", want["pre-push"], want["post-merge"], most, time.Since(start).Round(time.Millisecond))
}

// BenchmarkHook prints what the hooks add to a user's command: milliseconds, and
// the ratio to the same command without them. Nothing is judged.
func BenchmarkHook(b *testing.B) {
	base := newTown(b)
	for _, c := range []struct{ name, command string }{
		{"commit", "git commit -q --allow-empty -m x"},
		{"amend", "git commit -q --amend --allow-empty -m x"},
		{"push", "git push -q -f origin main:other main~1:refs/heads/more"},
		{"push-nothing-new", "git push -q"},
		{"merge", "git reset -q --hard main~1 && git merge -q --ff-only ORIG_HEAD"},
	} {
		b.Run(c.name, func(b *testing.B) {
			with, plain := base.copy(), base.copy()
			with.tb, plain.tb = b, b
			for _, w := range []*town{with, plain} {
				w.says("alice", "git commit -q --allow-empty -m more && git push -q")
				w.git("alice", "config", "crosslink.sync", "manual") // a sync is started, and leaves at once: what it does is not measured
			}
			plain.git("alice", "crosslink", "hooks", "uninstall")
			var took, cpu [2]time.Duration
			for range b.N {
				for k, w := range []*town{with, plain} {
					cmd := w.command("alice", "sh", "-c", c.command)
					start := time.Now()
					if out, err := cmd.CombinedOutput(); err != nil {
						b.Fatalf("%v\n%s", err, out)
					}
					took[k] += time.Since(start)
					cpu[k] += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
				}
			}
			n := float64(b.N)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(took[0]-took[1])/n/1e6, "ms-added/op")
			b.ReportMetric(float64(took[0])/float64(took[1]), "×-time")
			b.ReportMetric(float64(cpu[0]-cpu[1])/n/1e6, "cpu-ms-added/op")
			b.ReportMetric(float64(cpu[0])/float64(cpu[1]), "×-cpu")
		})
	}
}
