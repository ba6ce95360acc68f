package verb

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/importer"
	"github.com/git-crosslink/git-crosslink/store"
)

// A number, with '#' or without, is never the old name of an imported issue, even if
// the tracker does not have this number, or its issue is deleted.
func TestNumbersAreNoOldNames(t *testing.T) {
	for _, system := range []string{"github", "gitlab", "csv", "jira", "beads", "git-bug", "markdown"} {
		for _, scope := range []string{"acme/shop", ""} {
			t.Run(system+":"+scope, func(t *testing.T) {
				names := importer.Names{System: system, Scope: scope}
				w := newWorld(t)
				w.apply(&event.AgentIntroduced{Kind: event.Machine, Description: names.Description()})
				for n, u := range []event.UUID{id(1), names.Issue("1"), names.Issue("7"), names.Issue("x-7")} {
					w.apply(&event.IssueCreated{UUID: u, Title: "an issue", Priority: event.Medium, CreatedBy: "me"})
					w.names[u] = uint64(n + 1)
				}
				w.apply(&event.IssueDeleted{UUID: id(1), Deletion: uuid.New()})
				for _, unknown := range []string{"7", "#7", "007", "#007", "#", "", "#x-7"} {
					if i, err := Resolve(w.view(), unknown); err == nil {
						t.Errorf("'%s', which nothing is called here, is %s '%s'", unknown, i.Name(), i.Title)
					}
				}
				for _, deleted := range []string{"1", "#1", "00001a0"} {
					if i, err := Resolve(w.view(), deleted); DeletedName(err) == "" {
						t.Errorf("'%s', which is deleted: %+v, %v", deleted, i, err)
					}
				}
				plan, rows, err := Delete(w.view(), "me", []string{"#1"}, uuid.New)
				if err != nil || len(rows) > 0 || len(plan.Bodies) > 0 {
					t.Errorf("delete #1 deletes %d issues, %v", len(rows), err)
				}
				for _, old := range []string{system + "#7", "x-7", system + ":" + scope + "#x-7"} {
					if i, err := Resolve(w.view(), old); err != nil || i.Number < 3 {
						t.Errorf("'%s': %+v, %v", old, i, err)
					}
				}
				if _, err := Resolve(w.view(), "x-8"); !errors.As(err, new(*store.BadIDError)) {
					t.Errorf("'x-8': %v", err)
				}
			})
		}
	}
}
