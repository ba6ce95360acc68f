package issue

import (
	"slices"
	"strings"

	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/verb"
)

// search finds the issues that hold all words and phrases of a text. An id such as
// '#6' also finds the issue itself, which comes first. All of them pass the filter.
func search(p tracker.Projection, text string, f store.Filter) ([]*store.Issue, int, error) {
	words, phrases := phrasesOf(text)
	id := ""
	if number, ok := strings.CutPrefix(words, "#"); ok && number != "" && strings.Trim(number, "0123456789") == "" && len(phrases) == 0 {
		id = words
	}
	if id == "" && len(phrases) == 0 {
		return p.Search(words, f)
	}
	limit := f.Limit
	f.Limit = 0
	rows, _, err := p.Search(strings.Join(append([]string{words}, phrases...), " "), f)
	if err != nil {
		return nil, 0, err
	}
	var kept []*store.Issue
	if i, err := verb.Resolve(p, id); id != "" && err == nil {
		passing, _, err := p.Search(i.Title, f) // it holds the words of its own title
		if err != nil {
			return nil, 0, err
		}
		kept = slices.DeleteFunc(passing, func(o *store.Issue) bool { return o.UUID != i.UUID })
	}
	for _, i := range rows {
		holds, err := holdsAll(p, i, append(slices.Clone(phrases), id))
		if err != nil {
			return nil, 0, err
		}
		if holds && (len(kept) == 0 || kept[0].UUID != i.UUID) {
			kept = append(kept, i)
		}
	}
	total := len(kept)
	if limit > 0 && total > limit {
		kept = kept[:limit]
	}
	return kept, total, nil
}

// phrasesOf parts a text in what stands between double quotes and the rest.
func phrasesOf(text string) (words string, phrases []string) {
	parts := strings.Split(text, `"`)
	for k, part := range parts {
		part = strings.Join(strings.Fields(part), " ")
		if k%2 == 1 && k < len(parts)-1 && part != "" {
			phrases = append(phrases, part)
		} else if part != "" {
			words = strings.TrimSpace(words + " " + part)
		}
	}
	return words, phrases
}

// holdsAll reports whether each phrase is in one of an issue's texts. A number is
// not the beginning of another.
func holdsAll(p tracker.Projection, row *store.Issue, phrases []string) (bool, error) {
	i, err := p.Issue(row.UUID)
	if err != nil {
		return false, err
	}
	texts := []string{i.Title, i.Description}
	for k := range i.Comments {
		texts = append(texts, i.Comments[k].Content)
	}
	for k, t := range texts {
		texts[k] = store.Fold(strings.Join(strings.Fields(t), " "))
	}
	for _, phrase := range phrases {
		if phrase != "" && !slices.ContainsFunc(texts, func(t string) bool { return holds(t, store.Fold(phrase)) }) {
			return false, nil
		}
	}
	return true, nil
}

func holds(text, phrase string) bool {
	for {
		at := strings.Index(text, phrase)
		if at < 0 {
			return false
		}
		text = text[at+len(phrase):]
		if !strings.HasPrefix(phrase, "#") || text == "" || text[0] < '0' || text[0] > '9' {
			return true
		}
	}
}
