package verb

import (
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/importer"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// resolve finds the issue an id names: as the tracker calls it, else as it was called
// where it was imported from. What the tracker calls a deleted issue is no old name.
func resolve(p tracker.Projection, id string) (event.UUID, error) {
	u, err := p.Resolve(id)
	if !Unknown(err) && !errors.As(err, new(*store.BadIDError)) {
		return u, err
	}
	switch found := byOldName(p, id); len(found) {
	case 0:
		return u, err
	case 1:
		return found[0].UUID, nil
	default:
		return u, &store.AmbiguousError{What: "issue", ID: id, Named: true, Candidates: found}
	}
}

// oldShort are the short names of systems in old names, such as gh#12.
var oldShort = map[string]string{"github": "gh", "gitlab": "gl"}

// byOldName finds issues by the name that they had in a source that was imported here:
// its key there (bd-a3f8), or with the system or the scope before it (gh#12,
// github#12, acme/shop#12, github:acme/shop#12). A number alone, 12 or #12, is one of
// this tracker.
func byOldName(p tracker.Projection, id string) (found []store.Candidate) {
	if strings.Trim(strings.TrimPrefix(id, "#"), "0123456789") == "" {
		return nil
	}
	for _, a := range p.Agents() {
		names, ok := importer.NamesOf(a.Description)
		if !ok {
			continue
		}
		key := id
		if before, after, ok := strings.Cut(id, "#"); ok {
			if before == "" || !slices.Contains([]string{names.System, names.Scope, names.System + ":" + names.Scope, oldShort[names.System]}, before) {
				continue // oldShort and a scope may be ""
			}
			key = after
		}
		i, err := p.Row(names.Issue(key))
		if err == nil && !slices.ContainsFunc(found, func(c store.Candidate) bool { return c.UUID == i.UUID }) {
			found = append(found, store.Candidate{UUID: i.UUID, Short: i.Short, Title: i.Title})
		}
	}
	return found
}

// Resolve returns the issue that an id names, without texts.
func Resolve(p tracker.Projection, id string) (*store.Issue, error) {
	u, err := resolve(p, id)
	if err != nil {
		return nil, err
	}
	return p.Row(u)
}

// ResolveTexts returns the issue that an id names, with its texts.
func ResolveTexts(p tracker.Projection, id string) (*store.Issue, error) {
	u, err := resolve(p, id)
	if err != nil {
		return nil, err
	}
	return p.Issue(u)
}

// ResolveAll finds issues by their ids, each once, in the order named.
func ResolveAll(p tracker.Projection, ids []string) ([]*store.Issue, error) {
	var rows []*store.Issue
	for _, id := range ids {
		i, err := Resolve(p, id)
		if err != nil {
			return nil, err
		}
		rows = appendOnce(rows, i)
	}
	return rows, nil
}

func appendOnce(rows []*store.Issue, i *store.Issue) []*store.Issue {
	if slices.ContainsFunc(rows, func(o *store.Issue) bool { return o.UUID == i.UUID }) {
		return rows
	}
	return append(rows, i)
}

// Shown returns the rows of those issues that are shown.
func Shown(p tracker.Projection, us []event.UUID) []*store.Issue {
	var rows []*store.Issue
	for _, u := range us {
		if i, err := p.Row(u); err == nil {
			rows = append(rows, i)
		}
	}
	return rows
}

// ResolveComment finds the comment an id names, and its issue.
func ResolveComment(p tracker.Projection, id string) (*store.Issue, *reducer.Comment, error) {
	c, u, err := p.ResolveComment(id)
	if err != nil {
		return nil, nil, err
	}
	i, err := p.Issue(u)
	if err != nil {
		return nil, nil, err
	}
	for k := range i.Comments {
		if i.Comments[k].UUID == c {
			return i, &i.Comments[k], nil
		}
	}
	return nil, nil, &store.NotFoundError{What: "comment", ID: id}
}

// milestoneNumber reports whether an id is a milestone's number, '%' and digits, and
// which.
func milestoneNumber(id string) (n uint64, ok bool) {
	digits, ok := strings.CutPrefix(id, "%")
	if !ok || digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, _ = strconv.ParseUint(digits, 10, 64) // more digits than a number has: nothing is called that
	return n, true
}

// ResolveMilestone finds a milestone by its number (%n), its name (in any case and
// form of Unicode if none has exactly this name), its uuid, or a prefix of that of at
// least 4 digits.
func ResolveMilestone(p tracker.Projection, id string) (*reducer.Milestone, error) {
	all, err := p.Milestones()
	if err != nil {
		return nil, err
	}
	prefix := strings.ToLower(strings.ReplaceAll(id, "-", ""))
	if number, ok := milestoneNumber(id); ok {
		numbers := p.MilestoneNumbers()
		if k := slices.IndexFunc(all, func(m *reducer.Milestone) bool { return number != 0 && numbers[m.UUID] == number }); k >= 0 {
			return all[k], nil
		}
		return nil, unknownMilestone(all, id)
	}
	for n, match := range []func(*reducer.Milestone) bool{
		func(m *reducer.Milestone) bool { return m.Name == id },
		func(m *reducer.Milestone) bool { return strings.EqualFold(store.Name(m.Name), store.Name(id)) },
		func(m *reducer.Milestone) bool {
			return len(prefix) >= 4 && strings.HasPrefix(hex.EncodeToString(m.UUID[:]), prefix)
		},
	} {
		var found []*reducer.Milestone
		for _, m := range all {
			if match(m) {
				found = append(found, m)
			}
		}
		switch len(found) {
		case 0:
			continue
		case 1:
			return found[0], nil
		}
		f := &store.AmbiguousError{What: "milestone", ID: id, Named: n < 2}
		for _, m := range found {
			f.Candidates = append(f.Candidates, store.Candidate{UUID: m.UUID, Short: hex.EncodeToString(m.UUID[:])[:12], Title: m.Name})
		}
		return nil, f
	}
	return nil, unknownMilestone(all, id)
}

func unknownMilestone(all []*reducer.Milestone, id string) error {
	missing := &store.NotFoundError{What: "milestone", ID: id}
	for _, m := range all {
		missing.Known = append(missing.Known, m.Name)
	}
	return missing
}

// Missing reports whether the error is about an id that does not exist here.
func Missing(err error) bool {
	var missing *store.NotFoundError
	return errors.As(err, &missing)
}

// Unknown reports whether the error is about an id that does not exist here but may exist
// on the hub.
func Unknown(err error) bool { return Missing(err) && DeletedName(err) == "" }

// DeletedName returns the name of the object that an error reports as deleted, ""
// for other errors.
func DeletedName(err error) string {
	var missing *store.NotFoundError
	if errors.As(err, &missing) {
		return missing.Deleted
	}
	return ""
}
