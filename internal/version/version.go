// Package version knows which version of the program this is.
package version

import (
	"regexp"
	"runtime/debug"
	"strings"
)

// Number is the version that this source makes. A release changes it.
const Number = "0.1.0"

// Releases is where releases are listed. The program itself never looks there.
const Releases = "https://github.com/git-crosslink/git-crosslink"

// Build is where a program comes from.
type Build struct {
	Version  string
	Commit   string // "" if unknown
	Modified bool   // the source was not that commit's
}

// Current is the build of the running program.
func Current() Build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Build{Version: Number}
	}
	return from(info)
}

// between is the version that Go gives to a commit without a tag.
var between = regexp.MustCompile(`[-.][0-9]{14}-([0-9a-f]{12})$`)

// from reads what Go noted. 'go install module@version' notes the version, a
// build in a checkout the commit.
func from(info *debug.BuildInfo) Build {
	b := Build{Version: Number}
	module, _, dirty := strings.Cut(info.Main.Version, "+dirty")
	if m := between.FindStringSubmatch(module); m != nil {
		b.Commit = m[1]
	} else if v, ok := strings.CutPrefix(module, "v"); ok && !dirty {
		b.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}
