package importer

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

// Shapes of rows as they occur in public trackers of several versions of beads, with
// made contents: what has a place here comes over, the rest is left over, and nothing
// makes a row unreadable.
func TestShapesOfBeads(t *testing.T) {
	for _, c := range []struct {
		name, rows string
		left       []string // members left over from the last row
		check      func(i *Issue) bool
	}{
		{
			name: "no priority is the most urgent one; offsets and parts of a second",
			rows: `{"id":"bd-3c","title":"x","status":"closed","issue_type":"bug","created_at":"2025-10-31T21:08:03.389259-07:00","updated_at":"2025-11-01T11:13:48.02-07:00","closed_at":"2025-11-01T11:13:48.02-07:00"}`,
			check: func(i *Issue) bool {
				return i.Priority == event.Critical && i.Status == event.Closed && i.Created.String() == "2025-11-01T04:08:03.389259000Z"
			},
		},
		{
			name:  "nanoseconds of another program; where it lies says nothing",
			rows:  `{"id":"bd-4d","title":"x","status":"open","priority":2,"issue_type":"task","created_at":"2026-07-30T16:43:39.721121020Z","created_by":"u","updated_at":"2026-08-04T03:12:24.089710827Z","source_repo":".","compaction_level":0,"original_size":0}`,
			check: func(i *Issue) bool { return i.Created.String() == "2026-07-30T16:43:39.721121020Z" && i.Author == "u" },
		},
		{
			name: "members that have no place",
			rows: `{"_type":"issue","id":"a-b-cbc","title":"x","status":"in_progress","priority":1,"issue_type":"bug","assignee":"bo","owner":"bo@example.org","created_at":"2026-05-25T04:59:19Z","created_by":"bo","updated_at":"2026-05-25T05:12:10Z","started_at":"2026-05-25T04:59:20Z","estimated_minutes":480,"source_repo":"other","source_repo_path":"/there","dependency_count":0,"dependent_count":1,"comment_count":0}`,
			left: []string{"estimated_minutes", "owner", "source_repo", "source_repo_path", "started_at"},
			check: func(i *Issue) bool {
				return slices.Contains(i.Labels, "status:in_progress") && slices.Equal(i.Assignees, []string{"bo"})
			},
		},
		{
			name: "a child by its id and by a dependency, blocked by its sibling, with metadata that says nothing",
			rows: `{"id":"s-gld","title":"epic","status":"open","priority":1,"issue_type":"epic","created_at":"2026-02-04T16:37:39Z"}
{"id":"s-gld.1","title":"first","status":"closed","priority":0,"issue_type":"task","created_at":"2026-02-04T16:38:05Z","close_reason":"Closed"}
{"id":"s-gld.2","title":"second","status":"open","priority":0,"issue_type":"task","created_at":"2026-02-04T16:38:15Z","dependencies":[{"issue_id":"s-gld.2","depends_on_id":"s-gld","type":"parent-child","created_at":"2026-02-04T16:38:15Z","created_by":"Ann Lee"},{"issue_id":"s-gld.2","depends_on_id":"s-gld.1","type":"blocks","created_at":"2026-02-04T16:38:15Z","created_by":"daemon","metadata":"{}"}]}`,
			check: func(i *Issue) bool { return i.Parent == "s-gld" && slices.Equal(i.BlockedBy, []string{"s-gld.1"}) },
		},
		{
			name: "comments counted in each clone, that name their issue",
			rows: `{"id":"c-1","title":"one","status":"open","priority":2,"comments":[{"id":1,"issue_id":"c-1","author":"Ann Lee","text":"here","created_at":"2026-02-05T01:32:02Z"}]}
{"id":"c-2","title":"two","status":"open","priority":2,"comments":[{"id":1,"issue_id":"c-2","author":"Bo","text":"there","created_at":"2026-02-05T01:32:02Z"},{"id":2,"issue_id":"c-2","author":"Bo","text":"again","created_at":"2026-02-05T01:32:03Z"}]}`,
			check: func(i *Issue) bool { return len(i.Comments) == 2 && i.Comments[1].Text == "again" },
		},
		{
			name:  "a reference to several things elsewhere",
			rows:  `{"id":"bd-07","title":"x","status":"open","priority":0,"external_ref":"other_tracker:ds.1,ds.3"}`,
			check: func(i *Issue) bool { return len(i.Links) == 1 && i.Links[0].Ref == "other_tracker:ds.1,ds.3" },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var left []string
			if err := Beads(strings.NewReader(c.rows), Options{}, &Sink{Report: &Report{}, Issue: func(i *Issue) error {
				left = slices.Sorted(maps.Keys(i.Leftover))
				return nil
			}}); err != nil {
				t.Fatal(err)
			}
			issues, rep, err := read(t, "beads", c.rows, Options{})
			if err != nil || len(rep.Warnings) > 0 || rep.EdgesSkipped > 0 || len(rep.Skipped) > 0 || len(issues) != rep.Read {
				t.Fatalf("%+v, %v", rep, err)
			}
			last := issues[len(issues)-1]
			if !slices.Equal(left, c.left) {
				t.Errorf("left over: %q", left)
			}
			if !c.check(last) {
				t.Errorf("%+v", last)
			}
			comments := map[event.UUID]bool{}
			for _, i := range issues {
				for _, l := range (Names{"beads", "here"}).Create(i) {
					if b, ok := l.Body.(*event.CommentAdded); ok {
						if comments[b.Comment] {
							t.Errorf("two comments have the uuid %s", b.Comment)
						}
						comments[b.Comment] = true
					}
				}
			}
		})
	}
}
