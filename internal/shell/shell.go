// Package shell writes text as words of a shell, for commands that people paste
// and for scripts that the program writes.
package shell

import "strings"

// Quote writes s as one word.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// Word is Quote where s needs it. What looks like an option is quoted as well, so
// that it is seen.
func Word(s string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+=,"
	if s != "" && s[0] != '-' && strings.Trim(s, safe) == "" {
		return s
	}
	return Quote(s)
}
