//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The completions are tried in the shells themselves, beside their own
// completion of git. A shell that is not there is reported as not run.

// completing is alice's clone with issues 1 'fix the flux' and 2 'paint the
// door', and the completion of a shell in a file.
func completing(t *testing.T, shell string) (w *town, program, file string) {
	t.Helper()
	program, err := exec.LookPath(shell)
	if err != nil {
		t.Skipf("no '%s' here", shell)
	}
	if testing.Short() {
		t.Skip("a shell and a tracker; -short")
	}
	w = newTown(t)
	w.git("alice", "crosslink", "new", "paint the door; $(touch pwned)")
	name := map[string]string{"bash": "git-crosslink", "zsh": "_git-crosslink", "fish": "git-crosslink.fish"}[shell]
	w.write(filepath.Join("completions", name), w.git("alice", "crosslink", "completion", shell)+"\n", 0o644)
	return w, program, filepath.Join(w.root, "completions", name)
}

// in runs a shell's script in alice's clone.
func (t *town) in(program string, args ...string) string {
	t.tb.Helper()
	cmd := t.command("alice", append([]string{program}, args...)...)
	cmd.Env = append(cmd.Env, "TERM=dumb")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.tb.Fatalf("%s: %v\n%s", program, err, out)
	}
	if _, err := os.Stat(filepath.Join(t.root, "alice", "pwned")); err == nil {
		t.tb.Error("a title was run")
	}
	return strings.TrimSpace(string(out))
}

// typed are lines before the key is pressed, and what is offered.
var typed = []struct{ line, want string }{
	{"git crosslink clo", "close"},
	{"git crosslink hooks s", "status"},
	{"git crosslink show flux", "1"},
	{"git crosslink show 2", "2"},
	{"git crosslink list --status=clo", "--status=closed"},
	{"git crosslink new -p hi", "high"},
	{"git -C . crosslink show door", "2"},
	{"git-crosslink show flux", "1"},
}

func TestCompletionInBash(t *testing.T) {
	w, bash, file := completing(t, "bash")
	git := ""
	for _, f := range []string{"/usr/share/bash-completion/completions/git", "/usr/local/share/bash-completion/completions/git", "/etc/bash_completion.d/git"} {
		if _, err := os.Stat(f); err == nil {
			git = f
		}
	}
	if git == "" {
		t.Skip("git's own completion for bash is not here")
	}
	const press = `source "$1"; source "$2"
line=$3
COMP_LINE=$line COMP_POINT=${#line} COMP_TYPE=9
COMP_WORDS=()
for w in $line; do # as readline parts them
	case $w in --*=*) COMP_WORDS+=("${w%%=*}" = "${w#*=}") ;; *) COMP_WORDS+=("$w") ;; esac
done
[[ $line == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
case $line in git-crosslink*) __git_crosslink_program ;; *) __git_wrap__git_main ;; esac
printf '%s\n' "${COMPREPLY[@]}"
`
	for _, c := range typed {
		want := strings.TrimPrefix(c.want, "--status=") // only what is behind '=' is replaced
		if got := w.in(bash, "-c", press, "bash", git, file, c.line); strings.TrimSpace(got) != want {
			t.Errorf("%s⇥ offers %q, want %q", c.line, got, want)
		}
	}
	got := w.in(bash, "-c", press, "bash", git, file, "git crosslink show ")
	if want := "2  (paint the door; $(touch pwned))\n1  (fix the flux)"; got != want {
		t.Errorf("to choose from: %q, want %q", got, want)
	}
	// without git's completion: the names it would look for are there
	if got := w.in(bash, "-c", `source "$1"; declare -F _git_crosslink; complete -p git-crosslink`, "bash", file); !strings.HasPrefix(got, "_git_crosslink\ncomplete -F ") {
		t.Errorf("declared: %q", got)
	}
}

func TestCompletionInZsh(t *testing.T) {
	w, zsh, file := completing(t, "zsh")
	w.write("press", `zmodload zsh/zpty || exit 9
zpty z zsh -f -i
zpty -w z "fpath=(${(q)1} \$fpath); autoload -Uz compinit; compinit -u -d ${(q)2}.dump; PS1=; unsetopt beep"
zpty -w z "say() { print -r -- \"\$BUFFER\" >>${(q)2}; BUFFER=; }; zle -N say; bindkey '^B' say; bindkey '^I' complete-word; touch ${(q)2}.ready"
repeat 600 { [[ -e $2.ready ]] && break; sleep 0.05 }
shift
out=$1; shift
for line; do
	zpty -w -n z "$line"$'\t'$'\002'
	n=$(( ${n:-0} + 1 ))
	repeat 600 { [[ -e $out && $(wc -l <$out) -ge $n ]] && break; sleep 0.05; zpty -r -t z discard 2>/dev/null }
done
zpty -d z
cat $out
`, 0o644)
	args := []string{"-f", filepath.Join(w.root, "press"), filepath.Dir(file), filepath.Join(w.root, "typed")}
	want := ""
	for _, c := range typed {
		args = append(args, c.line)
		words := strings.Fields(c.line)
		want += strings.Join(append(words[:len(words)-1], c.want), " ") + " \n"
	}
	if got := w.in(zsh, args...) + " \n"; got != want {
		t.Errorf("the lines became\n%swant\n%s", got, want)
	}
}

func TestCompletionInFish(t *testing.T) {
	w, fish, file := completing(t, "fish")
	data := filepath.Join(w.root, "data")
	w.write("data/fish/vendor_conf.d/git-crosslink.fish", w.in("cat", file)+"\n", 0o644)
	w.env = append(w.env, "XDG_DATA_HOME="+data)
	for _, c := range typed {
		got := w.in(fish, "-c", `complete -C $argv[1]`, c.line)
		if word, _, _ := strings.Cut(got, "\t"); word != c.want || strings.Contains(got, "\n") {
			t.Errorf("%s⇥ offers %q, want %q", c.line, got, c.want)
		}
	}
	got := w.in(fish, "-c", `complete -C $argv[1]`, "git crosslink show ")
	if want := "2\tpaint the door; $(touch pwned)\n1\tfix the flux"; got != want {
		t.Errorf("to choose from: %q, want %q", got, want)
	}
}
