package importer

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/git-crosslink/git-crosslink/event"
)

// Fit makes an issue obey the limits of events (docs/format.md) without losing data: a long
// title is repeated whole in the description, a long text continues in comments, and data
// without a corresponding field becomes a comment of kind system. The result depends only
// on the source, so two clones write the same: a time that is missing, or more than five
// minutes ahead, is unknown, and people see the time of the import. The report counts the
// texts that were cut and names the times that are ahead.
func (i *Issue) Fit(now event.Time, rep *Report) {
	cut := 0
	defer func() { rep.Cut += cut }()
	i.BlockedBy, i.Relations = once(i.BlockedBy), once(i.Relations)
	i.fitTimes(now, rep)
	if i.Exact && i.obeys() {
		return
	}
	i.Title = oneLine(i.Title)
	if i.Title == "" {
		i.Title = "(no title)"
	}
	if len(i.Title) > event.MaxTitle {
		i.Description = strings.TrimSpace(i.Title + "\n\n" + i.Description)
		i.Title = shorten(i.Title, event.MaxTitle)
		cut++
	}
	parts := pages(text(i.Description))
	i.Description = parts[0]
	var rest []Comment
	for n, p := range parts[1:] {
		rest = append(rest, Comment{Key: fmt.Sprintf("description/%d", n+2), Author: i.Author, Text: p, Created: cmp.Or(i.Created, event.NotKnown)})
	}
	if len(rest) > 0 {
		cut++
	}
	for _, c := range i.Comments {
		parts := pages(text(c.Text))
		if len(parts) > 1 {
			cut++
		}
		for n, p := range parts {
			page := c
			if page.Text = p; n > 0 && c.Key != "" {
				page.Key = fmt.Sprintf("%s/%d", c.Key, n+1)
			}
			if page.Text != "" {
				page.Author, page.Kind = fitName(page.Author, &cut), fitName(page.Kind, &cut)
				i.fitIntervention(&page)
				rest = append(rest, page)
			}
		}
	}
	i.Comments = rest
	i.Labels = fitNames(i.Labels, &cut)
	i.Assignees = fitNames(i.Assignees, &cut)
	i.Author = fitName(i.Author, &cut)
	i.Reason = text(i.Reason)
	if len(i.Reason) > event.MaxText {
		i.Comments = append(i.Comments, Comment{Key: "reason", Author: i.Author, Text: "The reason in full follows.", Created: cmp.Or(i.ClosedAt, event.NotKnown)})
		for n, p := range pages(i.Reason) {
			i.Comments = append(i.Comments, Comment{Key: fmt.Sprintf("reason/%d", n+1), Author: i.Author, Text: p, Created: cmp.Or(i.ClosedAt, event.NotKnown)})
		}
		i.Reason = shorten(i.Reason, event.MaxText)
		cut++
	}
	i.fitLinks()
	if c, ok := i.leftover(&cut); ok {
		i.Comments = append(i.Comments, c)
	}
	i.Leftover = nil
}

// fitIntervention turns data that an intervention cannot express into leftovers.
func (i *Issue) fitIntervention(c *Comment) {
	if c.TriggerType == "" && c.Context == "" && c.Fingerprint == "" {
		return
	}
	err := event.Check(&event.CommentAdded{Author: "a", Kind: "note", CreatedAt: 1, Content: "x",
		TriggerType: c.TriggerType, InterventionContext: c.Context, DriverKeyFingerprint: c.Fingerprint})
	if err != nil {
		i.leave("intervention/"+c.Key, []string{c.TriggerType, c.Context, c.Fingerprint})
		c.TriggerType, c.Context, c.Fingerprint = "", "", ""
	}
}

// fitLinks turns links that are too long into leftovers, and removes duplicates.
func (i *Issue) fitLinks() {
	var fit []Link
	for _, l := range i.Links {
		if l.Ref, l.Kind = oneLine(l.Ref), shorten(oneLine(l.Kind), event.MaxName); len(l.Ref) > maxRef || l.Kind == "" {
			i.leave("link/"+l.Kind, l.Ref)
		} else if l.Ref != "" {
			fit = append(fit, l)
		}
	}
	i.Links = once(fit)
}

func (i *Issue) fitTimes(now event.Time, rep *Report) {
	fit := func(t *event.Time, unknown event.Time) {
		if *t > now+5*60*1e9 {
			rep.Warn(Warning{i.Line, i.Key, "far-future", t.String() + " is in the future; the time of the import is shown instead"})
			*t = 0
		}
		if *t <= 0 {
			*t = unknown
		}
	}
	if i.Created == 0 {
		i.Created = i.Updated
	}
	for _, t := range []*event.Time{&i.Created, &i.Updated, &i.ClosedAt} {
		fit(t, 0)
	}
	same := map[string]int{}
	for n := range i.Comments {
		c := &i.Comments[n]
		said := c.Created
		fit(&c.Created, event.NotKnown)
		if c.Key == "" && c.Created != said {
			sum := sha256.Sum256([]byte(c.Author + "\x00" + c.Text))
			key := "text/" + base64.RawURLEncoding.EncodeToString(sum[:12])
			same[key]++
			c.Key = fmt.Sprintf("%s-%d", key, same[key])
		}
		for e := range c.Edits {
			fit(&c.Edits[e].At, 0)
		}
	}
}

// obeys reports whether an issue can be written unchanged.
func (i *Issue) obeys() bool {
	return len(i.Leftover) == 0 && !slices.ContainsFunc(Names{System: Own}.Create(i), func(l Line) bool { return event.Check(l.Body) != nil })
}

// System is the kind of a comment with data that has no corresponding field.
const System = "system"

// leftover returns the comment with the leftover members: one canonical JSON object. If
// there are too many, it only names some of them, the longest first.
func (i *Issue) leftover(cut *int) (Comment, bool) {
	if len(i.Leftover) == 0 {
		return Comment{}, false
	}
	byLength := slices.SortedFunc(maps.Keys(i.Leftover), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(i.Leftover[b]), len(i.Leftover[a])), cmp.Compare(a, b))
	})
	members := maps.Clone(i.Leftover)
	size, gone := len(`{"crosslink-import":1,"too-long":[]}`), []string{}
	for _, name := range byLength {
		size += jsonLen(name) + jsonLen(string(members[name]))
	}
	for _, name := range byLength {
		if size <= event.MaxText {
			break
		}
		size -= jsonLen(name) + jsonLen(string(members[name]))
		delete(members, name)
		if *cut++; len(gone) < 100 {
			gone = append(gone, shorten(name, event.MaxName))
			size += jsonLen(gone[len(gone)-1])
		}
	}
	all := map[string]any{"crosslink-import": 1}
	for k, v := range members {
		all[k] = v
	}
	if len(gone) > 0 {
		all["too-long"] = gone
	}
	b, err := json.Marshal(all) // sorted by name
	if err != nil || len(b) > event.MaxText {
		return Comment{}, false
	}
	return Comment{Key: "leftover", Author: "import", Kind: System, Text: text(string(b)), Created: cmp.Or(i.Updated, event.NotKnown)}, true
}

// jsonLen returns an upper bound for the JSON length of a name or value, with its
// punctuation.
func jsonLen(s string) int {
	b, _ := json.Marshal(strings.ToValidUTF8(s, "\ufffd"))
	return len(b) + len(`,:`)
}

// pages cuts a text into parts that fit, at line ends if possible. Each part after the
// first begins with its number and the number of parts.
func pages(s string) []string {
	if len(s) <= event.MaxText {
		return []string{s}
	}
	const head = len("(1000/1000)\n")
	var parts []string
	for len(s) > 0 {
		n := min(len(s), event.MaxText-head)
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n--
		}
		if end := strings.LastIndexByte(s[:n], '\n'); n < len(s) && end > n/2 {
			n = end + 1
		}
		parts, s = append(parts, s[:n]), s[n:]
	}
	for n := range parts[1:] {
		parts[n+1] = fmt.Sprintf("(%d/%d)\n%s", n+2, len(parts), parts[n+1])
	}
	return parts
}

// shorten cuts a text to n bytes and marks the cut.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n -= len("…")
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// fitNames makes names obey the limits, and removes duplicates.
func fitNames(names []string, cut *int) (fit []string) {
	seen := map[string]bool{}
	for _, n := range names {
		if n = fitName(n, cut); n != "" && !seen[n] {
			seen[n] = true
			fit = append(fit, n)
		}
	}
	return fit
}

// once removes duplicates, and keeps the order of the first ones.
func once[T comparable](all []T) (kept []T) {
	seen := map[T]bool{}
	for _, e := range all {
		if !seen[e] {
			seen[e] = true
			kept = append(kept, e)
		}
	}
	return kept
}

// fitName shortens a name; a hash of the whole keeps long names distinct.
func fitName(name string, cut *int) string {
	name = oneLine(name)
	if len(name) <= event.MaxName {
		return name
	}
	*cut++
	sum := sha256.Sum256([]byte(name))
	hash := "~" + base64.RawURLEncoding.EncodeToString(sum[:6])
	n := event.MaxName - len(hash)
	for !utf8.RuneStart(name[n]) {
		n--
	}
	return name[:n] + hash
}

// text makes a text valid: line ends become LF, and other control characters are escaped as
// in JSON.
func text(s string) string { return clean(strings.ReplaceAll(s, "\r\n", "\n"), true) }

// oneLine turns a text into one line without leading or trailing spaces.
func oneLine(s string) string {
	return clean(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' || r == '\t' }), " "), false)
}

func clean(s string, lines bool) string {
	s = strings.TrimSpace(strings.ToValidUTF8(s, "\ufffd"))
	if !strings.ContainsFunc(s, func(r rune) bool { return control(r, lines) }) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if control(r, lines) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func control(r rune, lines bool) bool {
	if lines && (r == '\n' || r == '\t') {
		return false
	}
	return r < 0x20 || r >= 0x7f && r < 0xa0
}

// moment parses the times that other trackers write: RFC 3339 with any offset and
// precision, or a day. ok is false if a text is neither.
func moment(s string) (t event.Time, ok bool) {
	if s = strings.TrimSpace(s); s == "" {
		return 0, true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 UTC", "2006-01-02 15:04:05", "02/Jan/06 3:04 PM", time.DateOnly} {
		if std, err := time.Parse(layout, s); err == nil {
			return event.TimeOf(std), true
		}
	}
	return 0, false
}
