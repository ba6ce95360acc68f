package main

import (
	"testing"

	"github.com/git-crosslink/git-crosslink/internal/testkit"
	"github.com/rogpeppe/go-internal/testscript"
)

// commands are what this test program is when it is called by their names.
var commands = map[string]func(){"git-crosslink": main}

func TestMain(m *testing.M) { testscript.Main(m, commands) }

func TestScript(t *testing.T) {
	t.Parallel()
	testkit.Scripts(t, "testdata/script", testkit.Hints{Sample: 20, All: 240, Excepted: notFollowed})
}

// notFollowed are the hints that cannot be followed where they are printed.
var notFollowed = map[string]string{
	"agent_elsewhere: unlock the key: eval \"$(ssh-agent -s)\" && ssh-add $WORK/key":                                 "asks for the passphrase",
	"agent_fork_without: if the rule is about this event, continue without it: git crosslink agent fork --without #": "the command writes the refused event again",
	"bad_input: the most similar command is: git crosslink new":                                                      "names a command, without its arguments",
	"contact_refused: give it another name there, then: git crosslink init":                                          "the first step is the hub owner's",
	"contact_refused: share it with your team: git crosslink init":                                                   "the remote is empty; init says what comes first",
	"foreign_directory: reading works: git crosslink list":                                                           "the script reads as another user",
	"full_disk: reading works: git crosslink list":                                                                   "the disk is mounted for the command alone",
	"unknown_id: those there are: git crosslink list --status all":                                                   "the script has put the objects out of reach",
}

func TestEveryVerbOverEachTransport(t *testing.T) {
	t.Parallel()
	testkit.ScriptOver(t, "testdata/transports/verbs.txtar", "", "hub-http", "hub-ssh")
}
