package gate

// SetMaxCommits sets how many commits a push may bring, and returns how many it
// could before.
func SetMaxCommits(n int) (was int) {
	was, maxCommits = maxCommits, n
	return was
}

// LimitsOf are the limits that a hub's configuration sets.
var LimitsOf = limitsOf
