package tracker_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/git-crosslink/git-crosslink/answer"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/migrate"
	"github.com/git-crosslink/git-crosslink/tracker"
)

// migrates migrates the hub of a clone.
func (c *clone) migrates(o migrate.Options) (*migrate.Report, error) {
	c.w.t.Helper()
	t := c.open()
	defer t.Close()
	r, release, err := t.Migration(context.Background(), o.DryRun, nil)
	if err != nil {
		return nil, err
	}
	defer release()
	if o.DryRun {
		return r.Foresee(context.Background(), o)
	}
	return r.Run(context.Background(), o)
}

// shows returns what a clone shows, except for locks.
func (c *clone) shows(p tracker.Projection) *migrate.Shown {
	c.w.t.Helper()
	s, err := migrate.Show(p, nil)
	if err != nil {
		c.w.t.Fatal(err)
	}
	return s
}

// fetchReal puts the production hub of the original on the hub of a world.
func (w *world) fetchReal() {
	w.t.Helper()
	if _, err := os.Stat(realHub); err != nil {
		w.t.Skipf("NOT RUN: there is no real level-3 hub at '%s'", realHub)
	}
	bundle, err := filepath.Abs(realHub)
	if err != nil {
		w.t.Fatal(err)
	}
	w.git(w.hub, "fetch", "-q", bundle, "+refs/heads/*:refs/heads/*")
}

// A real level-3 hub is migrated: every issue, comment and number is what it was, a
// clone that knew the old hub follows, and everybody can write.
func TestMigrateRealHub(t *testing.T) {
	w := newWorld(t)
	w.fetchReal()
	alice, bob := w.clone("alice"), w.clone("bob")
	before := bob.shows(bob.fresh()) // warm on level 3
	if before.Issues != 784 || before.Comments != 1395 || before.Numbers != 784 {
		t.Fatalf("%d issues, %d comments, %d numbers", before.Issues, before.Comments, before.Numbers)
	}
	r, err := alice.migrates(migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.From != 3 || !r.Pushed || !r.Backup || r.Issues != 784 || r.Comments != 1395 || r.Numbers != 784 || r.Next != 786 || len(r.Locks) != 35 || len(r.Settled) != 0 || r.View != before.Hash() {
		t.Errorf("%+v", r)
	}
	if len(r.Logs) != 2 || r.Logs[0].Agent != "anon-ab6221f8" || len(r.Logs[0].Lines) != 12 || r.Logs[0].Signed != 0 || len(r.Logs[1].Lines) != 220 || r.Logs[1].Signed != 213 {
		t.Errorf("logs %+v", r.Logs)
	}
	bob.sync()
	for _, c := range []*clone{alice, bob, w.clone("carol")} {
		if after := c.shows(c.fresh()); after.Hash() != before.Hash() {
			t.Errorf("%s: %s", c.name, before.Differs(after))
		}
		if f := c.findings(true); f != "" {
			t.Errorf("%s: %s", c.name, f)
		}
	}
	if r, err := bob.migrates(migrate.Options{}); err != nil || !r.Already {
		t.Errorf("again: %+v, %v", r, err)
	}
	u := bob.create("the first one since")
	alice.sync()
	if n := alice.titles()["the first one since"].Number; n != 786 {
		t.Errorf("its number is %d", n)
	}
	i, err := alice.read().Resolve("784")
	if err != nil {
		t.Fatal(err)
	}
	alice.setStatus(event.Open, i)
	alice.setStatus(event.Closed, i, u)
	bob.sync()
	if h, want := bob.read().Hash(), alice.read().Hash(); h != want {
		t.Errorf("bob has the state %s, alice %s", h, want)
	}
}

// issue3 is an issue of a level-3 checkpoint; number 0 is none.
func issue3(u string, number int, title, more string) string {
	n := ""
	if number > 0 {
		n = fmt.Sprintf(`"display_id": %d, `, number)
	}
	return fmt.Sprintf(`"%s": {"uuid": "%s", %s"title": "%s", "status": "open", "priority": "high", "created_by": "beta",
    "created_at": "2026-03-01T10:00:30Z", "updated_at": "2026-03-01T10:00:30Z"%s}`, u, u, n, title, more)
}

// level3 puts a small level-3 hub on the hub of a world, with issues as in its
// checkpoint: two agents, a lock, a request, and events that the checkpoint lacks.
func (w *world) level3(numbers string, issues ...string) {
	w.write("crosslink/meta", map[string]string{"hub.json": `{"hub_version": 3, "migrated_from_commit": "genesis"}`,
		"allowed_signers": "# Crosslink trusted signers\nbeta@crosslink ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKAFUqDzWVSnKzFSwxXGJnYbeAKRh6R8a58omiF0ekCT\nx y z\n"})
	w.write("crosslink/checkpoint", map[string]string{"state.json": `{
  "next_display_id": 7, "next_comment_id": 1, "display_id_map": {` + numbers + `}, "locks": {"3": {"agent_id": "beta", "claimed_at": "2026-03-01T10:00:30Z"}},
  "issues": {` + strings.Join(issues, ", ") + `}, "next_milestone_id": 1}`})
	w.write("crosslink/agents/alpha", map[string]string{"requests-out/beta--01HQZXK5M8N9P0Q1R2S3T4V5W6.json": "{}", "heartbeat.json": "{}",
		"events.log": `{"agent_id":"alpha","agent_seq":1,"timestamp":"2026-03-01T10:00:10Z","event":{"type":"IssueCreated","uuid":"` + u2 + `","title":"dropped","priority":"low","created_by":"alpha"}}
{"agent_id":"alpha","agent_seq":2,"timestamp":"2026-03-01T10:00:31.5Z","event":{"type":"LabelAdded","issue_uuid":"` + u1 + `","label":"late"}}
{"agent_id":"alpha","agent_seq":3,"timestamp":"2026-03-01T10:00:32Z","event":{"type":"LockClaimed","issue_display_id":1}}
`})
	w.write("crosslink/agents/Beta_2", map[string]string{"events.log": `{"agent_id":"Beta_2","agent_seq":2,"timestamp":"2026-03-01T10:00:40Z","event":{"type":"StatusChanged","uuid":"` + u1 + `","new_status":"closed","closed_at":"2026-03-01T10:00:40Z"}}
`})
}

// code is the code of an error, "" if it is none of ours.
func code(err error) string {
	e, _ := errors.AsType[*fail.Error](err)
	if e == nil {
		return ""
	}
	return string(e.Code)
}

// What the checkpoint lacks is carried over with who did it, an issue without a number gets
// the next one, and everything that is left behind is reported.
func TestMigrateLevel3(t *testing.T) {
	w := newWorld(t)
	w.level3(`"`+u1+`": 3`, issue3(u1, 3, "kept", ""))
	alice := w.clone("alice")
	alice.fresh()
	before := alice.titles()
	r, err := alice.migrates(migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Issues != 2 || r.Numbers != 2 || r.Next != 8 || len(r.Locks) != 1 || r.Locks[0].Agent != "beta" || r.Left.Requests != 1 || r.Left.Heartbeats != 1 || r.Unread != 1 {
		t.Errorf("%+v", r)
	}
	if len(r.Settled) != 1 || r.Settled[0].Issue.String() != u2 || r.Settled[0].Is != 7 {
		t.Errorf("settled %+v", r.Settled)
	}
	for _, c := range []*clone{alice, w.clone("bob")} {
		c.fresh()
		got := c.titles()
		if k := got["kept"]; k.Number != 3 || k.Status != event.Closed || k.StatusBy != "Beta_2" || !slices.Equal(k.Labels, []string{"late"}) || k.UpdatedAt != before["kept"].UpdatedAt {
			t.Errorf("%s: %+v", c.name, k.Issue)
		}
		if got["dropped"].Number != 7 || got["dropped"].CreatedBy != "alpha" {
			t.Errorf("%s: %+v", c.name, got["dropped"])
		}
		if h, err := c.read().History(uuid.MustParse(u1)); err != nil || len(h) != 2 || h[1].Agent != "Beta_2" {
			t.Errorf("%s: history %v, %v", c.name, h, err)
		}
		if f := c.findings(true); f != "" {
			t.Errorf("%s: %s", c.name, f)
		}
	}
	if got := w.backups(); !slices.Equal(got, []string{migrate.Backup(r.Hub, "checkpoint"), migrate.Backup(r.Hub, "meta")}) {
		t.Errorf("kept on the hub: %s", got)
	}
	if s := alice.status(); s.Unsent != 0 || s.Level != 4 {
		t.Errorf("%+v", s)
	}
	hook := filepath.Join(w.hub, "hooks", "update")
	must(t, os.WriteFile(hook, []byte("#!/bin/sh\necho no >&2\nexit 1\n"), 0o755))
	if d, err := alice.finalizes(); code(err) != "refused/finalize" {
		t.Errorf("the hub refuses: %+v, %v", d, err)
	}
	must(t, os.Remove(hook))
	if d, err := alice.finalizes(); err != nil || len(d.Branches) != 2 {
		t.Errorf("%+v, %v", d, err)
	}
	// What it writes to its own log anyway counts for nobody, and is told.
	log := w.git(w.hub, "show", "refs/heads/crosslink/agents/alpha:events.log")
	w.write("crosslink/agents/alpha", map[string]string{"events.log": log + `{"agent_id":"alpha","agent_seq":4,"timestamp":"2026-03-09T10:00:32Z","event":{"type":"LabelAdded","issue_uuid":"` + u1 + `","label":"too late"}}` + "\n"})
	bob := w.clone("bob2")
	bob.fresh()
	if l := bob.titles()["kept"].Labels; !slices.Equal(l, []string{"late"}) {
		t.Errorf("labels %v", l)
	}
	// The doctor reports it; status, which would have to read all old logs, does not.
	late := ""
	for _, f := range bob.doctor(true).Findings {
		late += f.Text + "\n"
	}
	if !strings.Contains(late, "the original wrote 1 events to the log of 'alpha'") || strings.Contains(late, "no events") {
		t.Errorf("the doctor says: %s", late)
	}
	if f := bob.problems(); f != "" {
		t.Errorf("status says: %s", f)
	}
	// The original cannot read the new data, because members that it requires are missing.
	if _, err := event.ParseBase3([]byte(w.git(w.hub, "show", "refs/heads/crosslink/checkpoint:state.json"))); err == nil {
		t.Error("the original would take the ledger for its own checkpoint")
	}
}

// backups are the refs of the old hub that a migrated one keeps.
func (w *world) backups() []string {
	w.t.Helper()
	return splitLines(w.git(w.hub, "for-each-ref", "--format=%(refname)", "refs/crosslink/level3"))
}

// finalizes removes the remaining refs of the old hub.
func (c *clone) finalizes() (*migrate.Removed, error) {
	c.w.t.Helper()
	t := c.open()
	defer t.Close()
	m, release, err := t.Migration(context.Background(), false, nil)
	if err != nil {
		return nil, err
	}
	defer release()
	return m.Finalize(context.Background(), true, nil)
}

// Anybody who migrates may have written to the old hub under the same name: the new log
// continues from the old one. Who goes back, with the command that is printed, finds
// the old hub as it was and can migrate it again, with what was added meanwhile.
func TestMigrateAsAnAgentOfTheOldHubAndAgain(t *testing.T) {
	w := newWorld(t)
	w.level3(`"`+u1+`": 3`, issue3(u1, 3, "kept", ""))
	was := w.tips("refs/heads/crosslink/")
	alpha, bob := w.clone("alpha"), w.clone("bob")
	again := func() *migrate.Report {
		t.Helper()
		r, err := alpha.migrates(migrate.Options{})
		if err != nil || !r.Pushed || !r.Backup {
			t.Fatalf("%+v, %v", r, err)
		}
		if got := w.git(w.hub, "ls-tree", "--name-only", "refs/heads/crosslink/agents/alpha"); !strings.Contains(got, "events.log") || len(w.lines("alpha")) < 2 {
			t.Errorf("the log of 'alpha' has %q", got)
		}
		return r
	}
	r := again()
	for _, command := range answer.Undo(r) {
		if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
	}
	if got := w.tips("refs/heads/crosslink/"); !maps.Equal(got, was) || len(w.backups()) > 0 {
		t.Fatalf("after going back there is %v, and %v; before there was %v", got, w.backups(), was)
	}
	must(t, os.Rename(filepath.Join(alpha.dir, ".git", "crosslink"), filepath.Join(alpha.dir, ".git", "crosslink-migrated")))
	log := w.git(w.hub, "show", "refs/heads/crosslink/agents/Beta_2:events.log")
	w.write("crosslink/agents/Beta_2", map[string]string{"events.log": log + `{"agent_id":"Beta_2","agent_seq":3,"timestamp":"2026-03-09T10:00:32Z","event":{"type":"LabelAdded","issue_uuid":"` + u1 + `","label":"meanwhile"}}` + "\n"})
	again()
	alpha.create("the first one since")
	for _, c := range []*clone{alpha, bob} {
		c.sync()
		got := c.titles()
		if k := got["kept"]; k == nil || k.Number != 3 || !slices.Equal(k.Labels, []string{"late", "meanwhile"}) || got["the first one since"].Number != 8 {
			t.Errorf("%s: %v", c.name, got)
		}
		if f := c.findings(true); f != "" {
			t.Errorf("%s: %s", c.name, f)
		}
	}
	if d, err := alpha.finalizes(); err != nil || len(d.Branches) != 3 || len(w.backups()) > 0 {
		t.Errorf("%+v, %v; left: %v", d, err, w.backups())
	}
}

// A clone that has seen the migrated hub keeps what it shows when the migration is
// taken back, refuses to write and says why, until it starts again with the old hub.
func TestMigrateTakenBack(t *testing.T) {
	for _, level := range []int{2, 3} {
		t.Run(fmt.Sprint("level ", level), func(t *testing.T) {
			w := newWorld(t)
			if w.level3(`"`+u1+`": 3`, issue3(u1, 3, "kept", "")); level == 2 {
				w.git(w.hub, "update-ref", "-d", "refs/heads/crosslink/meta")
				w.git(w.hub, "update-ref", "-d", "refs/heads/crosslink/checkpoint")
				for _, name := range []string{"alpha", "Beta_2"} {
					w.git(w.hub, "update-ref", "-d", "refs/heads/crosslink/agents/"+name)
				}
				w.write("crosslink/hub", map[string]string{"meta/version.json": `{"layout_version": 2}`,
					"issues/" + u1 + "/issue.json": `{"uuid": "` + u1 + `", "display_id": 3, "title": "kept", "status": "open", "priority": "high", "created_by": "al", "created_at": "2026-03-01T11:00:00Z", "updated_at": "2026-03-01T12:00:00Z"}`})
			}
			was := w.tips("refs/heads/crosslink/")
			alice, bob := w.clone("alice"), w.clone("bob")
			r, err := alice.migrates(migrate.Options{})
			if err != nil {
				t.Fatal(err)
			}
			bob.sync()
			for _, command := range answer.Undo(r) {
				if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
					t.Fatalf("%s: %v: %s", command, err, out)
				}
			}
			if got := w.tips("refs/heads/crosslink/"); !maps.Equal(got, was) {
				t.Fatalf("after going back there is %v; before there was %v", got, was)
			}
			for _, c := range []*clone{alice, bob} {
				before := c.shows(c.fresh())
				for range 2 {
					if err := c.trySync(); code(err) != "other-hub/taken-back" {
						t.Errorf("%s: sync: %v", c.name, err)
					}
				}
				if after := c.shows(c.read()); after.Hash() != before.Hash() || after.Issues == 0 {
					t.Errorf("%s: %s", c.name, before.Differs(after))
				}
				unsent := c.status().Unsent
				if _, err := c.tryEmit(func(t *tracker.Tracker) []event.Body {
					return []event.Body{&event.IssueCreated{UUID: t.MintUUID(), Title: "x", Priority: event.Low, CreatedBy: "x"}}
				}); code(err) != "other-hub/taken-back" || c.status().Unsent != unsent {
					t.Errorf("%s: write: %v", c.name, err)
				}
				if _, err := c.migrates(migrate.Options{}); code(err) != "other-hub/taken-back" {
					t.Errorf("%s migrates it again: %v", c.name, err)
				}
				if got := w.tips("refs/heads/crosslink/"); !maps.Equal(got, was) {
					t.Fatalf("%s changed the hub: %v; before there was %v", c.name, got, was)
				}
				must(t, os.Rename(filepath.Join(c.dir, ".git", "crosslink"), filepath.Join(c.dir, ".git", "crosslink-migrated")))
				c.trySync()
				if got := c.titles()["kept"]; got == nil || got.Number != 3 || c.status().Level != level {
					t.Errorf("%s: %v", c.name, c.titles())
				}
			}
		})
	}
}

// An agent that wrote to the old hub, and did not migrate it, continues to write under
// its id: in a clone that saw the old hub, in one made since, in one that lost the race
// of two migrations, and in one that wrote before it ever reached the hub.
func TestMigrateOthersWriteOn(t *testing.T) {
	for _, name := range []string{"before", "since", "loser", "offline"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var alpha *clone
			if name == "offline" {
				alpha = w.clone("alpha")
				alpha.cut(true)
				alpha.create("written on")
				alpha.cut(false)
			}
			w.level3(`"`+u1+`": 3`, issue3(u1, 3, "kept", ""))
			alice := w.clone("alice")
			if name == "before" || name == "loser" {
				alpha = w.clone("alpha")
				alpha.sync()
			}
			if r, err := alice.migrates(migrate.Options{}); err != nil || !r.Pushed {
				t.Fatalf("%+v, %v", r, err)
			}
			old := w.git(w.hub, "rev-parse", "refs/heads/crosslink/agents/alpha")
			switch name {
			case "since":
				alpha = w.clone("alpha")
			case "loser":
				if r, err := alpha.migrates(migrate.Options{}); err != nil || !r.Already {
					t.Fatalf("%+v, %v", r, err)
				}
			}
			alpha.sync()
			if name != "offline" {
				alpha.create("written on")
			}
			alpha.create("and again")
			alpha.sync()
			w.git(w.hub, "merge-base", "--is-ancestor", strings.TrimSpace(old), "refs/heads/crosslink/agents/alpha")
			for _, c := range []*clone{alpha, alice, w.clone("bob")} {
				c.fresh()
				c.sync()
				got := c.titles()
				if k := got["kept"]; k == nil || k.Number != 3 || got["dropped"] == nil || got["written on"] == nil || got["written on"].Number != 8 || got["and again"] == nil {
					t.Errorf("%s: %v", c.name, got)
				}
				if f := c.findings(true); f != "" {
					t.Errorf("%s: %s", c.name, f)
				}
				if d := c.doctor(false); len(d.Findings) > 0 {
					t.Errorf("%s: %+v", c.name, d.Findings)
				}
			}
		})
	}
}

// Of a log that continues the original's, a hub that refuses one event takes those
// before it.
func TestMigrateRefusedEvent(t *testing.T) {
	w := newWorld(t)
	w.level3(`"`+u1+`": 3`, issue3(u1, 3, "kept", ""))
	alice, alpha := w.clone("alice"), w.clone("alpha")
	if r, err := alice.migrates(migrate.Options{}); err != nil || !r.Pushed {
		t.Fatalf("%+v, %v", r, err)
	}
	alpha.sync()
	alpha.cut(true)
	for _, title := range []string{"good", "XBADX", "after it"} {
		alpha.create(title)
	}
	alpha.cut(false)
	w.hook("pre-receive", "while read old new ref; do git ls-tree -r $new | cut -f1 | cut -d' ' -f3 | git cat-file --batch | grep -a -q XBADX && exit 1; done; exit 0")
	alpha.trySync()
	alice.sync()
	if got := alice.titles(); got["good"] == nil || got["XBADX"] != nil || got["after it"] != nil {
		t.Errorf("%v", got)
	}
}

// Two issues with one number are refused until somebody says which gets another.
func TestMigrateNumbers(t *testing.T) {
	w := newWorld(t)
	w.level3(`"`+u1+`": 3, "`+u3+`": 3`, issue3(u1, 3, "one", ""), issue3(u3, 3, "two", ""))
	alice := w.clone("alice")
	refused := func(want string, wishes ...migrate.Wish) {
		t.Helper()
		before := w.git(w.hub, "for-each-ref")
		if _, err := alice.migrates(migrate.Options{Numbers: wishes}); code(err) != want {
			t.Errorf("%v: %v", wishes, err)
		}
		if after := w.git(w.hub, "for-each-ref"); after != before {
			t.Errorf("%v: the hub changed", wishes)
		}
	}
	refused("number-twice")
	refused("number-twice", migrate.Wish{Issue: u2, Number: 5})
	refused("number-taken", migrate.Wish{Issue: u2, Number: 3})
	refused("number-twice", migrate.Wish{Issue: "3"})
	refused("number-twice", migrate.Wish{Issue: "#3", Number: 9})
	r, err := alice.migrates(migrate.Options{Numbers: []migrate.Wish{{Issue: u3}, {Issue: u2, Number: 9}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := alice.titles(); got["one"].Number != 3 || got["dropped"].Number != 9 || got["two"].Number != 10 || r.Next != 11 || len(r.Settled) != 2 {
		t.Errorf("%d, %d, %d, %+v", got["one"].Number, got["dropped"].Number, got["two"].Number, r)
	}
}

// A log that cannot be read to its end is refused, unless its readable lines are
// enough.
func TestMigrateEndedLog(t *testing.T) {
	w := newWorld(t)
	w.level3(`"`+u1+`": 3`, issue3(u1, 3, "kept", ""))
	w.write("crosslink/agents/gamma", map[string]string{"events.log": "{}\n" +
		`{"agent_id":"gamma","agent_seq":2,"timestamp":"2026-03-01T10:00:33Z","event":{"type":"LabelAdded","issue_uuid":"` + u1 + `","label":"readable"}}` + "\n"})
	w.write("crosslink/agents/newer", map[string]string{"log/000001": "{}\n"}) // of this program: left by a migration that was taken back
	alice := w.clone("alice")
	if _, err := alice.migrates(migrate.Options{}); code(err) != "ended-log" {
		t.Fatal(err)
	}
	if _, err := alice.migrates(migrate.Options{AcceptEnded: []string{"gamma", "newer"}}); err != nil {
		t.Fatal(err)
	}
	if l := alice.titles()["kept"].Labels; !slices.Contains(l, "readable") {
		t.Errorf("labels %v", l)
	}
}

// Of clones that migrate at once one does it, and the others find it done.
func TestMigrateAtOnce(t *testing.T) {
	w := newWorld(t)
	w.level3(`"`+u1+`": 3`, issue3(u1, 3, "kept", ""))
	var all []*clone
	for _, name := range []string{"alice", "bob", "carol"} {
		all = append(all, w.clone(name))
	}
	reports, errs := make([]*migrate.Report, len(all)), make([]error, len(all))
	var wait sync.WaitGroup
	for i, c := range all {
		wait.Go(func() { reports[i], errs[i] = c.migrates(migrate.Options{}) })
	}
	wait.Wait()
	pushed, hub := 0, ""
	for i, r := range reports {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		if r.Pushed {
			pushed++
			hub = r.Hub
		}
	}
	if pushed != 1 {
		t.Fatalf("%d of them migrated it", pushed)
	}
	for i, c := range all {
		if reports[i].Hub != hub || reports[i].Already == reports[i].Pushed {
			t.Errorf("%s: %+v", c.name, reports[i])
		}
		c.create("by " + c.name)
	}
	for _, c := range all {
		c.sync()
	}
	all[0].sync()
	if n := len(all[0].titles()); n != 5 {
		t.Errorf("%d issues", n)
	}
}

// Killed at any boundary, the hub is the old one or the new one, nothing is lost, and
// the next try does the rest.
func TestMigrateKilledAtEachBoundary(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT RUN with -short: a process for each boundary")
	}
	fresh := func(t *testing.T) (*world, *clone, *clone) {
		w := newWorld(t)
		w.level3(`"`+u1+`": 3`, issue3(u1, 3, "kept", ""))
		return w, w.clone("alice"), w.clone("bob")
	}
	_, alice, _ := fresh(t)
	points := alice.boundaries("migrate")
	for n, point := range points {
		t.Run(fmt.Sprintf("%02d-%s", n, point), func(t *testing.T) {
			w, alice, bob := fresh(t)
			before := bob.shows(bob.fresh())
			if err := alice.process("migrate", fmt.Sprintf("CROSSLINK_FAULT=*:%d", n+1)).Run(); err == nil {
				t.Skipf("not killed")
			}
			meta := w.git(w.hub, "show", "refs/heads/crosslink/meta:hub.json")
			if old, is := strings.Contains(meta, `"hub_version": 3`), strings.Contains(meta, `"hub_version":4`); old == is {
				t.Fatalf("the hub is neither: %s", meta)
			}
			if msg, err := alice.process("migrate").CombinedOutput(); err != nil {
				t.Fatalf("again: %v: %s", err, msg)
			}
			bob.sync()
			got := bob.titles()
			if len(got) != before.Issues || got["kept"].Number != 3 || got["dropped"].Number != 7 {
				t.Errorf("%v", got)
			}
			if msg, err := alice.process("create since").CombinedOutput(); err != nil {
				t.Fatalf("write: %v: %s", err, msg)
			}
			bob.sync()
			if i := bob.titles()["since"]; i == nil || i.Number != 8 {
				t.Errorf("bob does not see it: %+v", i)
			}
		})
	}
}

// Without the hub, on no old hub, and with lines that no hub has, nothing is done.
func TestMigrateRefused(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.clone("alice"), w.clone("bob")
	if _, err := alice.migrates(migrate.Options{}); code(err) != "no-old-hub" {
		t.Errorf("no hub: %v", err)
	}
	bob.cut(true)
	bob.create("written before")
	bob.cut(false)
	w.level3(`"`+u1+`": 3`, issue3(u1, 3, "kept", ""))
	if _, err := bob.migrates(migrate.Options{}); code(err) != "unsent/migrate" {
		t.Errorf("unsent: %v", err)
	}
	alice.cut(true)
	_, err := alice.migrates(migrate.Options{})
	if e, _ := errors.AsType[*fail.Error](err); e == nil || e.Kind != fail.Fatal {
		t.Errorf("offline: %v", err)
	}
	alice.cut(false)
	w.git(w.hub, "config", "receive.denyNonFastForwards", "true")
	before := w.git(w.hub, "for-each-ref")
	if _, err := alice.migrates(migrate.Options{}); code(err) != "protected" {
		t.Errorf("protected: %v", err)
	}
	if after := w.git(w.hub, "for-each-ref"); after != before {
		t.Errorf("the hub changed:\n%s", after)
	}
	w.git(w.hub, "config", "receive.denyNonFastForwards", "false")
	if r, err := alice.migrates(migrate.Options{}); err != nil || !r.Pushed {
		t.Errorf("%+v, %v", r, err)
	}
	bob.sync() // follows with what was written before
	if _, ok := bob.titles()["written before"]; !ok || len(bob.titles()) != 3 {
		t.Errorf("bob: %v", bob.titles())
	}
}

// The files of a level-2 hub: every issue and comment comes over, numbers that are
// free stay free, and issues without one get the next in the order of creation.
func TestMigrateLevel2(t *testing.T) {
	w := newWorld(t)
	issue := func(u, number, title, created string) string {
		return fmt.Sprintf(`{"uuid": "%s", "display_id": %s, "title": %q, "status": "open", "priority": "high", "created_by": "al", "created_at": "%s", "updated_at": "2026-03-01T12:00:00Z"}`, u, number, title, created)
	}
	w.write("crosslink/hub", map[string]string{
		"meta/version.json":                          `{"layout_version": 2}`,
		"meta/counters.json":                         `{"next_display_id": 758, "next_comment_id": 2, "next_milestone_id": 1}`,
		"issues/" + u1 + "/issue.json":               issue(u1, "12", strings.Repeat("long ", 120)+"\nand more", "2026-03-01T10:00:00Z"),
		"issues/" + u2 + "/issue.json":               issue(u2, "null", "later", "2026-03-01T11:00:00Z"),
		"issues/" + u3 + "/issue.json":               issue(u3, "null", "earlier", "2026-03-01T10:30:00Z"),
		"issues/" + u1 + "/comments/" + u3 + ".json": `{"uuid": "` + u3 + `", "issue_uuid": "` + u1 + `", "author": "beta", "content": "said", "created_at": "2026-03-01T11:00:00Z", "kind": "handoff"}`,
		"locks/12.json":                              `{"issue_id": 12, "agent_id": "beta", "claimed_at": "2026-03-01T11:00:00Z"}`,
		"agents/beta/heartbeat.json":                 `{}`,
		"agents/beta/requests/x.json":                `{}`,
		"agents/beta/requests/x.ack.json":            `{}`,
		"trust/approvals/beta.json":                  `{}`,
		"trust/allowed_signers":                      "ab@crosslink ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKAFUqDzWVSnKzFSwxXGJnYbeAKRh6R8a58omiF0ekCT\n",
	})
	alice, bob := w.clone("alice"), w.clone("bob")
	before := bob.shows(bob.fresh())
	branch := w.git(w.hub, "rev-parse", "refs/heads/crosslink/hub")
	r, err := alice.migrates(migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.From != 2 || r.Backup || r.Issues != before.Issues || r.Comments != 1 || r.Next != 760 || len(r.Locks) != 1 || len(r.Over) != 1 ||
		r.Left != (migrate.Left{Requests: 1, Acks: 1, Heartbeats: 1, Approvals: 1}) || r.Unread != 0 {
		t.Errorf("%+v", r)
	}
	bob.sync()
	got := bob.titles()
	if got["earlier"].Number != 758 || got["later"].Number != 759 || len(got) != 3 {
		t.Errorf("%v", got)
	}
	if w.git(w.hub, "rev-parse", "refs/heads/crosslink/hub") != branch {
		t.Error("the branch of level 2 was touched")
	}
	open := alice.open()
	defer open.Close()
	m, release, err := open.Migration(context.Background(), false, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if _, err := m.Finalize(context.Background(), false, nil); code(err) != "too-early" {
		t.Errorf("%v", err)
	}
	d, err := m.Finalize(context.Background(), true, nil)
	if err != nil || !slices.Equal(d.Branches, []string{"refs/heads/crosslink/hub"}) {
		t.Errorf("%+v, %v", d, err)
	}
	bob.sync()
	if len(bob.titles()) != 3 {
		t.Errorf("bob: %v", bob.titles())
	}
}

// Files of a level-2 hub that cannot be read are refused by name, unless that is
// accepted; their branch is not removed either, nor one that was written to since.
func TestMigrateLevel2Unread(t *testing.T) {
	w := newWorld(t)
	issue := func(u, number, more string) string {
		return fmt.Sprintf(`{"uuid": "%s", "display_id": %s, "title": "t%s", "priority": "high", "created_by": "al", "created_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-01T12:00:00Z", %s}`, u, number, number, more)
	}
	files := map[string]string{
		"issues/" + u1 + ".json": issue(u1, "1", `"status": "open"`),
		"issues/" + u2 + ".json": issue(u2, "2", `"status": "in_progress"`),
		"issues/" + u3 + ".json": `{"x`,
	}
	w.write("crosslink/hub", files)
	alice := w.clone("alice")
	before := w.git(w.hub, "for-each-ref")
	for _, o := range []migrate.Options{{}, {AcceptEnded: []string{"alpha"}}} {
		_, err := alice.migrates(o)
		if code(err) != "unread-files" || !strings.Contains(err.Error(), u2+".json: status 'in_progress' is none of") || !strings.Contains(err.Error(), u3+".json: unexpected EOF") {
			t.Errorf("%v", err)
		}
	}
	if after := w.git(w.hub, "for-each-ref"); after != before {
		t.Error("the hub changed")
	}
	r, err := alice.migrates(migrate.Options{AcceptEnded: []string{"hub"}})
	if err != nil || r.Issues != 1 || len(r.LeftOut) != 2 || r.LeftOut[0].Path != "issues/"+u2+".json" {
		t.Fatalf("%+v, %v", r, err)
	}
	finalize := func(accepted ...string) error {
		open := alice.open()
		defer open.Close()
		m, release, err := open.Migration(context.Background(), false, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		_, err = m.Finalize(context.Background(), true, accepted)
		return err
	}
	if err := finalize(); code(err) != "left-behind" || !strings.Contains(err.Error(), u2+".json: status") {
		t.Errorf("%v", err)
	}
	files["issues/"+u2+".json"] = issue(u2, "2", `"status": "open"`)
	delete(files, "issues/"+u3+".json")
	w.write("crosslink/hub", files)
	if err := finalize(); code(err) != "left-behind" || !strings.Contains(err.Error(), "issue "+u2+" was added after the migration") {
		t.Errorf("%v", err)
	}
	if err := finalize("hub"); err != nil {
		t.Fatal(err)
	}
	if refs := w.git(w.hub, "for-each-ref"); strings.Contains(refs, "crosslink/hub") {
		t.Errorf("left: %s", refs)
	}
}

// A dry run reports the same, and changes nothing: neither here nor on the hub.
func TestMigrateDryRun(t *testing.T) {
	w := newWorld(t)
	w.level3(`"`+u1+`": 3`, issue3(u1, 3, "kept", ""))
	alice := w.clone("alice")
	if _, err := alice.migrates(migrate.Options{DryRun: true}); code(err) != "not-synced" {
		t.Errorf("%v", err)
	}
	alice.sync()
	files := func() (all []string) {
		err := filepath.WalkDir(alice.dir, func(p string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(p)
			all = append(all, p+" "+event.Hash(b))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	here, hub := files(), w.git(w.hub, "for-each-ref")
	dry, err := alice.migrates(migrate.Options{DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files() {
		if !slices.Contains(here, f) {
			t.Errorf("written: %s", f)
		}
	}
	if w.git(w.hub, "for-each-ref") != hub {
		t.Error("the hub changed")
	}
	r, err := alice.migrates(migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if dry.Pushed || dry.View != r.View || dry.Next != r.Next || len(dry.Settled) != len(r.Settled) || len(dry.Logs) != len(r.Logs) {
		t.Errorf("dry %+v\nreal %+v", dry, r)
	}
}
