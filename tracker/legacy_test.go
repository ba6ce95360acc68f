package tracker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/git-crosslink/git-crosslink/cli/hints"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/reducer"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// realHub is a production hub of the original, kept beside the project.
const realHub = "../../shared/data/crosslink-v3-hub.bundle"

// checkpoint is what a level-3 state.json holds, read by nothing of ours.
type checkpoint struct {
	Issues map[string]struct {
		UUID        string
		DisplayID   uint64 `json:"display_id"`
		Title       string
		Description string
		Status      string
		Priority    string
		ParentUUID  string `json:"parent_uuid"`
		CreatedBy   string `json:"created_by"`
		CreatedAt   string `json:"created_at"`
		UpdatedAt   string `json:"updated_at"`
		ClosedAt    string `json:"closed_at"`
		Labels      []string
		Blockers    []string
		Related     []string
		Comments    map[string]struct {
			Author    string
			Content   string
			CreatedAt string `json:"created_at"`
			Kind      string
			Trigger   string `json:"trigger_type"`
			Context   string `json:"intervention_context"`
		}
	}
}

// A real level-3 hub shows all its issues, comments, labels, relations and
// numbers exactly as its checkpoint has them.
func TestRealLevel3Hub(t *testing.T) {
	if _, err := os.Stat(realHub); err != nil {
		t.Skipf("NOT RUN: there is no real level-3 hub at '%s'", realHub)
	}
	w := newWorld(t)
	bundle, err := filepath.Abs(realHub)
	if err != nil {
		t.Fatal(err)
	}
	w.git(w.hub, "fetch", "-q", bundle, "+refs/heads/*:refs/heads/*")
	var want checkpoint
	if err := json.Unmarshal([]byte(w.git(w.hub, "show", "refs/heads/crosslink/checkpoint:state.json")), &want); err != nil {
		t.Fatal(err)
	}
	alice := w.clone("alice")
	p := alice.fresh()
	rows, total, err := p.List(store.Filter{Status: "all"})
	if err != nil || total != 784 || len(want.Issues) != 784 {
		t.Fatalf("%d issues of %d, %v", total, len(want.Issues), err)
	}
	comments := 0
	for _, r := range rows {
		got, err := p.Issue(r.UUID)
		if err != nil {
			t.Fatal(err)
		}
		i, ok := want.Issues[got.UUID.String()]
		if !ok {
			t.Fatalf("issue %s is not in the checkpoint", got.UUID)
		}
		equal := func(what string, got, want any) {
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("issue %d: %s is %v, the checkpoint has %v", i.DisplayID, what, got, want)
			}
		}
		equal("number", got.Number, i.DisplayID)
		equal("title", got.Title, i.Title)
		equal("description", got.Description, i.Description)
		equal("status", got.Status, i.Status)
		equal("priority", got.Priority, i.Priority)
		equal("created_by", got.CreatedBy, i.CreatedBy)
		equal("created_at", got.CreatedAt, nanos(t, i.CreatedAt))
		equal("updated_at", got.UpdatedAt, nanos(t, i.UpdatedAt))
		equal("closed_at", got.ClosedAt, nanos(t, i.ClosedAt))
		equal("parent", got.Parent, parse(t, i.ParentUUID))
		equal("labels", got.Labels, sorted(i.Labels))
		equal("blockers", names(got.BlockedBy), sorted(i.Blockers))
		for _, r := range i.Related {
			if !slices.ContainsFunc(got.Relations, func(x reducer.Relation) bool { return x.Other.String() == r }) {
				t.Errorf("issue %d: the relation to %s is missing", i.DisplayID, r)
			}
		}
		equal("comments", len(got.Comments), len(i.Comments))
		for _, c := range got.Comments {
			x := i.Comments[c.UUID.String()]
			equal("comment", []any{c.Author, c.Content, c.CreatedAt, c.Kind, c.TriggerType, c.InterventionContext},
				[]any{x.Author, x.Content, nanos(t, x.CreatedAt), x.Kind, x.Trigger, x.Context})
			comments++
		}
	}
	if comments != 1395 {
		t.Errorf("%d comments of 1395", comments)
	}
	if n := len(alice.read().Rejections()); n != 0 {
		t.Errorf("%d events of the real hub are rejected: %v", n, alice.read().Rejections()[:1])
	}
	alice.refused("level 3")
}

// fresh reads after a sync, as the first read in a clone does.
func (c *clone) fresh() tracker.Projection {
	c.w.t.Helper()
	t := c.open()
	c.w.t.Cleanup(func() { t.Close() })
	p, err := t.Read(context.Background(), tracker.Here)
	if err != nil {
		c.w.t.Fatal(err)
	}
	return p
}

// refused fails unless a write is refused for the hub's level, with a way out,
// and nothing was written anywhere.
func (c *clone) refused(why string) {
	c.w.t.Helper()
	before := c.w.git(c.w.hub, "for-each-ref")
	t := c.open()
	defer t.Close()
	_, err := t.Emit(context.Background(), tracker.EmitOptions{}, func(tracker.Projection) ([]event.Body, error) {
		return []event.Body{&event.IssueCreated{UUID: t.MintUUID(), Title: "x", Priority: event.Low, CreatedBy: "x"}}, nil
	})
	var e *fail.Error
	if !errors.As(err, &e) || e.Kind != fail.Fatal || e.Code.Name() != "level" || !strings.Contains(e.Message, why) || len(hints.For(e.Code, e.Fields)) == 0 {
		c.w.t.Errorf("a write to a hub of %s: %v", why, err)
	}
	if _, err := t.Init(context.Background(), tracker.InitOptions{}); !errors.As(err, &e) || e.Code.Name() != "level" {
		c.w.t.Errorf("init beside a hub of %s: %v", why, err)
	}
	if after := c.w.git(c.w.hub, "for-each-ref"); after != before {
		c.w.t.Errorf("the hub changed:\n%s", after)
	}
}

func nanos(t *testing.T, s string) event.Time {
	if s == "" {
		return 0
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return event.TimeOf(at)
}

func parse(t *testing.T, s string) event.UUID {
	if s == "" {
		return event.UUID{}
	}
	u, err := uuid.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

func names(us []event.UUID) []string {
	var s []string
	for _, u := range us {
		s = append(s, u.String())
	}
	return sorted(s)
}

// write commits files on a branch of the hub.
func (w *world) write(branch string, files map[string]string) {
	w.t.Helper()
	dir, err := os.MkdirTemp(w.dir, "tree")
	if err != nil {
		w.t.Fatal(err)
	}
	w.git(dir, "init", "-q", "-b", "x")
	for name, text := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
	w.git(dir, "add", "-A")
	w.git(dir, "commit", "-q", "-m", branch)
	w.git(dir, "push", "-q", "-f", w.hub, "HEAD:refs/heads/"+branch)
}

const (
	u1 = "0a000000-0000-4000-8000-000000000001"
	u2 = "0a000000-0000-4000-8000-000000000002"
	u3 = "0a000000-0000-4000-8000-000000000003"
)

// Events that the watermark of the original dropped are in the logs and
// therefore shown: here the checkpoint knows one issue, the logs three.
func TestLevel3WatermarkDroppedEvents(t *testing.T) {
	w := newWorld(t)
	w.write("crosslink/meta", map[string]string{"hub.json": `{"hub_version": 3, "migrated_from_commit": "genesis"}`})
	w.write("crosslink/checkpoint", map[string]string{"state.json": `{
  "next_display_id": 2, "next_comment_id": 1, "display_id_map": {"` + u1 + `": 1}, "locks": {},
  "issues": {"` + u1 + `": {"uuid": "` + u1 + `", "display_id": 1, "title": "kept", "status": "open", "priority": "high",
    "created_by": "beta", "created_at": "2026-03-01T10:00:30Z", "updated_at": "2026-03-01T10:00:30Z"}},
  "next_milestone_id": 1, "watermark": {"timestamp": "2026-03-01T10:00:30Z", "agent_id": "beta", "agent_seq": 1}}`})
	w.write("crosslink/agents/alpha", map[string]string{"events.log": `{"agent_id":"alpha","agent_seq":1,"timestamp":"2026-03-01T10:00:10Z","event":{"type":"IssueCreated","uuid":"` + u2 + `","title":"dropped","priority":"low","created_by":"alpha"}}
{"agent_id":"alpha","agent_seq":2,"timestamp":"2026-03-01T10:00:11.5Z","event":{"type":"LabelAdded","issue_uuid":"` + u1 + `","label":"late"}}
{"agent_id":"alpha","agent_seq":3,"timestamp":"2026-03-01T10:00:12Z","event":{"type":"LockClaimed","issue_display_id":1}}
`})
	w.write("crosslink/agents/beta", map[string]string{"events.log": `{"agent_id":"beta","agent_seq":1,"timestamp":"2026-03-01T10:00:30Z","event":{"type":"IssueCreated","uuid":"` + u1 + `","title":"kept","priority":"high","created_by":"beta"}}
{"agent_id":"beta","agent_seq":2,"timestamp":"2026-03-01T10:00:40Z","event":{"type":"IssueCreated","uuid":"` + u3 + `","title":"after the checkpoint","priority":"medium","created_by":"beta"}}
`})
	alice := w.clone("alice")
	alice.fresh()
	got := alice.titles()
	if len(got) != 3 || got["dropped"] == nil || got["after the checkpoint"] == nil {
		t.Fatalf("shown: %v", got)
	}
	if k := got["kept"]; k.Number != 1 || !slices.Equal(k.Labels, []string{"late"}) {
		t.Errorf("the checkpoint's issue: %+v", k)
	}
	if got["dropped"].Number != 0 {
		t.Errorf("an issue the checkpoint has not numbered has number %d", got["dropped"].Number)
	}
	alice.refused("level 3")
}

// A level-2 hub, one branch of files, is read and not written.
func TestLevel2Hub(t *testing.T) {
	w := newWorld(t)
	w.write("crosslink/hub", map[string]string{
		"meta/version.json":  `{"layout_version": 2}`,
		"meta/counters.json": `{"next_display_id": 3, "next_comment_id": 2, "next_milestone_id": 1}`,
		"issues/" + u1 + "/issue.json": `{"uuid": "` + u1 + `", "display_id": 1, "title": "one", "status": "open", "priority": "high",
  "created_by": "alpha", "created_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-01T10:00:00Z", "labels": ["bug"]}`,
		"issues/" + u1 + "/comments/" + u3 + ".json": `{"uuid": "` + u3 + `", "issue_uuid": "` + u1 + `", "author": "beta", "content": "said", "created_at": "2026-03-01T11:00:00Z"}`,
		"issues/" + u2 + ".json": `{"uuid": "` + u2 + `", "display_id": 2, "title": "two", "status": "closed", "priority": "low",
  "created_by": "alpha", "created_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-01T10:00:00Z", "closed_at": "2026-03-02T10:00:00Z",
  "comments": [{"id": 1, "author": "beta", "content": "inside", "created_at": "2026-03-01T11:00:00Z", "kind": "plan"}], "blockers": ["` + u1 + `"]}`,
		"issues/broken.json": `{`,
	})
	alice := w.clone("alice")
	alice.fresh()
	got := alice.titles()
	if len(got) != 2 || got["one"].Number != 1 || got["two"].Number != 2 {
		t.Fatalf("shown: %v", got)
	}
	if c := got["one"].Comments; len(c) != 1 || c[0].Content != "said" || c[0].Kind != "note" {
		t.Errorf("comments of one: %+v", c)
	}
	if c := got["two"].Comments; len(c) != 1 || c[0].Content != "inside" {
		t.Errorf("comments of two: %+v", c)
	}
	if b := got["two"].BlockedBy; len(b) != 1 || b[0].String() != u1 || got["two"].Status != event.Closed {
		t.Errorf("two: %+v", got["two"].Issue)
	}
	alice.refused("level 2")
}
