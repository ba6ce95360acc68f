package clone

import "time"

// Only tests change these.
var (
	Foreground = 3 * time.Second // crosslink.wait, if that is not set

	// DetachedFor is how long a sync that nobody watches waits for its turn
	DetachedFor = 3 * time.Minute
)

// Wait is how long a command that does not insist waits for the hub.
func (c *Clone) Wait() time.Duration {
	if n, set := c.Conf.Count("crosslink.wait"); set {
		return time.Duration(min(n, maxWait)) * time.Second
	}
	return Foreground
}

// maxWait is the longest that may be set, in seconds: a day.
const maxWait = 24 * 60 * 60

// Tries bounds how often a command begins again because the hub was changed by
// others meanwhile.
const Tries = 8
