// Package settings knows which values the settings crosslink.* may have. A
// value that is not one of them is read as the default; an examination reports it.
package settings

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
)

// Setting is one of crosslink.* that has a closed set of values.
type Setting struct {
	Key    string // as people write it
	Choose string // a value to set instead of an odd one

	valid string // "…, which is <valid>"
	ok    func(value string) bool
	as    string // what an odd value is read as
}

// All are the settings that have a closed set of values.
var All = []Setting{
	{"crosslink.sync", "auto", "none of 'auto', 'background' and 'manual'", oneOfWords("", "auto", "background", "manual"), "'auto'"},
	{"crosslink.wait", "3", "not a number of seconds", wholeNumber, "3"},
	{"crosslink.timeout", "60", "not a number of seconds", wholeNumber, "60"},
	{"crosslink.syncInterval", "10", "not a number of seconds", wholeNumber, "if it were not set"},
	{"crosslink.pushesPerMinute", "6", "not a number", wholeNumber, "if it were not set"},
	{"crosslink.lockTimeout", "60", "not a number of minutes", wholeNumber, "60"},
	{"crosslink.hub", "false", "neither true nor false", truth, "false"},
	{"crosslink.hooks", "true", "neither true nor false", truth, "true"},
	{"crosslink.sign", "true", "neither true nor false", truth, "true"},
	{"crosslink.pushCertificate", "require", "not 'require'", oneOfWords("", "require"), "if it were not set"},
	{"crosslink.pushLimit", "100", "not a number of megabytes", wholeNumber, "100"},
	{"crosslink.logLimit", "256", "not a number of megabytes", wholeNumber, "256"},
	{"crosslink.presenceLimit", "20", "not a number", wholeNumber, "20"},
}

// Named finds a setting whatever its case; false if any value is one.
func Named(key string) (Setting, bool) {
	i := slices.IndexFunc(All, func(s Setting) bool { return strings.EqualFold(s.Key, key) })
	if i < 0 {
		return Setting{}, false
	}
	return All[i], true
}

// Odd returns what is wrong with a value; "" if it is valid.
func (s Setting) Odd(value string) string {
	if s.ok == nil || s.ok(value) {
		return ""
	}
	return fmt.Sprintf("%s is '%s', which is %s: it is read as %s", s.Key, fail.Truncate(value), s.valid, s.as)
}

func oneOfWords(words ...string) func(string) bool {
	return func(v string) bool { return slices.Contains(words, v) }
}

func wholeNumber(v string) bool {
	n, err := strconv.Atoi(v)
	return err == nil && n >= 0
}

// truth reports whether refs.Config.Bool understands a value.
func truth(v string) bool {
	_, err := strconv.Atoi(v)
	return err == nil || slices.Contains([]string{"true", "yes", "on", "false", "no", "off", ""}, strings.ToLower(v))
}
