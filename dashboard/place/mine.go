package place

import (
	"cmp"
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/dashboard/facts"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/people"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
)

// What concerns the operator: texts that address them, and events of theirs without effect.

// How far mentions are looked for.
const (
	mentionIssues = 200 // open ones, those that changed last
	mentionTexts  = 30  // of each, the newest
)

// said is a description or comment that addresses somebody, or that was written after one.
type said struct {
	by    string
	at    event.Time
	words []string // that may name somebody
	text  string   // its beginning
}

// talk is what was said on one issue up to its last change. An issue that has not changed is not
// read again.
type talk struct {
	changed event.Time
	said    []said // oldest first; nil if nobody is addressed
}

// mentions finds the issues on which somebody addresses the operator.
func (x *extractor) mentions() error {
	rows, _, err := x.view.List(store.Filter{Sort: "updated", Limit: mentionIssues})
	if err != nil {
		return err
	}
	read := map[event.UUID]talk{}
	for _, i := range rows {
		t, known := x.talks[i.UUID]
		if !known || t.changed != i.UpdatedAt {
			if t, err = x.talkOf(i); err != nil {
				return err
			}
		}
		read[i.UUID] = t
		if s := x.addressed(t.said); s != nil && len(x.f.Mentions) < facts.MaxMentions {
			x.f.Mentions = append(x.f.Mentions, facts.Mention{Issue: i.UUID, Name: i.Name(), Title: i.Title, By: s.by, Text: s.text, At: s.at})
		}
	}
	clear(x.talks)
	for u, t := range read {
		x.talks[u] = t
	}
	return nil
}

// talkOf reads what was said on an issue.
func (x *extractor) talkOf(row *store.Issue) (talk, error) {
	i, err := x.view.Issue(row.UUID)
	if err != nil {
		return talk{}, err
	}
	t := talk{changed: row.UpdatedAt}
	add := func(by, text string, at event.Time) {
		s := said{by: by, at: at}
		for _, w := range people.Mentions(text) {
			if len(w) <= event.MaxName { // copied, so that the text is not kept
				s.words, s.text = append(s.words, strings.Clone(w)), strings.Clone(beginning(text))
			}
		}
		if len(s.words) > 0 || t.said != nil {
			t.said = append(t.said, s)
		}
	}
	add(i.Created.Agent, i.Description, i.CreatedAt)
	comments := slices.SortedStableFunc(slices.Values(i.Comments), func(a, b reducer.Comment) int { return cmp.Compare(a.CreatedAt, b.CreatedAt) })
	for _, c := range comments[max(0, len(comments)-mentionTexts):] {
		add(c.By, c.Content, c.CreatedAt)
	}
	return t, nil
}

// addressed is the newest text that addresses the operator, if they have said nothing since.
func (x *extractor) addressed(all []said) *said {
	for k := range slices.Backward(all) {
		s := &all[k]
		if slices.Contains(x.self.Agents, s.by) {
			return nil
		}
		if slices.ContainsFunc(s.words, x.isMe) {
			return s
		}
	}
	return nil
}

// isMe reports whether a word names the operator.
func (x *extractor) isMe(word string) bool {
	is, known := x.named[word]
	if !known {
		is = slices.ContainsFunc(people.Find(x.view, x.self, word), func(id string) bool { return slices.Contains(x.self.Agents, id) })
		x.named[word] = is
	}
	return is
}

// beginning is the first line of a text, or as much of it as is kept.
func beginning(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if r := []rune(line); len(r) > maxQuestion {
		line = string(r[:maxQuestion]) + "…"
	}
	return line
}

// refusals finds the newest events of the operator that have no effect.
func (x *extractor) refusals() error {
	for _, r := range x.view.Rejections() {
		if !slices.Contains(x.self.Agents, r.Agent) {
			continue
		}
		l, err := x.view.Line(r.Agent, r.Seq)
		if err != nil || l == nil {
			continue // it is known only that it has none
		}
		one := facts.Refusal{Agent: r.Agent, Seq: r.Seq, Type: r.Type, Detail: r.Detail, At: l.Shown()}
		for _, u := range store.IssuesOf(l.Body) {
			if i, err := x.view.Row(u); err == nil {
				one.Name, one.Title = i.Name(), i.Title
				break
			}
		}
		x.f.Rejected = append(x.f.Rejected, one)
	}
	slices.SortStableFunc(x.f.Rejected, func(a, b facts.Refusal) int { return cmp.Compare(b.At, a.At) })
	x.f.Rejected = x.f.Rejected[:min(len(x.f.Rejected), facts.MaxRefusals)]
	return nil
}
