package gate

import (
	_ "embed"
	"strings"

	"github.com/git-crosslink/git-crosslink/internal/shell"
)

// The hooks themselves. sh stands between git and the program so that a push
// without tracker refs starts no program, a missing program is told in words,
// and a hook that was there before continues.

//go:embed pre-receive.sh
var preReceive string

//go:embed proc-receive.sh
var procReceive string

// The two ways to stand in a push.
const (
	Whole  = "pre-receive"  // refuses the whole push
	PerRef = "proc-receive" // refuses single refs
)

// signature is the line by which a hook of ours is known, whatever its version.
const signature = "# git crosslink: the gate of the tracker's branches."

// keptSuffix names the hook that was there before.
const keptSuffix = ".before-crosslink"

// guarded are the beginnings of the refs that the gate looks at.
func guarded() []string {
	return append([]string{strings.TrimSuffix(heads, "/")}, trimmed(Private)...)
}

func trimmed(prefixes []string) []string {
	var out []string
	for _, p := range prefixes {
		out = append(out, strings.TrimSuffix(p, "/"))
	}
	return out
}

// script is the hook file of a mode.
func script(mode, program string) []byte {
	text := procReceive
	if mode == Whole {
		text = preReceive
	}
	// a name with other characters, or with a dot at the end of a component, may
	// be one of these where a file system folds names (caseTwin)
	patterns := []string{`*[!"$plain"]*`, "*./*"}
	for _, p := range append(guarded(), "refs/namespaces/") {
		patterns = append(patterns, "*' refs/'"+anyCase(strings.TrimPrefix(p, "refs/"))+"*")
	}
	return []byte(strings.NewReplacer(
		"@PROGRAM@", shell.Quote(program),
		"@REFS@", strings.Join(patterns, "|"),
		"@KEPT@", Whole+keptSuffix,
	).Replace(text))
}

// anyCase is a pattern of sh for an ASCII name, in whatever case.
func anyCase(name string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(name) {
		if c < 'a' || c > 'z' {
			b.WriteRune(c)
			continue
		}
		b.WriteString("[" + string(c) + strings.ToUpper(string(c)) + "]")
	}
	return b.String()
}

// spellings are all ways to write an ASCII word, the one in lower case first.
func spellings(word string) []string {
	all := []string{""}
	for _, c := range strings.ToLower(word) {
		next := make([]string, 0, 2*len(all))
		for _, upper := range []string{string(c), strings.ToUpper(string(c))} {
			for _, s := range all {
				next = append(next, s+upper)
			}
		}
		all = next
	}
	return all
}

// watched are the beginnings of refs that git is to tell proc-receive of: it
// compares them letter by letter, whole components. Where the file system folds
// names there is no end to the spellings of one, so git reports every ref.
// Elsewhere a twin is a branch like any other to the hub; those that differ in
// the case of ASCII letters are spelled out for the clones that fold.
func watched(folds bool) []string {
	if folds {
		return []string{"refs"}
	}
	all := append(guarded(), "refs/namespaces")
	for _, s := range spellings("crosslink")[1:] {
		all = append(all, "refs/heads/"+s, "refs/"+s)
	}
	for _, s := range spellings("heads")[1:] {
		all = append(all, "refs/"+s)
	}
	return all
}
