package ledger_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
)

// Migrated hubs: base.json and level-3 lines.

func TestBaseJSON(t *testing.T) {
	b := migrated()
	data, err := ledger.EncodeBase(b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ledger.DecodeBase(data)
	if err != nil {
		t.Fatal(err)
	}
	b.NextMilestone = 3 // above the number that is given
	if !reflect.DeepEqual(got, b) {
		t.Fatalf("\n%+v\n%+v", got, b)
	}
	again, err := ledger.EncodeBase(got)
	if err != nil || !bytes.Equal(again, data) {
		t.Fatal(err)
	}
	b.Locks = []event.BaseLock{{Number: 3, Agent: "x"}}
	if with, err := ledger.EncodeBase(b); err != nil || !bytes.Equal(with, data) {
		t.Fatal("level-3 locks are not taken over", err)
	}
	b.Numbers[event.UUID{8}] = 3
	if _, err := ledger.EncodeBase(b); err == nil {
		t.Fatal("two issues have one number")
	}
}

// migratedScene is a chain whose root brings a base.
func migratedScene(t *testing.T) *scene {
	s := newScene(t)
	data, err := ledger.EncodeBase(migrated())
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Root(hubID, data, "agent-a", at(0))
	if err != nil {
		t.Fatal(err)
	}
	s.tip = s.add(&commit{files: l.Files()})
	return s
}

func TestMigratedHub(t *testing.T) {
	t.Run("its numbers live only in the base, last starts at next - 1", func(t *testing.T) {
		s := migratedScene(t)
		l := s.view().Ledger
		if l.Issue(event.UUID{1}) != 3 || l.Issue(event.UUID{7}) != 1 || l.Milestone(event.UUID{9}) != 2 || l.LastIssue() != 4 || l.LastMilestone() != 2 {
			t.Fatal(words(l))
		}
		if files := l.Files(); len(files) != 2 || !strings.Contains(string(files["state.json"]), `"base":"`+event.Hash(files["base.json"])+`"`) {
			t.Fatalf("%d files: %s", len(l.Files()), l.Files()["state.json"])
		}
		u := s.create("agent-a")
		s.say("agent-a", created(event.UUID{1})) // has its number
		s.say("agent-a", created(event.UUID{2})) // has none
		l = s.step()
		if l.Issue(u) != 5 || l.Issue(event.UUID{1}) != 3 || l.Issue(event.UUID{2}) != 6 {
			t.Fatal(words(l))
		}
		if len(l.Issues()) != 4 || l.Base().HubVersion != 3 {
			t.Fatal(words(l))
		}
	})
}
