// Package hints knows what the command line advises when something is refused,
// noticed or found: for each code of package fail the commands that help.
package hints

import "github.com/git-crosslink/git-crosslink/fail"

// For returns what to do about a code, one sentence with a command each.
func For(code fail.Code, f fail.Fields) []string {
	if row := rows[code]; row != nil {
		return row(f)
	}
	return nil
}
