package gate

import (
	_ "embed"
	"strings"

	"github.com/git-crosslink/git-crosslink/internal/shell"
)

// The hook files. sh runs between git and the program, so that a push without tracker refs
// starts no program, a missing program is reported in words, and an existing hook
// continues.

//go:embed pre-receive.sh
var preReceive string

//go:embed proc-receive.sh
var procReceive string

// The two modes of the gate.
const (
	Whole  = "pre-receive"  // refuses the whole push
	PerRef = "proc-receive" // refuses single refs
)

// signature is the line by which our hooks are recognized, in every version.
const signature = "# git crosslink: the gate of the tracker's branches."

// keptSuffix is the suffix of an existing hook that is kept.
const keptSuffix = ".before-crosslink"

// guarded are the prefixes of the refs that the gate checks.
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
	// where a file system folds names, a name with other characters, or with a dot at the
	// end of a component, may be one of these (caseTwin)
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

// anyCase is an sh pattern for an ASCII name in any case.
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

// spellings returns all spellings of an ASCII word, lower case first.
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

// watched are the prefixes of refs that git passes to proc-receive: git compares them byte
// by byte, in whole components. If the file system folds names, a name has any number of
// spellings, so git passes every ref. Elsewhere a twin is an ordinary branch for the hub;
// spellings that differ in the case of ASCII letters are listed for clones that fold.
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
