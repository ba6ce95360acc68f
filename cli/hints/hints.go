// Package hints knows what the command line advises when something is refused,
// noticed or found: for each code of package fail the commands that help.
package hints

import (
	"strings"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/shell"
)

// For returns what to do about a code, one hint a line. A hint about a field that
// is not there is left out.
func For(code fail.Code, f fail.Fields) []string {
	var all []string
	for _, row := range advice(code) {
		if hint, ok := fill(row, f); ok {
			all = append(all, hint)
		}
	}
	return all
}

// Text is what a notice or a diagnosis says, with the command that shows more of
// it, where there is one.
func Text(code fail.Code, text string) string { return text + asides[code] }

// Codes lists what there is advice for.
func Codes() map[fail.Code]bool {
	all := map[fail.Code]bool{}
	for _, row := range rows {
		all[fail.Code(row[0])] = true
	}
	for c := range asides {
		all[c] = true
	}
	return all
}

// advice is what the rows say about a code.
func advice(code fail.Code) []string {
	for _, row := range rows {
		if row[0] == string(code) {
			return row[1:]
		}
	}
	return nil
}

// Rows is the advice by code, with fields in braces.
func Rows() map[fail.Code][]string {
	all := make(map[fail.Code][]string, len(rows))
	for _, row := range rows {
		all[fail.Code(row[0])] = row[1:]
	}
	return all
}

// fill puts the fields into a row: {name} as it is, {name:word} and {name:quote}
// as one word of a shell, and so on. It reports whether all of them are there.
func fill(row string, f fail.Fields) (string, bool) {
	var b strings.Builder
	for {
		before, rest, more := strings.Cut(row, "{")
		b.WriteString(before)
		if !more {
			return b.String(), true
		}
		name, after, _ := strings.Cut(rest, "}")
		name, form, _ := strings.Cut(name, ":")
		v, ok := f[name]
		if !ok || v == "" && form == "" {
			return "", false
		}
		b.WriteString(forms[form](v, f))
		row = after
	}
}

// forms are the ways in which a field is written.
var forms = map[string]func(v string, f fail.Fields) string{
	"":      func(v string, _ fail.Fields) string { return v },
	"word":  func(v string, _ fail.Fields) string { return shell.Word(v) },
	"quote": func(v string, _ fail.Fields) string { return shell.Quote(v) },
	"below": func(v string, _ fail.Fields) string { return shell.Quote("moved/" + v) },
	"stale": func(v string, _ fail.Fields) string { return shell.Word(v + ".stale") },
	"aside": func(v string, _ fail.Fields) string { return shell.Quote(v + ".damaged") },
	"saved": func(v string, _ fail.Fields) string { return shell.Quote(v + ".jsonl") },
	"moved": func(v string, _ fail.Fields) string { return shell.Quote(v + ".moved") },
	"set": func(v string, f fail.Fields) string {
		set, _ := SetAgent(v, f["scope"])
		return set
	},
	"name":   func(v string, f fail.Fields) string { return NameAgent(v, f["scope"]) },
	"hidden": func(string, fail.Fields) string { return "" }, // it only has to be there
	"option": func(v string, _ fail.Fields) string {
		if v == "proc-receive" {
			return " --per-ref"
		}
		return ""
	},
	"again": func(v string, _ fail.Fields) string { return again[v] },
}

// again is what is done again where a push came to nothing.
var again = map[string]string{
	"init": "git crosslink init", "detach": "git crosslink fork detach", "fold": "git crosslink agent fold", "change": "the same command",
}

// NameAgent is the command that makes a clone write under an id. scope is where an
// id is set already: "environment", or a scope of git's configuration.
func NameAgent(id, scope string) string {
	switch scope {
	case "environment":
		return "export GIT_CROSSLINK_AGENT=" + id
	case "worktree":
		return "git config --worktree crosslink.agent " + id
	}
	return "git config crosslink.agent " + id
}

// SetAgent is what has to be set for an id to hold from now on, "" for nothing, and
// how to sync under that id.
func SetAgent(id, scope string) (set, sync string) {
	switch scope {
	case "":
		return "", doSync
	case "environment":
		set = "GIT_CROSSLINK_AGENT=" + id
		return set, set + " " + doSync
	}
	set = NameAgent(id, scope)
	return set, set + " && " + doSync
}
