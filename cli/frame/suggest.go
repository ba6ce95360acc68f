package frame

import (
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// commandsElsewhere are words that git and other trackers have for what a command here does.
var commandsElsewhere = map[string]string{
	"add": "new", "update": "edit", "modify": "edit", "priority": "edit", "rename": "edit",
	"note": "comment", "tag": "label", "due": "schedule", "dep": "block", "depend": "block",
	"stop": "unlock", "find": "search", "grep": "search", "history": "log", "activity": "log",
	"mine": "list -a @me", "assigned": "list -a @me", "labels": "list -l <label>", "info": "status", "stats": "status",
	"pull": "sync", "push": "sync", "fetch": "sync", "users": "agent list", "who": "agent list", "whoami": "agent show",
	"board": "dashboard", "ui": "dashboard", "web": "dashboard",
}

// optionsElsewhere are options of other trackers, and what does the same here: an option,
// which the command may not have, or a command.
var optionsElsewhere = map[string]string{
	"state": "--status", "closed": "--status closed", "open": "--status open", "mine": "--assignee @me", "created-by": "--author",
	"search": "git crosslink search", "comment": "--reason",
	"add-label": "git crosslink label <id> +<label>", "remove-label": "git crosslink label <id> -<label>",
	"add-assignee": "git crosslink assign <id> <who>", "remove-assignee": "git crosslink unassign <id> <who>",
}

// commandFor returns the command that a word most likely means, or "".
func commandFor(at *urfave.Command, word string) string {
	if at.Name == Program || at.Name == IssueNoun {
		if number := strings.TrimPrefix(word, "#"); number != "" && strings.Trim(number, "0123456789") == "" {
			return "show " + number
		}
		if c := commandsElsewhere[word]; c != "" && at.Command(strings.Fields(c)[0]) != nil {
			return c
		}
	}
	var names []string
	for _, c := range at.Subcommands {
		if !c.Hidden {
			names = append(names, c.Names()...)
		}
	}
	return Nearest(word, names)
}

// optionFor returns the option, or the command, that an option most likely means, or "".
func optionFor(known flagTable, name string) string {
	if o := optionsElsewhere[name]; o != "" {
		first, _, _ := strings.Cut(strings.TrimPrefix(o, "--"), " ")
		if _, ok := known[first]; ok || !strings.HasPrefix(o, "--") {
			return o
		}
	}
	var long []string
	for n := range known {
		if len(n) > 1 {
			long = append(long, n)
		}
	}
	if n := Nearest(name, long); n != "" {
		return "--" + n
	}
	return ""
}

// Nearest returns the candidate of which word is most likely a misspelling, or "".
func Nearest(word string, candidates []string) string {
	best, found := 1+max(1, len(word)/3), ""
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		if d := distance(word, c); d < best && d < len(c) {
			best, found = d, c
		}
	}
	return found
}

// distance counts insertions, deletions, replacements and swaps of
// neighbors between two words.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
