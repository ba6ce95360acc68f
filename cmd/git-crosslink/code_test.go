//go:build unix

package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// everyVerb is a line for each command there is, in an order in which each has
// something to do.
var everyVerb = []string{
	"init", "status", "version", "help list", "new 'one' -p high -l bug -d text", "new 'two' --blocked-by 2", "new --stdin-jsonl <$OUT/new.jsonl",
	"list", "show 2 3", "ready", "ready --claim", "next", "blocked", "tree", "search one", "log 2", "edit 2 -t 'one and a half'", "comment 2 'a thought' -k decision",
	"comment edit $(git crosslink show 2 --json | sed 's/.*\"comments\":\\[{\"uuid\":\"\\([^\"]*\\).*/\\1/') 'another'", "comment delete $(git crosslink show 2 --json | sed 's/.*\"comments\":\\[{\"uuid\":\"\\([^\"]*\\).*/\\1/')",
	"label 2 ui", "unlabel 2 ui", "assign 2 @me", "unassign 2 @me", "block 4 2", "unblock 4 2", "relate 2 4", "unrelate 2 4", "link 2 JIRA-1", "unlink 2 JIRA-1",
	"parent 4 2", "parent 4 none", "schedule 4 --due +3d", "lock 2", "lock list", "lock check 2", "unlock 2", "lock 2", "unlock --break --reason testing 2", "heartbeat",
	"milestone new v1 --due +3d", "milestone add v1 2", "milestone list", "milestone show v1", "milestone edit v1 -t v2", "milestone remove 2", "milestone close v2", "milestone reopen v2", "milestone delete v2",
	"timer start 2", "timer status", "timer stop", "timer start 2", "timer discard", "time add 2 1h", "time list", "time report", "time delete $(git crosslink time list -q | head -n 1)",
	"session start 2", "session status", "session work 4", "session end -m 'half is done'", "session handoff", "prime", "prime --hook claude </dev/null", "setup", "setup claude; git crosslink setup claude --remove",
	"request send bob-1 pause -r testing", "request list --from @me", "request send alice-1 resume", "request ack $(git crosslink request list --to @me -q | head -n 1) --acted", "request poll", "agent flags --strict",
	"agent show", "agent list", "agent describe 'the tester'", "agent fold", "key show", "key rotate", "trust list", "trust show", "trust pending", "trust policy", "trust approve bob-1", "ci report passing", "ci list",
	"close 4 -r done", "reopen 4", "archive 4", "delete 4", "sync", "doctor", "fsck", "hooks status", "hooks install", "export -o $OUT/issues.jsonl", "import csv $OUT/empty.csv --scope x/y", "completion bash", "agent fork",
	"template list", "edit 2 -p low", "undo --yes", "git for-each-ref", "migrate --dry-run",
	"trust revoke bob-1 --reason testing", "fork detach", "hooks uninstall",
}

// elsewhere are the commands that do not work on the repository they are run in.
var elsewhere = map[string]string{
	"dashboard": "another program", "watch": "another program", "mcp": "another program, whose calls are these commands", "server": "for a bare repository on a server",
	"verify-proof": "reads a file", "locks": "another name of 'lock'", "check": "the same, of 'lock check'", "agent retire": "nothing could be written after it",
}

// TestNoVerbTouchesCode: after every command, HEAD, the index and the files are byte
// for byte what they were, staged, changed, untracked and ignored ones; and when all
// is done no process is left. CROSSLINK_NIGHTLY repeats it for a thousand commands.
func TestNoVerbTouchesCode(t *testing.T) {
	t.Parallel()
	covered := func(name string) bool {
		noun, _, _ := strings.Cut(name, " ")
		return elsewhere[name] != "" || elsewhere[noun] != "" || slices.ContainsFunc(everyVerb, func(l string) bool { return l == name || strings.HasPrefix(l, name+" ") })
	}
	for name := range maps.Keys(cli.Examples()) {
		if name = strings.TrimPrefix(name, "git crosslink "); !covered(name) {
			t.Errorf("no line runs '%s': add one to everyVerb", name)
		}
	}
	rounds := 1
	if os.Getenv("CROSSLINK_NIGHTLY") != "" {
		rounds = 1000/len(everyVerb) + 1
	}
	ran := 0
	for range rounds {
		w := newTown(t)
		w.commit("alice", "code")
		w.write("alice/.gitignore", "*.o\n", 0o644)
		w.git("alice", "add", ".gitignore")
		w.write("alice/code", "staged\n", 0o644)
		w.git("alice", "add", "code")
		w.write("alice/code", "changed since\n", 0o755)
		w.write("alice/new file", "untracked\n", 0o644)
		w.write("alice/x.o", "ignored\n", 0o644)
		w.write("out/empty.csv", "id,title\n1,imported\n", 0o644)
		w.write("out/new.jsonl", `{"title":"three"}`+"\n", 0o644)
		before := w.code("alice")
		for _, l := range everyVerb {
			cmd := w.command("alice", "sh", "-c", "git crosslink "+l)
			cmd.Env = append(slices.Clone(cmd.Env), "OUT="+filepath.Join(w.root, "out"))
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			err := cmd.Run()
			var exit *exec.ExitError
			if status := cmd.ProcessState.ExitCode(); err != nil && !errors.As(err, &exit) || status > 3 {
				t.Errorf("%s: %v\n%s", l, err, out.String())
			}
			ran++
			if after := w.code("alice"); after != before {
				t.Fatalf("'%s' changed the worktree:\n%s\nwas:\n%s", l, after, before)
			}
		}
		if !testkit.Settle(w.root) {
			t.Fatalf("a process is left after %d commands", ran)
		}
	}
	t.Logf("%d commands", ran)
}

// code is what a user's work in a worktree consists of.
func (t *town) code(dir string) string {
	t.tb.Helper()
	var all []string
	root := filepath.Join(t.root, dir)
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && rel == ".git":
			for _, f := range []string{"HEAD", "index", "logs/HEAD", "refs/heads/main", "refs/remotes/origin/main"} {
				b, err := os.ReadFile(filepath.Join(path, f))
				if err != nil && !os.IsNotExist(err) {
					return err
				}
				all = append(all, fmt.Sprintf(".git/%s %x", f, sha256.Sum256(b)))
			}
			return filepath.SkipDir
		case d.IsDir():
			all = append(all, rel+"/")
			return nil
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		all = append(all, fmt.Sprintf("%s %s %s %x", rel, st.Mode(), st.ModTime(), sha256.Sum256(b)))
		return err
	})
	if err != nil {
		t.tb.Fatal(err)
	}
	return strings.Join(all, "\n")
}
