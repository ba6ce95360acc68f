package tracker

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// setting is one of crosslink.* that has a closed set of values. Whoever reads
// it takes the default for what is none of them, and goes on; the doctor says
// so.
type setting struct {
	key    string // as people write it
	valid  string // "…, which is <valid>"
	ok     func(value string) bool
	as     string // what an odd value is read as
	choose string // a value for the hint
}

var settings = []setting{
	{"crosslink.sync", "none of 'auto', 'background' and 'manual'", oneOfWords("", "auto", "background", "manual"), "'auto'", "background"},
	{"crosslink.wait", "not a number of seconds", wholeNumber, "3", "3"},
	{"crosslink.timeout", "not a number of seconds", wholeNumber, "60", "60"},
	{"crosslink.syncInterval", "not a number of seconds", wholeNumber, "if it were not set", "10"},
	{"crosslink.pushesPerMinute", "not a number", wholeNumber, "if it were not set", "6"},
	{"crosslink.lockTimeout", "not a number of minutes", wholeNumber, "60", "60"},
	{"crosslink.hub", "neither true nor false", truth, "false", "false"},
	{"crosslink.hooks", "neither true nor false", truth, "true", "true"},
	{"crosslink.sign", "neither true nor false", truth, "true", "true"},
	{"crosslink.pushCertificate", "not 'require'", oneOfWords("", "require"), "if it were not set", "require"},
	{"crosslink.pushLimit", "not a number of megabytes", wholeNumber, "100", "100"},
	{"crosslink.logLimit", "not a number of megabytes", wholeNumber, "256", "256"},
	{"crosslink.presenceLimit", "not a number", wholeNumber, "20", "20"},
}

// OddSetting says what is wrong with the value of a setting; "" if nothing is,
// or if any value is one.
func OddSetting(key, value string) (text, hint string) {
	for _, s := range settings {
		if strings.EqualFold(s.key, key) && !s.ok(value) {
			return fmt.Sprintf("%s is '%s', which is %s: it is read as %s", s.key, clip(value), s.valid, s.as),
				fmt.Sprintf("set it: git config %s %s", s.key, s.choose)
		}
	}
	return "", ""
}

func oneOfWords(words ...string) func(string) bool {
	return func(v string) bool { return slices.Contains(words, v) }
}

// count is the value of a setting that is a number; false where it is not set, or
// none.
func (t *Tracker) count(key string) (n int, set bool) {
	n, err := strconv.Atoi(t.config(key))
	return n, err == nil && n >= 0
}

func wholeNumber(v string) bool {
	n, err := strconv.Atoi(v)
	return err == nil && n >= 0
}

// truth is what refs.Config.Bool understands.
func truth(v string) bool {
	_, err := strconv.Atoi(v)
	return err == nil || slices.Contains([]string{"true", "yes", "on", "false", "no", "off", ""}, strings.ToLower(v))
}

// checkSettings is the doctor's look at values that mean nothing.
func (t *Tracker) checkSettings(context.Context, *snapshot) ([]Diagnosis, error) {
	var found []Diagnosis
	for _, s := range settings {
		v, set := t.conf.Get(strings.ToLower(s.key))
		if !set {
			continue
		}
		if text, hint := OddSetting(s.key, v); text != "" {
			found = append(found, Diagnosis{"odd-setting", Warning, text, []string{hint}})
		}
	}
	return found, nil
}
