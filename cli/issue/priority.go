package issue

import (
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
)

// Priorities are the priorities that can be typed.
var Priorities = []string{string(event.Low), string(event.Medium), string(event.High), string(event.Critical)}

// priorityNames are names of priorities in other trackers.
var priorityNames = map[string]event.Priority{
	"p0": event.Critical, "p1": event.High, "p2": event.Medium, "p3": event.Low,
	"urgent": event.Critical, "blocker": event.Critical, "normal": event.Medium, "minor": event.Low,
}

// priorityOf reads --priority; "" is not given.
func priorityOf(u *urfave.Context) (event.Priority, error) {
	word := strings.ToLower(u.String("priority"))
	if p, ok := priorityNames[word]; ok {
		return p, nil
	}
	for _, p := range Priorities {
		if p == word || !u.IsSet("priority") && word == "" {
			return event.Priority(word), nil
		}
	}
	return "", frame.BadValue("--priority", u.String("priority"), Priorities)
}
