// Package checkup finds what can keep a tracker from working, and how it stands: what
// doctor, status and fsck answer, and who writes here. The doctor fetches, once,
// before it looks; fsck replaces notes of what was judged that are wrong. Nothing else
// is changed.
package checkup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/hubs"
	"github.com/git-crosslink/git-crosslink/internal/note"
	"github.com/git-crosslink/git-crosslink/ownlog"
	"github.com/git-crosslink/git-crosslink/reading"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/settings"
)

// Checkup is a clone that is looked at.
type Checkup struct {
	*ownlog.Writer
}

// The doctor looks at everything that can keep a tracker from working and
// names the hint. The rules are:
//
//   - each check lives in the file of its subject, as a method check…; checks
//     lists them in the order in which they are shown;
//   - a check reads what is here. Only the doctor itself asks the hub, once,
//     before them;
//   - status runs the same checks, except for those that start processes or
//     read whole logs: what it lists under problems, the doctor finds as well;
//   - every diagnosis that is not a note has a hint with a command to run, and
//     no hint destroys anything (tracker/doctor_test.go);
//   - what fsck finds in the events needs no hint and is fsck's: the doctor only
//     says that there is something.

// check looks at one subject. s is the tracker as it is here.
type check struct {
	subject string // in words: "looked at <subject>, <subject> …"
	look    func(k *Checkup, ctx context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error)
	status  bool // it costs little, and status shows what it finds
}

var checks = []check{
	{"git", (*Checkup).checkGit, false},
	{"the settings", (*Checkup).checkSettings, true},
	{"the committer", (*Checkup).findCommitter, true},
	{"the agent", (*Checkup).checkAgent, true},
	{"worktrees", (*Checkup).checkWorktrees, false},
	{"the hub", (*Checkup).checkHubAndForge, true},
	{"unsent events", (*Checkup).checkSending, true},
	{"the limit on pushes", (*Checkup).checkPacing, true},
	{"presence", (*Checkup).checkPresence, false},
	{"the logs", (*Checkup).checkLogs, true},
	{"the original's hub", (*Checkup).checkOldHub, false},
	{"the ledger", (*Checkup).checkLedger, true},
	{"the clocks", (*Checkup).checkClocks, true},
}

// DoctorReport says what the doctor looked at and what it found.
type DoctorReport struct {
	Looked   []string // subjects
	Reached  bool     // the hub answered just now
	Findings []fail.Diagnosis
	Unlisted int // problems with the hub beyond those of Findings
}

// Doctor asks the hub, unless offline, and looks for what is wrong. What
// cannot be looked at is a finding, never an error.
func (k *Checkup) Doctor(ctx context.Context, offline bool) (*DoctorReport, error) {
	defer k.Unwatch()() // what it would tell is in the findings
	r := &DoctorReport{Looked: []string{}, Findings: []fail.Diagnosis{}}
	found, noRoom, err := k.askHub(ctx, offline)
	if err != nil {
		return nil, err
	}
	r.Findings = append(r.Findings, found...)
	r.Reached, r.Unlisted = k.Link.Reached, k.Contact.Unlisted()
	s, err := k.Reads.Load(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		r.Findings = append(r.Findings, diagnosed(fail.Problem, err, "replica"))
		return r, nil
	}
	for _, c := range checks {
		r.Looked = append(r.Looked, c.subject)
	}
	found, err = k.examine(ctx, s, func(check) bool { return true })
	for i, d := range found {
		if d.Code == "unshared" && noRoom != nil { // what 'init' would refuse comes first
			found[i] = noRoom.Diagnosis(fail.Warning, noRoom.Message)
		}
	}
	r.Findings = append(r.Findings, found...)
	return r, err
}

// askHub brings what the hub has, within a bounded time. noRoom is what 'init' would
// refuse, where there is no hub yet.
func (k *Checkup) askHub(ctx context.Context, offline bool) (found []fail.Diagnosis, noRoom *fail.Error, err error) {
	if offline || k.Hub == nil || k.Config("crosslink.sync") == "manual" {
		return nil, nil, nil
	}
	if err := k.EnsureReplica(ctx); err != nil {
		return []fail.Diagnosis{diagnosed(fail.Problem, k.Unwritable(err), "not-writable/failed")}, nil, nil
	}
	bounded, cancel := context.WithTimeout(ctx, hubs.Insistent)
	defer cancel()
	unlock, ok, err := k.Link.Lock(bounded, k.Wait())
	if err != nil {
		return []fail.Diagnosis{diagnosed(fail.Problem, k.Unwritable(err), "not-writable/failed")}, nil, ctx.Err()
	}
	if !ok {
		busy := fail.Diagnosis{Code: "sync-busy", Severity: fail.Note, Text: "another process of this clone is contacting the hub; this shows what was known before"}
		return []fail.Diagnosis{busy}, nil, nil
	}
	defer unlock()
	err = k.Fetch(bounded)
	if err == nil && ctx.Err() == nil {
		noRoom = k.lookForRoom(bounded)
	}
	if err == nil || ctx.Err() != nil {
		return nil, noRoom, ctx.Err()
	}
	re, ok := errors.AsType[*refs.RemoteError](err)
	if !ok {
		if bounded.Err() == nil {
			return []fail.Diagnosis{diagnosed(fail.Problem, k.Unwritable(err), "not-stored/failed")}, nil, nil
		}
		re = &refs.RemoteError{NoConnection: true, Err: fmt.Errorf("no answer in %d s", hubs.Insistent/time.Second)}
	}
	e := k.Unfetched(re)
	d := e.Diagnosis(fail.Problem, e.Message)
	if re.NoConnection {
		d.Fields = maps.Clone(d.Fields)
		if d.Fields == nil {
			d.Fields = fail.Fields{}
		}
		d.Fields["remote"] = k.Hub.Name
	}
	return []fail.Diagnosis{d}, nil, nil
}

// lookForRoom returns what 'init' would refuse, if there is no hub yet.
func (k *Checkup) lookForRoom(ctx context.Context) *fail.Error {
	if tip, err := k.MetaTip(ctx); err != nil || tip != "" {
		return nil
	}
	_, err := k.Link.HasRoom(ctx, k.Agent, k.Outer.HasRef)
	e, _ := errors.AsType[*fail.Error](err)
	return e
}

// examine runs the checks that are chosen. What cannot be looked at is a finding.
func (k *Checkup) examine(ctx context.Context, s *reading.Snapshot, chosen func(check) bool) ([]fail.Diagnosis, error) {
	var all []fail.Diagnosis
	for _, c := range checks {
		if !chosen(c) {
			continue
		}
		found, err := c.look(k, ctx, s)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if all = append(all, found...); err != nil {
			all = append(all, diagnosed(fail.Problem, fmt.Errorf("cannot look at %s: %w", c.subject, err), "unseen/check"))
		}
	}
	return all, nil
}

// diagnosed makes a diagnosis of an error; code is for one that has none.
func diagnosed(s fail.Severity, err error, code fail.Code) fail.Diagnosis {
	err = note.InTheWay(err)
	if e, ok := errors.AsType[*fail.Error](err); ok && e.Error() == err.Error() {
		return e.Diagnosis(s, e.Message)
	}
	return fail.Diagnosis{Code: code, Severity: s, Text: err.Error()}
}

// checkSettings is the doctor's look at values that mean nothing.
func (k *Checkup) checkSettings(context.Context, *reading.Snapshot) ([]fail.Diagnosis, error) {
	var found []fail.Diagnosis
	for _, s := range settings.All {
		if v, set := k.Conf.Get(strings.ToLower(s.Key)); set && s.Odd(v) != "" {
			found = append(found, fail.Diagnosis{Code: "odd-setting", Severity: fail.Warning, Text: s.Odd(v), Fields: fail.Fields{"setting": s.Key, "value": s.Choose}})
		}
	}
	return found, nil
}
