package tracker

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/refs"
)

// Which repository is the hub. The rules are:
//
//   - what crosslink.remote says, if there is such a remote;
//   - else the one chosen before: the first write, join or init chooses, for
//     good, and reading a remote that has no tracker does not;
//   - else the repository itself if it is a hub (self.go), origin, the only
//     remote; with several and no origin the user has to say;
//   - a remote that was renamed, even if another has its name now, is known by
//     its URL;
//   - the branch that is checked out has no say, and refs of other remotes are
//     never joined;
//   - the hub's id is pinned with the choice: whatever a remote's name or URL
//     comes to lead to, another tracker there is not taken for this one.

// chooseHub finds the hub by these rules; chooseErr says why there is none.
func (t *Tracker) chooseHub() {
	t.hub, t.chooseErr = nil, nil
	names, pinned := t.remotes(), t.contact.Remote
	if t.self || pinned == selfName {
		t.hub = &hub{Name: selfName, URL: t.outer.CommonDir, self: true}
		return
	}
	name := t.said(names)
	switch {
	case name != "":
	case pinned != "":
		name = pinned
	case first(names) != "":
		name = first(names)
	case len(names) == 0:
		return
	default:
		t.chooseErr = &fail.Error{Kind: fail.Fatal, Code: "several-remotes",
			Message: fmt.Sprintf("which remote holds the tracker? there are '%s'", strings.Join(names, "', '")),
			Fields:  fail.Fields{"remote": names[0]}}
		return
	}
	if name == pinned && t.urlOf(name) != t.contact.URL || !contains(names, name) {
		name = t.renamed(names, name)
	}
	if !contains(names, name) {
		t.chooseErr = &fail.Error{Kind: fail.Fatal, Code: "no-such-remote",
			Message: fmt.Sprintf("the tracker lives on the remote '%s', which is not configured here", name),
			Fields:  fail.Fields{"remote": name, "url": cmp.Or(t.contact.URL, "<url>")}}
		if len(names) > 0 {
			t.chooseErr.Code = "no-such-remote/others"
		}
		return
	}
	t.hub = &hub{Name: name, URL: t.conf.FetchURL(name)}
	if pinned == "" && t.contact.URL != t.hub.shown() { // what is noted is about another remote
		t.contact.Last, t.contact.URL, t.contact.Problems = time.Time{}, "", nil
	}
}

// said is the remote that the configuration names for the tracker. A name that
// all repositories of a user share counts where there is such a remote.
func (t *Tracker) said(names []string) string {
	name := ""
	for _, s := range t.conf {
		if s.Key == "crosslink.remote" && (s.Scope != "system" && s.Scope != "global" || contains(names, s.Value)) {
			name = s.Value
		}
	}
	return name
}

// renamed follows a remote that was renamed: the one with the URL that the hub
// had at the last contact, if there is just one; else the first to look at.
func (t *Tracker) renamed(names []string, was string) string {
	var same []string
	for _, n := range names {
		if url := t.urlOf(n); url == t.contact.URL && url != "" {
			same = append(same, n)
		}
	}
	switch {
	case len(same) == 1:
		return same[0]
	case !contains(names, was) && t.contact.Hub != "" && first(names) != "":
		return first(names) // its id is pinned: another hub there is told from this one
	}
	return was
}

// urlOf is a remote's URL as it is noted.
func (t *Tracker) urlOf(remote string) string {
	return refs.WithoutSecrets(t.conf.FetchURL(remote))
}

// first is the remote to look at when nobody has said or chosen: origin, or the
// only one, else "".
func first(names []string) string {
	switch {
	case contains(names, "origin"):
		return "origin"
	case len(names) == 1:
		return names[0]
	}
	return ""
}

// remotes names the remotes of the user's configuration, in its order.
func (t *Tracker) remotes() []string { return t.conf.Remotes() }

// hubName is the remote the tracker lives on, "" where there is none.
func (t *Tracker) hubName() string {
	if t.hub == nil {
		return t.contact.Remote
	}
	return t.hub.Name
}

// pin notes the remote that was chosen, for good; another name of one that was
// found before is noted when it was found there.
func (t *Tracker) pin() error {
	t.pinning = true
	if t.hub == nil || t.contact.Remote == t.hub.Name || t.contact.Remote != "" && t.contact.Hub != "" {
		return nil
	}
	return t.remember(func(c *contact) { c.Remote = t.hub.Name })
}

// moved reports whether the hub's URL is not the one at which it was seen.
func (t *Tracker) moved() bool {
	return t.hub != nil && t.contact.URL != "" && t.contact.URL != t.hub.shown()
}

// noteHub remembers, after a fetch, where the hub is and which.
func (t *Tracker) noteHub(ctx context.Context, problems []hubProblem, noMeta bool) error {
	tip, err := t.metaTip(ctx)
	if err != nil {
		return err
	}
	id := t.contact.Hub
	if tip != "" && id == "" {
		id = t.readClaims(ctx, tip).Hub
	}
	here := !noMeta && t.otherHub == ""
	if was := t.contact.URL; t.moved() && here && tip != "" {
		t.notice(fail.Notice{Code: "hub-moved", Text: fmt.Sprintf("the tracker is found at '%s' now; it was at '%s'", t.hub.shown(), was)})
	}
	problems = t.tellProblems(problems, noMeta)
	return t.remember(func(c *contact) {
		c.Last, c.Problems, c.NoMeta, c.Hub, c.Other = t.now(), problems, noMeta, id, t.otherHub
		if here && (tip != "" || t.pinning) {
			c.Remote = t.hub.Name
		}
		if here {
			c.URL = t.hub.shown()
		}
	})
}

// metaTip is the hub's meta as it is believed here, "" for none.
func (t *Tracker) metaTip(ctx context.Context) (refs.OID, error) {
	all, err := t.local().Refs(ctx, hubRoot+metaName)
	if err != nil || len(all) == 0 || all[0].Name != hubRoot+metaName {
		return "", err
	}
	return all[0].OID, nil
}

// elsewhere says that the remote holds another tracker than the one of this
// clone; "" if it does not, as far as the last fetch showed.
func (t *Tracker) elsewhere() string {
	if t.contact.Other == "" {
		return ""
	}
	if t.contact.Other == t.contact.Hub {
		return t.forkText()
	}
	return fmt.Sprintf("'%s' holds another tracker (hub %s) than the one of this clone (hub %s)", t.hubName(), clipHub(t.contact.Other), clipHub(t.contact.Hub))
}

// tellElsewhere says so to a reader.
func (t *Tracker) tellElsewhere() {
	if e := t.elsewhereError(); t.contact.Other != "" {
		t.tellOnce(e.Notice(e.Message))
	}
}

// forkText says that the remote holds a fork of this tracker.
func (t *Tracker) forkText() string {
	return fmt.Sprintf("'%s' (%s) holds a fork of this clone's tracker, in which other things were decided", t.hubName(), t.hub.shown())
}

// clipHub is the beginning of a hub's id, enough to tell two apart.
func clipHub(id string) string { return id[:min(8, len(id))] }

// elsewhereError refuses what would mix the two.
func (t *Tracker) elsewhereError() *fail.Error {
	e := &fail.Error{Kind: fail.Fatal, Code: "other-hub",
		Message: t.elsewhere() + ": nothing was taken from there or sent there"}
	switch {
	case t.detached && t.moved():
		e.Code = "other-hub/detached-moved"
	case t.detached:
		e.Code = "other-hub/detached"
	case t.contact.Other == t.contact.Hub:
		e.Code = "other-hub/fork"
	}
	return e
}

// chooseFor chooses the hub for init: what was chosen before stands, unless
// nothing was found there yet.
func (t *Tracker) chooseFor(ctx context.Context, o InitOptions) error {
	known := t.contact.Hub != "" && t.hub != nil
	switch {
	case o.Self && known && !t.hub.self:
		return t.chosenError("hub-chosen", "")
	case o.Self || o.Remote == "" && t.outer.Bare && t.hub == nil && t.chooseErr == nil:
		if !t.self && o.Self {
			if err := t.outer.SetConfig(ctx, "crosslink.hub", "true"); err != nil {
				return t.unwritable(fmt.Errorf("set 'crosslink.hub': %w", err))
			}
		}
		t.self = true
		t.chooseHub()
	case o.Remote == "" || t.hub != nil && t.hub.Name == o.Remote:
	case !contains(t.remotes(), o.Remote):
		return noSuchRemote(o.Remote)
	case t.self:
		return t.chosenError("hub-chosen", "")
	case known && !t.sameURL(o.Remote), t.said(t.remotes()) != "":
		return t.chosenError("hub-chosen/look", o.Remote)
	default:
		t.contact.Remote = o.Remote
		t.chooseHub()
	}
	return t.chosen()
}

// chosen says why there is no hub, if the user has to choose.
func (t *Tracker) chosen() error {
	if t.chooseErr != nil {
		return t.chooseErr
	}
	return nil
}

func noSuchRemote(name string) error {
	return &fail.Error{Kind: fail.Fatal, Code: "no-such-remote/named", Message: fmt.Sprintf("there is no remote '%s'", name)}
}

func (t *Tracker) sameURL(remote string) bool {
	return t.urlOf(remote) == t.hub.shown()
}

// chosenError refuses another hub than the one that was chosen; remote is the one
// that was asked for.
func (t *Tracker) chosenError(code fail.Code, remote string) error {
	where := fmt.Sprintf("the tracker of this clone lives on '%s'", t.hub.Name)
	if t.hub.self {
		where = "this repository is its own hub"
	}
	return &fail.Error{Kind: fail.Fatal, Code: code, Message: where + ": nothing was written", Fields: fail.Fields{"remote": remote}}
}

// noteFounded remembers the hub that was made.
func (t *Tracker) noteFounded(id string) error {
	return t.remember(func(c *contact) {
		c.Remote, c.URL, c.Hub, c.Other, c.NoMeta = t.hub.Name, t.hub.shown(), id, "", false
	})
}

// checkWhich is the doctor's look at whether the hub is the one this clone
// belongs to, and the only one of its id.
func (t *Tracker) checkWhich(ctx context.Context, s *snapshot) ([]fail.Diagnosis, error) {
	var found []fail.Diagnosis
	switch {
	case t.hub == nil:
		return nil, nil
	case t.contact.Other != "":
		e := t.elsewhereError()
		found = append(found, e.Diagnosis(fail.Problem, e.Message))
	case t.contact.NoMeta && len(t.contact.Problems) > 0:
		code := t.lostCode()
		found = append(found, fail.Diagnosis{Code: code, Severity: fail.Problem, Text: t.contact.Problems[0].Text})
	}
	if t.apart() != "" {
		e := t.apartPushError()
		found = append(found, e.Diagnosis(fail.Problem, e.Message))
	}
	twins, err := t.twins(ctx, s)
	for _, remote := range twins {
		found = append(found, fail.Diagnosis{Code: "hub-fork", Severity: fail.Warning, Text: t.twinText(remote), Fields: t.twinFields(remote)})
	}
	return found, err
}
