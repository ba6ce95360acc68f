package clone

import "time"

// Only tests change these.
var (
	Foreground = 3 * time.Second // default of crosslink.wait

	// DetachedFor is how long a background sync waits until it may push
	DetachedFor = 3 * time.Minute
)

// Wait is how long a command that does not insist waits for the hub.
func (c *Clone) Wait() time.Duration {
	if n, set := c.Conf.Count("crosslink.wait"); set {
		return time.Duration(min(n, maxWait)) * time.Second
	}
	return Foreground
}

// maxWait is the longest allowed value, in seconds: a day.
const maxWait = 24 * 60 * 60

// Tries bounds how often a command starts again because others changed the hub.
const Tries = 8
