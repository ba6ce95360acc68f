package web

import (
	"encoding/json"
	"fmt"
	"html/template"
	"regexp"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
)

// instant is a time in JSON: RFC 3339 with nine digits, or null.
type instant event.Time

// MarshalJSON implements json.Marshaler.
func (t instant) MarshalJSON() ([]byte, error) {
	if t == 0 {
		return []byte("null"), nil
	}
	return json.Marshal(event.Time(t).String())
}

// moment is a time as it is shown at another.
type moment struct{ Now, At event.Time }

// Text is the time in words.
func (m moment) Text() string { return ago(m.Now, m.At) }

// ago says in one unit how long ago a time was, or how far ahead it is.
func ago(now, t event.Time) string {
	d := time.Duration(now - t)
	if d < 0 {
		return "in " + span(-d)
	}
	if d < 5*time.Second {
		return "just now"
	}
	return span(d) + " ago"
}

func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

// exactTimes are the exact times of a page, as templates write them.
var exactTimes = regexp.MustCompile(`(<time datetime="([^"]+)" title=")[^"]+`)

// localTimes is a page whose exact times are in the zone of this machine; in a browser elsewhere, the
// script puts them into that one's.
func localTimes(page []byte) []byte {
	return exactTimes.ReplaceAllFunc(page, func(found []byte) []byte {
		m := exactTimes.FindSubmatch(found)
		at, err := time.Parse(time.RFC3339, string(m[2]))
		if err != nil {
			return found
		}
		return at.Local().AppendFormat(m[1], "2006-01-02 15:04:05 MST")
	})
}

// instants are times within a text, as alerts write them.
var instants = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\b`)

// timed is a text of the dashboard's own whose times are shown as everywhere: how long ago.
func timed(now event.Time, text string) template.HTML {
	return template.HTML(instants.ReplaceAllStringFunc(template.HTMLEscapeString(clean(text)), func(word string) string {
		at, err := time.Parse(time.RFC3339, word)
		if err != nil {
			return word
		}
		t := event.TimeOf(at)
		return fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`, at.UTC().Format(time.RFC3339), at.UTC().Format("2006-01-02 15:04:05 UTC"), ago(now, t))
	}))
}
