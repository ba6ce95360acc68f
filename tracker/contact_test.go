package tracker_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func (c *clone) note() string { return filepath.Join(c.dir, ".git", "crosslink", "contact.json") }

// A clock that was years ahead once has left times that have not come yet:
// the hub is looked for, deciding and sending continue.
func TestTimesInTheFuture(t *testing.T) {
	t.Parallel()
	w := newMemoryWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	alice.create("before there was a hub")
	bob.init()
	ahead := time.Now().AddDate(20, 0, 0)
	for _, c := range []*clone{alice, bob} {
		note := map[string]any{}
		if b, err := os.ReadFile(c.note()); err != nil || json.Unmarshal(b, &note) != nil {
			t.Fatal(err)
		}
		note["last"], note["undecided"], note["refused"], note["refused_at"] = ahead, ahead, "once", ahead
		b, _ := json.Marshal(note)
		if err := os.WriteFile(c.note(), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	alice.create("finds the hub")
	bob.create("is sent")
	w.converge(alice, bob)
	if got := bob.numbers(); len(got) != 3 {
		t.Errorf("%v", got)
	}
}

// Where a file of ours should be is a directory: the error names it.
func TestDirectoryInThePlaceOfAFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"contact.json", "identity", "judged.json"} {
		c := w.clone("in-" + strings.TrimSuffix(name, ".json"))
		path := filepath.Join(c.dir, ".git", "crosslink", name)
		if err := os.MkdirAll(path, 0o777); err != nil {
			t.Fatal(err)
		}
		tr, err := tracker.Open(context.Background(), tracker.Options{Survey: c.survey(), Dir: c.dir, Environ: w.env, Now: c.now,
			Notice: func(n fail.Notice) { c.notices = append(c.notices, n) }})
		if err != nil {
			t.Fatal(err)
		}
		if name == "judged.json" {
			c.init() // there are steps to note
			w.git(c.dir, "fetch", "-q")
		}
		_, err = tr.Emit(context.Background(), tracker.EmitOptions{}, func(tracker.Projection) ([]event.Body, error) {
			return []event.Body{&event.IssueCreated{UUID: tr.MintUUID(), Title: "x", Priority: event.Low, CreatedBy: tr.Agent()}}, nil
		})
		tr.Close()
		var e *fail.Error
		switch {
		case name == "judged.json":
			told := false
			for _, n := range c.notices {
				told = told || n.Code.Name() == "in-the-way" && strings.Contains(n.Text, path)
			}
			if err != nil || !told {
				t.Errorf("%s: %v, %v", name, err, c.notices)
			}
		case !errors.As(err, &e) || e.Code.Name() != "in-the-way" || !strings.Contains(e.Message, path):
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is wrong with the hub is listed until it is over, and told once each.
func TestProblemsOfTheHub(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob, carol := w.clone("alice"), w.clone("bob"), w.clone("carol")
	alice.init()
	alice.create("a")
	bob.create("b")
	w.converge(alice, bob, carol)
	ref := "refs/heads/crosslink/agents/"
	was := strings.TrimSpace(w.git(w.hub, "rev-parse", ref+"alice"))
	stranger := strings.TrimSpace(w.git(w.hub, "rev-parse", "main"))
	w.git(w.hub, "update-ref", ref+"Also_None", stranger)
	w.git(w.hub, "update-ref", ref+"Not_An_Id", stranger)

	told := func(c *clone) (n int) {
		for _, x := range c.notices {
			if x.Code.Name() == "hub" {
				n++
			}
		}
		return n
	}
	carol.detachedSync() // nobody watches
	if n := told(carol); n != 0 {
		t.Errorf("a detached sync told %d problems", n)
	}
	w.git(w.hub, "update-ref", ref+"alice", was+"~1") // rewound
	carol.notices = nil
	carol.sync()
	first := told(carol)
	carol.sync()
	carol.sync()
	if again := told(carol); first != 3 || again != first {
		t.Errorf("told %d and then %d: %v", first, again, carol.notices)
	}
	problems := carol.status().Problems()
	all := strings.Join(problems, "\n")
	for _, part := range []string{"Also_None", "Not_An_Id"} {
		if !strings.Contains(all, part) {
			t.Errorf("not in status: %s: %v", part, problems)
		}
	}
	if strings.Contains(all, "'alice'") {
		t.Errorf("still in status after it was put back: %v", problems)
	}
	w.git(w.hub, "update-ref", "-d", ref+"Not_An_Id")
	w.git(w.hub, "update-ref", "-d", ref+"Also_None")
	carol.sync()
	if p := carol.status().Problems(); len(p) != 0 {
		t.Errorf("over, and still listed: %v", p)
	}
}

// detachedSync syncs as a detached process does, except that its pace follows the real clock.
func (c *clone) detachedSync() {
	c.w.t.Helper()
	tr := c.open("GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=crosslink.syncInterval", "GIT_CONFIG_VALUE_0=0")
	defer tr.Close()
	if _, err := tr.Sync(context.Background(), tracker.SyncOptions{Detached: true}); err != nil {
		c.w.t.Fatal(err)
	}
}
