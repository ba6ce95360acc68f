// Package checkup finds problems of a tracker and reports its state: the answers of doctor,
// status and fsck, and who writes here. The doctor fetches once before it checks; fsck
// replaces wrong stored verdicts. Nothing else is changed.
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

// Checkup is a clone that is checked.
type Checkup struct {
	*ownlog.Writer
}

// The doctor checks everything that can keep a tracker from working and gives a hint for
// each problem. The rules are:
//
//   - each check is in the file of its subject, as a method check…; checks lists them in the
//     order in which they are shown;
//   - a check reads local data. Only the doctor itself contacts the hub, once, before the
//     checks;
//   - status runs the same checks, except for those that start processes or read whole logs:
//     the doctor finds every problem that status lists;
//   - every diagnosis that is not a note has a hint with a command, and no hint destroys
//     anything (tracker/doctor_test.go);
//   - fsck lists invalid events, which need no hint; the doctor only reports that there are
//     some.

// check checks one subject. s is the local state of the tracker.
type check struct {
	subject string // for the line "looked at <subject>, <subject> …"
	look    func(k *Checkup, ctx context.Context, s *reading.Snapshot) ([]fail.Diagnosis, error)
	status  bool // it is fast, and status shows its findings
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

// DoctorReport lists what the doctor checked and what it found.
type DoctorReport struct {
	Looked   []string // subjects
	Reached  bool     // the hub answered just now
	Findings []fail.Diagnosis
	Unlisted int // problems with the hub beyond those of Findings
}

// Doctor contacts the hub, unless offline, and looks for problems. If something cannot be
// checked, that is a finding, never an error.
func (k *Checkup) Doctor(ctx context.Context, offline bool) (*DoctorReport, error) {
	defer k.Unwatch()() // the findings contain the notices
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
		if d.Code == "unshared" && noRoom != nil { // a reason for which 'init' would fail comes first
			found[i] = noRoom.Diagnosis(fail.Warning, noRoom.Message)
		}
	}
	r.Findings = append(r.Findings, found...)
	return r, err
}

// askHub fetches from the hub, within a time limit. noRoom is why 'init' would fail, if
// there is no hub yet.
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

// lookForRoom returns why 'init' would fail, if there is no hub yet.
func (k *Checkup) lookForRoom(ctx context.Context) *fail.Error {
	if tip, err := k.MetaTip(ctx); err != nil || tip != "" {
		return nil
	}
	_, err := k.Link.HasRoom(ctx, k.Agent, k.Outer.HasRef)
	e, _ := errors.AsType[*fail.Error](err)
	return e
}

// examine runs the chosen checks. If something cannot be checked, that is a finding.
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

// diagnosed makes a diagnosis of an error; code is used if the error has none.
func diagnosed(s fail.Severity, err error, code fail.Code) fail.Diagnosis {
	err = note.InTheWay(err)
	if e, ok := errors.AsType[*fail.Error](err); ok && e.Error() == err.Error() {
		return e.Diagnosis(s, e.Message)
	}
	return fail.Diagnosis{Code: code, Severity: s, Text: err.Error()}
}

// checkSettings checks for invalid values.
func (k *Checkup) checkSettings(context.Context, *reading.Snapshot) ([]fail.Diagnosis, error) {
	var found []fail.Diagnosis
	for _, s := range settings.All {
		if v, set := k.Conf.Get(strings.ToLower(s.Key)); set && s.Odd(v) != "" {
			found = append(found, fail.Diagnosis{Code: "odd-setting", Severity: fail.Warning, Text: s.Odd(v), Fields: fail.Fields{"setting": s.Key, "value": s.Choose}})
		}
	}
	return found, nil
}
