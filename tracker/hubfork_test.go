package tracker_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/tracker"
	"github.com/git-crosslink/git-crosslink/trust"
)

func (c *clone) detach(remote string) (*tracker.Detached, error) {
	c.w.t.Helper()
	tr := c.open()
	defer tr.Close()
	return tr.Detach(context.Background(), remote)
}

// forked makes a fork of the world's hub with a clone of it that knows the
// original as 'upstream'.
func (w *world) forked(name string) (*world, *clone) {
	w.t.Helper()
	f := &world{t: w.t, dir: w.t.TempDir(), env: w.env}
	f.hub = filepath.Join(f.dir, "fork.git")
	w.git(w.dir, "clone", "-q", "--bare", w.hub, f.hub)
	w.git(f.hub, "remote", "remove", "origin")
	c := f.clone(name)
	w.git(c.dir, "remote", "add", "upstream", w.hub)
	return f, c
}

// A fork of a repository is told from the original when both have decided, and
// gets an id of its own: numbers, locks, authors and words are what they were,
// the original is as it was, and another clone of the fork follows with all that
// it had not sent.
func TestDetachAFork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.clone("alice")
	first := alice.init().Hub
	issue := alice.create("from before the fork")
	alice.comment(issue, "said before the fork")
	alice.create("second")
	f, fred := w.forked("fred")
	gina := f.clone("gina")
	fred.create("of the fork")
	lock := fred.claimLock(issue)
	gina.sync()
	gina.cut(true)
	gina.comment(issue, "not sent before the fork was detached")
	gina.create("made by gina meanwhile")
	gina.cut(false)
	alice.create("of the original")

	// nothing is known of the original yet
	if _, err := fred.detach(""); errorName(err) != "no-fork" {
		t.Fatalf("%v", err)
	}
	w.git(fred.dir, "fetch", "-q", "upstream")
	fred.notices = nil
	fred.sync()
	fred.sync()
	if n := noticed(fred, "hub-fork"); n != 1 {
		t.Errorf("told %d times that the hub is a fork: %v", n, fred.notices)
	}
	if p := strings.Join(fred.status().Problems(), "\n"); !strings.Contains(p, "one is a fork of the other") {
		t.Errorf("status does not say it: %s", p)
	}

	before, there := fred.numbers(), fmt.Sprint(w.tips(""))
	d, err := fred.detach("")
	if err != nil {
		t.Fatal(err)
	}
	if d.Was != first || d.Hub == first || d.Logs != 2 {
		t.Errorf("%+v", d)
	}
	if now := fmt.Sprint(w.tips("")); now != there {
		t.Errorf("the original was written to:\n%s", now)
	}
	m, err := trust.DecodeMeta([]byte(f.git(f.hub, "show", "crosslink/meta:hub.json")))
	if err != nil {
		t.Fatal(err)
	}
	if o, ok := m.Origin(); !ok || o.Hub != first || m.Hub != d.Hub {
		t.Errorf("meta says %+v of where it comes from", o)
	}
	for _, agent := range []string{"alice", "fred"} {
		chain := event.Chain{Hub: d.Hub, Agent: agent}
		for _, line := range f.lines(agent) {
			if _, err := chain.Next([]byte(line)); err != nil {
				t.Errorf("a line of '%s': %v", agent, err)
			}
		}
	}
	after := fred.numbers()
	for title, n := range before {
		if after[title] != n {
			t.Errorf("%q was %d and is %d", title, n, after[title])
		}
	}
	if got := fred.titles()["from before the fork"]; len(got.Comments) != 1 || got.Comments[0].Author != "alice" || got.Lock == nil || got.Lock.Holder != "fred" || got.Lock.Token != lock.Lock.Token {
		t.Errorf("what was before the fork is %+v", got)
	}
	if got := fred.write("after it was detached"); got != "sent" {
		t.Errorf("the next write is %s", got)
	}
	if p := fred.status().Problems(); len(p) > 0 {
		t.Errorf("problems: %q", p)
	}

	// another clone is told, keeps what it has, and follows when it is told to
	if err := gina.trySync(); errorName(err) != "other-hub" {
		t.Fatalf("%v", err)
	}
	if got := gina.titles(); got["made by gina meanwhile"] == nil || got["after it was detached"] != nil {
		t.Errorf("gina shows %v", got)
	}
	tr := gina.open()
	r, err := tr.Init(context.Background(), tracker.InitOptions{Join: true})
	tr.Close()
	if err != nil || r.Hub != d.Hub {
		t.Fatalf("%+v, %v", r, err)
	}
	cold := f.clone("cold")
	f.converge(fred, gina, cold)
	for _, c := range []*clone{fred, gina, cold} {
		got := c.titles()
		if len(got) != 5 || got["made by gina meanwhile"].Number == 0 || len(got["from before the fork"].Comments) != 2 {
			t.Errorf("'%s' shows %v", c.name, got)
		}
	}
	// the original knows nothing of all this, and the fork goes its own way
	alice.sync()
	if got := alice.numbers(); len(got) != 3 {
		t.Errorf("the original shows %v", got)
	}
	if n := strings.TrimSpace(f.git(f.hub, "rev-list", "--count", "crosslink/meta")); n != "2" { // the first, and whom the original trusted
		t.Errorf("meta has %s commits", n)
	}
}

// A fork of a tracker that started from an import keeps what it started from.
func TestDetachAForkThatStartedFromABase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.clone("alice")
	if _, err := alice.startFrom(oldTracker()); err != nil {
		t.Fatal(err)
	}
	alice.create("new here")
	f, fred := w.forked("fred")
	fred.create("of the fork")
	w.git(fred.dir, "fetch", "-q", "upstream")
	fred.sync()
	if _, err := fred.detach("origin"); err != nil {
		t.Fatal(err)
	}
	gina := f.clone("gina")
	for _, c := range []*clone{fred, gina} {
		c.sync()
		c.isOld(2)
		if n := c.numbers(); n["new here"] != 9 || n["of the fork"] != 10 {
			t.Errorf("%s: %v", c.name, n)
		}
		if got := c.findings(true); got != "" {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}

// A mirror that is only behind is no fork; a URL that comes to lead to a fork
// is not followed.
func TestForksAreNotMixed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.clone("alice")
	alice.init()
	alice.create("shared")
	f, fred := w.forked("fred")
	w.git(alice.dir, "remote", "add", "mirror", f.hub)
	w.git(alice.dir, "fetch", "-q", "mirror")
	alice.create("one more")
	alice.sync()
	if p := alice.status().Problems(); len(p) > 0 {
		t.Errorf("a mirror is a problem: %q", p)
	}
	fred.create("of the fork")
	there, here := fmt.Sprint(w.tips("")), f.git(f.hub, "for-each-ref")
	w.git(fred.dir, "remote", "set-url", "origin", w.hub)
	if err := fred.trySync(); errorName(err) != "other-hub" {
		t.Errorf("%v", err)
	}
	if got := fred.write("kept"); got != "kept" {
		t.Errorf("the next write is %s", got)
	}
	if got := fred.numbers(); got["shared"] != 1 || got["of the fork"] != 2 {
		t.Errorf("fred shows %v", got)
	}
	if fmt.Sprint(w.tips("")) != there || f.git(f.hub, "for-each-ref") != here {
		t.Error("something was written")
	}
	w.git(fred.dir, "remote", "set-url", "origin", f.hub)
	fred.sync()
	if got := fred.numbers(); len(got) != 3 || got["kept"] != 3 {
		t.Errorf("fred shows %v", got)
	}
}

func noticed(c *clone, name string) (n int) {
	for _, x := range c.notices {
		if x.Code.Name() == name {
			n++
		}
	}
	return n
}

// What the original said of who may write holds in the fork: a closed hub stays
// closed, every agent that is approved or revoked stays so, with the keys that rotations
// have led to; what was decided of lines behind a revocation stands. 'require'
// would let nothing count that is written again, and becomes 'warn'.
func TestDetachTakesOverWhoMayWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob, rex, eve := w.clone("alice"), w.clone("bob"), w.clone("rex"), w.clone("eve")
	alice.init()
	alice.create("from alice")
	bob.create("from bob")
	bob.create("decided, and revoked later")
	rex.create("from rex")
	alice.sync()
	alice.approve("bob", "rex")
	rex.admin(func(tr *tracker.Tracker) error { _, _, err := tr.RotateKey(context.Background()); return err })
	rex.create("with the new key")
	closed := false
	eve.create("of nobody in particular")
	alice.admin(func(tr *tracker.Tracker) error {
		after := uint64(2)
		if _, err := tr.Revoke(context.Background(), "bob", &after, "left"); err != nil {
			return err
		}
		return tr.SetPolicy(context.Background(), tracker.Policy{Signing: trust.Require, Open: &closed})
	})
	f, fred := w.forked("fred")
	gina := f.clone("gina")
	gina.sync()
	d, err := fred.detach("origin")
	if err != nil {
		t.Fatal(err)
	}
	if d.Before != trust.Require || d.Signing != trust.Warn || d.Open || len(d.Admins) != 1 || d.Admins[0] != "fred@crosslink" {
		t.Errorf("%+v", d)
	}
	cold := f.clone("cold")
	cold.sync()
	for _, c := range []*clone{fred, cold} {
		now := c.trust()
		if now.Open || now.Signing != trust.Warn || len(now.Refused) > 0 {
			t.Errorf("'%s' believes %+v", c.name, now)
		}
		b, r, e := c.trusts("bob"), c.trusts("rex"), c.trusts("eve")
		if b.Revoked == nil || b.Revoked.After != 2 || b.Revoked.Reason != "left" || b.Counts != 2 || b.Events != 3 {
			t.Errorf("'%s': bob is %+v", c.name, b)
		}
		if !r.Approved || len(r.Keys) != 1 || r.Keys[0].Fingerprint != rex.key().Key().Fingerprint() || r.Counts != r.Events {
			t.Errorf("'%s': rex is %+v", c.name, r)
		}
		if e.Counts != 0 || e.Ends != trust.RuleNotAdmitted || e.Events == 0 {
			t.Errorf("'%s': eve is %+v", c.name, e)
		}
		got := c.numbers()
		if len(got) != 4 || got["from alice"] != 1 || got["from bob"] != 2 || got["with the new key"] == 0 {
			t.Errorf("'%s' shows %v", c.name, got)
		}
		p := c.status().Problems()
		if c == cold { // whom the policy does not know
			if mentions(p[:1], "has approved the agent 'cold'") != 1 {
				t.Errorf("problems: %q", p)
			}
			p = p[1:]
		}
		if len(p) != 2 || !strings.Contains(p[0], "events of 'bob' after event 2 are ignored") || !strings.Contains(p[1], "no event of 'eve' counts: not-admitted") {
			t.Errorf("problems: %q", p)
		}
	}
	// the stranger is refused, and approved agents continue to write
	if _, err := gina.tryEmit(func(tr *tracker.Tracker) []event.Body {
		return []event.Body{&event.IssueCreated{UUID: tr.MintUUID(), Title: "x", Priority: event.Low, CreatedBy: "gina"}}
	}); err == nil {
		t.Error("a stranger writes to a closed hub")
	}
	w.git(rex.dir, "remote", "set-url", "origin", f.hub)
	tr := rex.open()
	_, err = tr.Init(context.Background(), tracker.InitOptions{Join: true})
	tr.Close()
	if err != nil {
		t.Fatal(err)
	}
	rex.create("of rex in the fork")
	fred.sync()
	if r := fred.trusts("rex"); r.Signed != r.Events || r.Mark != "" {
		t.Errorf("rex is %+v", r)
	}
	// and the policy can be what it was
	fred.admin(func(tr *tracker.Tracker) error {
		return tr.SetPolicy(context.Background(), tracker.Policy{Signing: trust.Require})
	})
	cold.sync()
	if got := cold.numbers(); got["of rex in the fork"] == 0 || got["with the new key"] == 0 || got["from alice"] != 0 {
		t.Errorf("under 'require' the fork shows %v", got)
	}
}
