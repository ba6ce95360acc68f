package reducer_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/reducer"
)

// update reports whether -update was given: package testkit has the flag, for
// golden files of all kinds.
func update() bool { return flag.Lookup("update").Value.String() == "true" }

// TestScenarios runs the stories in testdata. A story is blocks of lines, each
// block followed by ---- and the state it leads to:
//
//	# what is told
//	alice: new A "fix the flux"
//	bob@9~2: close A
//	----
//	issue A "fix the flux" closed medium
//	…
//
// "bob@9~2" stamps second 9 while bob's clock shows second 2; without @ each
// line is a second after the one before. The lines reach the reducer in the
// order of the story. At the end, they are also reduced in all other orders, and the
// result is compared with that of the oracle. "alice? …" asks Check instead.
func TestScenarios(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) == 0 {
		t.Fatal("no stories")
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			got := runStory(t, string(want))
			if update() {
				if err := os.WriteFile(f, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("%s\nrun with -update and read the difference", firstDifference([]byte(got), want))
			}
		})
	}
}

var speech = regexp.MustCompile(`^([a-z]+)(?:@(\d+))?(?:~(\d+))?([:?]) (.*)$`)

func runStory(t *testing.T, text string) string {
	var out strings.Builder
	var es []*event.Envelope
	s := reducer.New()
	seqs := make(map[string]uint64)
	now := 0
	for block := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n\n") {
		in, _, found := strings.Cut(block, "\n----")
		if !found {
			out.WriteString(block + "\n\n") // a remark
			continue
		}
		out.WriteString(in + "\n----\n")
		for l := range strings.SplitSeq(in, "\n") {
			if strings.HasPrefix(l, "#") {
				continue
			}
			m := speech.FindStringSubmatch(l)
			if m == nil {
				t.Fatalf("cannot read %q", l)
			}
			now++
			if m[2] != "" {
				now, _ = strconv.Atoi(m[2])
			}
			at := scenarioStart + event.Time(now)*1e9
			b := body(t, m[1], at, words(t, m[5]))
			if m[4] == "?" {
				fmt.Fprintf(&out, "check: %v\n", s.Check(m[1], b))
				continue
			}
			seqs[m[1]]++
			e := line(m[1], seqs[m[1]], at, b)
			if m[3] != "" {
				wall, _ := strconv.Atoi(m[3])
				e.Wall = scenarioStart + event.Time(wall)*1e9
			}
			es = append(es, e)
			s.Apply(e)
		}
		out.Write(show(s))
		out.WriteString("\n")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, how := range orders {
		same(t, how.name, how.reduce(rng, es), s)
	}
	agree(t, es, s)
	return out.String()
}

func words(t *testing.T, l string) []string {
	var ws []string
	for l = strings.TrimLeft(l, " "); l != ""; l = strings.TrimLeft(l, " ") {
		if l[0] == '"' {
			q, err := strconv.QuotedPrefix(l)
			if err != nil {
				t.Fatalf("cannot read %q", l)
			}
			w, _ := strconv.Unquote(q)
			ws, l = append(ws, w), l[len(q):]
			continue
		}
		w, rest, _ := strings.Cut(l, " ")
		ws, l = append(ws, w), rest
	}
	return ws
}

// body makes the event of one verb. Arguments left out are empty; "-" as an
// issue or milestone means none.
func body(t *testing.T, agent string, at event.Time, ws []string) event.Body {
	arg := func(n int) string {
		if n < len(ws) {
			return ws[n]
		}
		return ""
	}
	ref := func(n int) event.UUID {
		if arg(n) == "" || arg(n) == "-" {
			return event.UUID{}
		}
		return id(arg(n))
	}
	second := func(n int) event.Time {
		if arg(n) == "" || arg(n) == "-" {
			return 0
		}
		s, _ := strconv.Atoi(arg(n))
		return scenarioStart + event.Time(s)*1e9
	}
	number := func(n int) uint64 {
		v, _ := strconv.ParseUint(arg(n), 10, 64)
		return v
	}
	switch ws[0] {
	case "new": // issue title [parent [label …]]
		b := &event.IssueCreated{UUID: ref(1), Title: arg(2), Priority: event.Medium, CreatedBy: agent, Parent: ref(3)}
		if len(ws) > 4 {
			b.Labels = ws[4:]
		}
		return b
	case "title":
		return &event.IssueUpdated{UUID: ref(1), Title: ptr(arg(2))}
	case "describe":
		return &event.IssueUpdated{UUID: ref(1), Description: ptr(arg(2))}
	case "priority":
		return &event.IssueUpdated{UUID: ref(1), Priority: ptr(event.Priority(arg(2)))}
	case "update-nothing":
		return &event.IssueUpdated{UUID: ref(1)}
	case "status": // issue status [closed-at [reason]]
		return &event.StatusChanged{UUID: ref(1), NewStatus: event.Status(arg(2)), ClosedAt: second(3), Reason: arg(4)}
	case "delete":
		if arg(2) != "" {
			return &event.IssueDeleted{UUID: ref(1), Deletion: ref(2)}
		}
		return &event.IssueDeleted{UUID: ref(1)}
	case "undelete": // issue deletion
		return &event.IssueUndeleted{UUID: ref(1), Deletion: ref(2)}
	case "schedule":
		return &event.ScheduleChanged{Issue: ref(1), ScheduledAt: second(2), DueAt: second(3)}
	case "parent":
		return &event.ParentChanged{Issue: ref(1), Parent: ref(2)}
	case "label":
		return &event.LabelAdded{Issue: ref(1), Label: arg(2)}
	case "unlabel":
		return &event.LabelRemoved{Issue: ref(1), Label: arg(2)}
	case "assign":
		return &event.AssigneeAdded{Issue: ref(1), Assignee: arg(2)}
	case "unassign":
		return &event.AssigneeRemoved{Issue: ref(1), Assignee: arg(2)}
	case "wait": // blocked blocker
		return &event.DependencyAdded{Blocked: ref(1), Blocker: ref(2)}
	case "unwait":
		return &event.DependencyRemoved{Blocked: ref(1), Blocker: ref(2)}
	case "relate": // a b [kind]
		return &event.RelationAdded{A: ref(1), B: ref(2), Kind: event.RelationKind(arg(3))}
	case "unrelate":
		return &event.RelationRemoved{A: ref(1), B: ref(2), Kind: event.RelationKind(arg(3))}
	case "into":
		return &event.MilestoneAssigned{Issue: ref(1), Milestone: ref(2)}
	case "comment": // issue comment text [created-at]
		b := &event.CommentAdded{Issue: ref(1), Comment: ref(2), Author: agent, Content: arg(3), CreatedAt: at, Kind: "note"}
		if len(ws) > 4 {
			b.CreatedAt, b.Author = second(4), "someone"
		}
		return b
	case "edit":
		return &event.CommentEdited{Comment: ref(1), Content: arg(2)}
	case "uncomment":
		return &event.CommentDeleted{Comment: ref(1)}
	case "time": // issue entry from to seconds
		b := &event.TimeEntryAdded{Issue: ref(1), Entry: ref(2), StartedAt: second(3), EndedAt: second(4)}
		if arg(5) != "" {
			b.DurationSeconds = ptr(number(5))
		}
		return b
	case "untime":
		return &event.TimeEntryDeleted{Entry: ref(1)}
	case "link": // issue kind ref
		return &event.LinkAdded{Issue: ref(1), Kind: arg(2), Ref: arg(3)}
	case "unlink":
		return &event.LinkRemoved{Issue: ref(1), Kind: arg(2), Ref: arg(3)}
	case "milestone": // milestone name [due]
		return &event.MilestoneCreated{UUID: ref(1), Name: arg(2), CreatedAt: at, DueAt: second(3)}
	case "milestone-due":
		return &event.MilestoneUpdated{UUID: ref(1), DueAt: ptr(second(2))}
	case "milestone-name":
		return &event.MilestoneUpdated{UUID: ref(1), Name: ptr(arg(2))}
	case "milestone-describe":
		return &event.MilestoneUpdated{UUID: ref(1), Description: ptr(arg(2))}
	case "milestone-close":
		return &event.MilestoneClosed{UUID: ref(1), ClosedAt: at}
	case "milestone-reopen":
		return &event.MilestoneReopened{UUID: ref(1)}
	case "milestone-delete":
		return &event.MilestoneDeleted{UUID: ref(1)}
	case "claim":
		return &event.LockClaimed{Issue: ref(1)}
	case "release":
		return &event.LockReleased{Issue: ref(1)}
	case "break":
		return &event.LockBroken{Issue: ref(1), Token: number(2), Reason: arg(3)}
	case "start":
		return &event.SessionStarted{Session: ref(1), Issue: ref(2)}
	case "work":
		return &event.SessionWorked{Session: ref(1), Issue: ref(2)}
	case "end":
		return &event.SessionEnded{Session: ref(1), Notes: arg(2)}
	case "ask": // request target kind [subject [reason]]
		return &event.RequestSent{ID: ulid(arg(1)), Target: arg(2), Kind: event.RequestKind(arg(3)), Subject: ref(4), RequestedBy: agent, Reason: arg(5)}
	case "report": // context branch commit state [url]
		return &event.StatusReported{Context: arg(1), Branch: arg(2), Commit: strings.Repeat(arg(3), 40), State: event.CheckState(arg(4)), URL: arg(5)}
	case "ack": // request acted result
		return &event.RequestAcked{ID: ulid(arg(1)), Acted: arg(2) == "yes", Result: arg(3), Notes: arg(4)}
	case "introduce": // kind [key [description [machine [name]]]]
		return &event.AgentIntroduced{Kind: event.AgentKind(arg(1)), PublicKey: arg(2), Description: arg(3), Machine: arg(4), Name: arg(5)}
	case "rotate":
		return &event.KeyRotated{PublicKey: arg(1)}
	case "accuse":
		return &event.AgentForked{Agent: arg(1), LineA: "a", LineB: "b"}
	case "forked-from":
		return &event.AgentForkedFrom{Agent: arg(1), Seq: number(2), Hash: arg(3)}
	case "retire":
		return &event.AgentRetired{Reason: arg(1)}
	case "invalid": // type reason detail
		return &event.Invalid{Name: arg(1), Reason: arg(2), Detail: arg(3)}
	}
	if c := ws[0][0]; c >= 'A' && c <= 'Z' {
		return &event.Unknown{Name: ws[0]}
	}
	t.Fatalf("no verb %q", ws[0])
	return nil
}

// ulid is "0", the name, and zeros up to the length of a ULID.
func ulid(s string) string { return ("0" + s + strings.Repeat("0", 26))[:26] }
