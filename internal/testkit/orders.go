package testkit

import "regexp"

// order matches a git operation on code: a command, or a sentence that tells somebody to
// run one.
var order = regexp.MustCompile(`\bgit (?:-\S+ \S+ )*(?:commit|push|pull|add|checkout|switch|merge|rebase|reset|restore|stash|cherry-pick|branch|tag)\b` +
	`|(?mi)(?:^|[.:;,] +|\band |\bthen |\bplease |\bmust |\bshould |\balways )(?:commit|push|pull|check ?out|merge|rebase|stash) (?:your|the|all|every|any|its|it|them|code|changes|work|files)\b`)

// Orders finds instructions in a text to run a git operation on code. No text for agents
// may contain one, because a repository has its own rules about that.
func Orders(text string) []string { return order.FindAllString(text, -1) }
