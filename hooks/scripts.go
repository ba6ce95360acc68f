package hooks

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

//go:embed scripts
var scripts embed.FS

// Script is the text of a hook file.
func Script(name string) string {
	b, err := scripts.ReadFile(path.Join("scripts", name))
	if err != nil {
		panic("no script for the hook '" + name + "'") // Names and scripts/ must match
	}
	return string(b)
}

// Line returns the line that calls a hook from another's hook file. It does not
// consume stdin, so another pre-push hook can still read it.
func Line(name string) string {
	if name == PrePush {
		return `{ git-crosslink hook pre-push "$@" </dev/null >/dev/null; } 2>/dev/null || :`
	}
	return "{ git-crosslink hook " + name + ` "$@" >/dev/null; } 2>/dev/null || :`
}

// The section of the configuration that replaces all three hook files if git
// supports hooks in its configuration. git appends "$@" to the command, and does
// not say which hook it is.
const (
	section = "hook.crosslink"
	command = `f() { [ "$1" != amend ] || return 0; said=$({ git-crosslink hook any "$@"; } 2>/dev/null); ` +
		`[ $? -ne 1 ] || { printf '%s\n' "$said" >&2; return 1; }; }; f`
)

// Configuration is the section in git's form.
var Configuration = "[hook \"crosslink\"]\n\tcommand = \"" + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(command) + "\"\n" +
	"\tevent = " + strings.Join(Names, "\n\tevent = ") + "\n"

// mark is the second line of every version of every script: its version, and the beginning
// of the hash of the text after it. So a file that a user has changed is recognized as the
// user's, and an older one as ours.
var mark = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\A#!/bin/sh\n# git crosslink ([0-9]{1,4}) ([0-9a-f]{16}): .*\n`)
})

// version returns the version of a script, 0 if it is not an unchanged script of ours.
func version(text string) int {
	m := mark().FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	sum := sha256.Sum256([]byte(text[len(m[0]):]))
	if hex.EncodeToString(sum[:8]) != m[2] {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// calls reports whether a foreign hook file also runs our hook.
func calls(name, text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "#") &&
			(strings.Contains(line, "git-crosslink hook "+name) || strings.Contains(line, "git crosslink hook "+name)) {
			return true
		}
	}
	return false
}
