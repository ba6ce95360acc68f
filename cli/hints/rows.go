package hints

import "github.com/git-crosslink/git-crosslink/fail"

// rows hold the advice by code.
var rows = map[fail.Code]func(fail.Fields) []string{
	"odd-setting": func(f fail.Fields) []string { return []string{"set it: git config " + f["setting"] + " " + f["value"]} },
}
