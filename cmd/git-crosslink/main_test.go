package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/rogpeppe/go-internal/testscript"
)

// commands are what this test program is when it is called by their names.
var commands = map[string]func(){}

func TestMain(m *testing.M) {
	testscript.Main(testkit.Programs{M: m, Names: []string{"git-crosslink", "git-crosslink-dashboard"}}, commands)
}

func TestScript(t *testing.T) {
	t.Parallel()
	notShown, err := os.ReadFile("testdata/hints_not_shown.txt")
	if err != nil {
		t.Fatal(err)
	}
	testkit.Scripts(t, "testdata/script", testkit.Hints{Sample: 20, All: 240, Excepted: notFollowed,
		Rows: hintRows(), NotShown: reasons(t, string(notShown))})
}

// reasons are the lines of a list: a name, a tab, and why the name is in it.
func reasons(t *testing.T, list string) (names []string) {
	for line := range strings.Lines(list) {
		name, why, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if names = append(names, name); why == "" {
			t.Errorf("it is not said why '%s' is listed", name)
		}
	}
	return names
}

// hintRows maps the rows of the table of hints that contain a command, named by code and text,
// to patterns of the rows with their fields filled in.
func hintRows() map[string]*regexp.Regexp {
	field := regexp.MustCompile(`\\\{[^}]*\}`)
	all := map[string]*regexp.Regexp{}
	for code, rows := range hints.Rows() {
		for _, row := range rows {
			pattern := field.ReplaceAllStringFunc(regexp.QuoteMeta(row), func(f string) string {
				if strings.HasSuffix(f, `:hidden\}`) {
					return ""
				}
				return ".*"
			})
			pattern = strings.ReplaceAll(pattern, "…", `(?:…|\.\.\.)`) // as the locale has it
			all[string(code)+": "+row] = regexp.MustCompile("^" + pattern + "$")
		}
	}
	return all
}

// notFollowed are the hints that cannot be followed where they are printed.
var notFollowed = map[string]string{
	"agent_elsewhere: unlock the key: eval \"$(ssh-agent -s)\" && ssh-add $WORK/key":                                   "asks for the passphrase",
	"agent_fork_without: if the rule applies to this event, continue without it: git crosslink agent fork --without #": "the command writes the refused event again",
	"bad_input: the most similar command is: git crosslink new":                                                        "names a command, without its arguments",
	"contact_refused: give it another name there, then: git crosslink init":                                            "the first step is the hub owner's",
	"contact_refused: share it with your team: git crosslink init":                                                     "the remote is empty; init says what comes first",
	"foreign_directory: you can still read the tracker: git crosslink list":                                            "the script reads as another user",
	"full_disk: you can still read the tracker: git crosslink list":                                                    "the disk is mounted for the command alone",
	"unknown_id: list all issues: git crosslink list --status all":                                                     "the script has put the objects out of reach",
}

func TestEveryVerbOverEachTransport(t *testing.T) {
	t.Parallel()
	testkit.ScriptOver(t, "testdata/transports/verbs.txtar", "", "hub-http", "hub-ssh")
}
