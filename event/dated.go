package event

// dated is a body that says what happened at another time.
type dated struct {
	Body
	at Time
}

// At says when what an event tells happened, if not now: an importer's source
// says so. People are shown that time; the line is ordered by now. 0 is now, and
// so is a time that is yet to come.
func At(b Body, at Time) Body {
	if at <= 0 {
		return b
	}
	return dated{b, at}
}

// Undated returns the body to write and the time that people are shown. A body of
// another time is ordered behind now anyway.
func Undated(b Body, now Time, seen *Time) (Body, Time) {
	d, ok := b.(dated)
	if !ok {
		return b, now
	}
	*seen = max(*seen, now-1)
	return d.Body, min(d.at, now)
}
