package hints

import (
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/shell"
)

// rows hold the advice by code.
var rows = map[fail.Code]func(fail.Fields) []string{
	"config-locked": func(f fail.Fields) []string {
		return []string{"look for git processes that are older than the file: ps -ef",
			"if there are none, move the file away: mv " + shell.Word(f["path"]) + " " + shell.Word(f["path"]+".stale")}
	},
	"locked-file": staleLock,
	"not-stored":  staleLock,
	"odd-setting": func(f fail.Fields) []string { return []string{"set it: git config " + f["setting"] + " " + f["value"]} },
}

func staleLock(fail.Fields) []string {
	return []string{"a lock file that a killed process left behind is removed after a minute: git crosslink sync"}
}
