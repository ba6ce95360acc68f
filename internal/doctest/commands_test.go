package doctest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/cli"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
)

// Every command that a document or a text of help shows is run as it stands,
// in a clone with a past (worlds_test.go). The rules are:
//
//   - a command is a code span or a line of a code block that begins with a
//     program's name and continues, and every line under "Examples:" in help;
//   - it is run by sh, in a copy of the world of its own, and has to succeed,
//     or to end with the status that is listed for it;
//   - words in angle brackets and the short id 3f9a1c2 stand for what the
//     world has;
//   - the list of messages is left out: scripts run each hint where it is printed;
//   - what cannot be run is listed with the reason. An entry that no longer occurs in any text
//     fails.

// how says how one command is run, where that differs from the usual.
type how struct {
	in     string            // the clone; alice if empty
	before string            // run there first, by sh -e
	with   map[string]string // what placeholders stand for
	status int               // how it has to end
	not    string            // why it is not run at all
}

// programs are what a command begins with. A program's name alone names it.
var programs = regexp.MustCompile(`^(?:[A-Z_]+=\S+ )*(?:git|git-crosslink|make|go|sh|export|mv|\./install\.sh)[ ]\S`)

// span is a code span, or a link's.
var span = regexp.MustCompile("`([^`]+)`")

// commandsOf finds the commands a Markdown document shows.
func commandsOf(text string) []string {
	var found []string
	add := func(s string) {
		s = strings.TrimSpace(strings.ReplaceAll(s, `\|`, "|"))
		if s = strings.TrimPrefix(s, "$ "); programs.MatchString(s) {
			found = append(found, s)
		}
	}
	fence := ""
	for _, line := range strings.Split(text, "\n") {
		switch {
		case fence == "" && strings.HasPrefix(line, "```"):
			fence = line
		case strings.HasPrefix(line, "```"):
			fence = ""
		case fence == "```sh run", fence == "```sh then", fence == "```console then": // TestRunnableBlocks
		case fence != "" || strings.HasPrefix(line, "    "):
			code, _, _ := strings.Cut(line, "  ") // a remark follows two spaces
			if fence == "" {
				code, _, _ = strings.Cut(strings.TrimSpace(line), "  ")
			}
			add(code)
		default:
			for _, m := range span.FindAllStringSubmatch(line, -1) {
				add(m[1])
			}
		}
	}
	return found
}

// shown are all commands, with a place that shows each.
func shown(t *testing.T) map[string]string {
	t.Helper()
	dir, all := root(t), map[string]string{}
	for _, name := range documents(t) {
		if name == "docs/messages.md" {
			continue // generated: its hints run where they are printed (testkit/hints.go)
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			continue // TestLinksResolve reads them all
		}
		for _, c := range commandsOf(string(b)) {
			all[c] = name
		}
	}
	inDocs := len(all)
	for command, lines := range cli.Examples() {
		for _, l := range lines {
			all[l] = "help of '" + command + "'"
		}
	}
	if inDocs < 40 || len(all) < inDocs+50 {
		t.Fatalf("found only %d commands in documents and %d in all", inDocs, len(all))
	}
	return all
}

func TestEveryShownCommandRuns(t *testing.T) {
	all := shown(t)
	for c := range special {
		if all[c] == "" {
			t.Errorf("no text shows this command any more, it is listed for nothing: %s", c)
		}
	}
	targets := makeTargets(t)
	var run []string
	for _, c := range slices.Sorted(maps.Keys(all)) {
		h := special[c]
		target, isMake := strings.CutPrefix(regexp.MustCompile(`^(?:[A-Z_]+=\S+ )*`).ReplaceAllString(c, ""), "make ")
		switch {
		case h.not != "":
		case isMake: // what they run runs this test, too
			if target, _, _ = strings.Cut(target, " "); !slices.Contains(targets, target) {
				t.Errorf("%s shows '%s': the Makefile has no such target", all[c], c)
			}
		default:
			run = append(run, c)
		}
	}
	if testing.Short() {
		t.Skipf("NOT RUN with -short: %d commands that are shown", len(run))
	}
	bin := build(t)
	const worlds = 3 // beside each other
	for k := range worlds {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, bin)
			for i := k; i < len(run); i += worlds {
				if err := w.paste(run[i], special[run[i]]); err != nil {
					t.Errorf("%s shows '%s': %v", all[run[i]], run[i], err)
				}
			}
		})
	}
	t.Logf("%d commands shown, %d run", len(all), len(run))
}

func makeTargets(t *testing.T) (names []string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root(t), "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(string(b), -1) {
		names = append(names, m[1])
	}
	return names
}

// world is a hub and its clones, put back before each command.
type world struct {
	dir, kept string
	fresh     string // what it looks like as it was
	env       []string
	ids       map[string]string // what placeholders stand for
	watch     testkit.Watch     // of what a command leaves running
}

func newWorld(t *testing.T, bin string) *world {
	t.Helper()
	base := t.TempDir()
	w := &world{dir: filepath.Join(base, "world"), kept: filepath.Join(base, "kept"), ids: map[string]string{}}
	w.env = append(testkit.Environment(),
		"PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"), "HOME="+filepath.Join(w.dir, "home"), "USER=alice",
		"GIT_CONFIG_GLOBAL="+filepath.Join(w.dir, "gitconfig"), // git config --global replaces the file that it writes to
		"GIT_AUTHOR_NAME=alice", "GIT_AUTHOR_EMAIL=alice@example.com", "GIT_EDITOR=true",
		"GIT_COMMITTER_NAME=alice", "GIT_COMMITTER_EMAIL=alice@example.com", testkit.Mark(w.dir))
	if err := os.MkdirAll(filepath.Join(w.dir, "home"), 0o755); err != nil {
		t.Fatal(err)
	}
	out, status, err := w.sh("", past)
	if err != nil || status != 0 {
		t.Fatalf("the world was not made: status %d, %v\n%s", status, err, out)
	}
	for name, command := range examples {
		out, status, err := w.sh("alice", command)
		if err != nil || status != 0 || len(strings.Fields(out)) != 1 {
			t.Fatalf("'%s': status %d, %v\n%s", command, status, err, out)
		}
		w.ids[name] = strings.TrimSpace(out)
	}
	if !w.watch.Settle() {
		t.Fatal("a process was left")
	}
	if err := os.Rename(w.dir, w.kept); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { testkit.Settle(w.dir) })
	return w
}

// sh runs a text in a clone, as somebody who pastes it.
func (w *world) sh(in, text string) (out string, status int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-e", "-c", text)
	cmd.Dir, cmd.Env = filepath.Join(w.dir, in), w.env
	if err := w.watch.Add(cmd); err != nil {
		return "", 0, err
	}
	b, err := cmd.CombinedOutput()
	if e := (*exec.ExitError)(nil); errors.As(err, &e) && e.ExitCode() >= 0 {
		return string(b), e.ExitCode(), nil
	}
	return string(b), 0, err
}

// restore puts the world back, if something has changed there. Files are
// linked: git writes none of them in place.
func (w *world) restore() error {
	if !w.watch.Settle() {
		return errors.New("the one before left a process that does not end")
	}
	if w.fresh != "" && w.fresh == w.look() {
		return nil
	}
	// in its old place: at another path every clone would be a copy
	if err := os.RemoveAll(w.dir); err != nil {
		return err
	}
	if out, err := exec.Command("cp", "-al", w.kept, w.dir).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	w.fresh = w.look()
	return nil
}

// look sums up what a command can have changed: worktrees, settings and refs.
// Notes and objects that nothing refers to make no difference.
func (w *world) look() string {
	var b strings.Builder
	filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			fmt.Fprintln(&b, err)
		case d.IsDir() && (d.Name() == "objects" || d.Name() == "logs"):
			return filepath.SkipDir
		case d.IsDir() || strings.HasSuffix(path, ".lock"):
		case strings.Contains(path, "/crosslink/") && strings.HasSuffix(path, ".json"), d.Name() == "index", d.Name() == "FETCH_HEAD":
		default:
			if info, err := d.Info(); err == nil {
				fmt.Fprintln(&b, path, info.Size(), info.ModTime().UnixNano())
			}
		}
		return nil
	})
	return b.String()
}

// paste runs a command in the world as it was.
func (w *world) paste(command string, h how) error {
	if err := w.restore(); err != nil {
		return err
	}
	if h.in == "" {
		h.in = "alice"
	}
	if out, status, err := w.sh(h.in, h.before); err != nil || status != 0 {
		return fmt.Errorf("before it: status %d, %v\n%s", status, err, out)
	}
	text := command
	for _, m := range []map[string]string{h.with, placeholders} {
		for from, to := range m {
			text = strings.ReplaceAll(text, from, to)
		}
	}
	for from, to := range w.ids {
		text = strings.ReplaceAll(text, from, to)
	}
	if m := regexp.MustCompile(`<[a-z ]+>|…`).FindString(text); m != "" {
		return fmt.Errorf("'%s' stands for nothing that is known here", m)
	}
	out, status, err := w.sh(h.in, text)
	if err != nil || status != h.status {
		return fmt.Errorf("status %d, want %d, %v\n%s", status, h.status, err, out)
	}
	return nil
}

func TestCommandsOf(t *testing.T) {
	text := "Use `git crosslink new 'x'`, then `git`; `GIT_TRACE=1 git status` too.\n" +
		"| `name` | `git crosslink show <id>`, `it says \\| git so` |\n\n" +
		"    make test          # what CI runs\n    plain words\n\n" +
		"```\n$ git crosslink list\nanswer\n```\n```sh run\ngit status\n```\n"
	want := []string{"git crosslink new 'x'", "GIT_TRACE=1 git status", "git crosslink show <id>", "make test", "git crosslink list"}
	if got := commandsOf(text); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
