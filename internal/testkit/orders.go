package testkit

import "regexp"

// order is a git operation on code as a command, or as a sentence that tells
// somebody to do it.
var order = regexp.MustCompile(`\bgit (?:-\S+ \S+ )*(?:commit|push|pull|add|checkout|switch|merge|rebase|reset|restore|stash|cherry-pick|branch|tag)\b` +
	`|(?mi)(?:^|[.:;,] +|\band |\bthen |\bplease |\bmust |\bshould |\balways )(?:commit|push|pull|check ?out|merge|rebase|stash) (?:your|the|all|every|any|its|it|them|code|changes|work|files)\b`)

// Orders finds what in a text orders a git operation on code, so that no text for
// agents does: a repository's own rules say when that is due.
func Orders(text string) []string { return order.FindAllString(text, -1) }
