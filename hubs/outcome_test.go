package hubs

import (
	"context"
	"errors"
	"testing"

	"github.com/git-crosslink/git-crosslink/refs"
)

// A push is said to have landed, to have lost a race or to be refused by what the hub
// answered and has now, whatever was lost on the way.
func TestWhatBecameOfAPush(t *testing.T) {
	t.Parallel()
	const ours, theirs, later, was = refs.OID("ours"), refs.OID("theirs"), refs.OID("later"), refs.OID("was")
	meta, ledger := refs.HubPrefix+"meta", refs.HubPrefix+"checkpoint"
	lease := was
	push := refs.Push{Atomic: true, Refs: []refs.PushRef{{Src: ours, Dst: meta, Lease: &lease}, {Src: "step", Dst: ledger, Lease: &lease}}}
	say := func(m, l refs.RefStatus) *refs.PushResult {
		return &refs.PushResult{Reached: true, Refs: map[string]refs.RefStatus{meta: m, ledger: l}}
	}
	taken := refs.RefStatus{Flag: '+'}
	stale := refs.RefStatus{Flag: '!', Summary: "[rejected]", Reason: "stale info"}
	hook := refs.RefStatus{Flag: '!', Summary: "[remote rejected]", Reason: "pre-receive hook declined"}
	atomic := refs.RefStatus{Flag: '!', Summary: "[remote rejected]", Reason: "atomic push failure"}
	none := &refs.PushResult{Exit: 128, Stderr: "fatal: no"}
	hub := func(m, l refs.OID) map[string]refs.OID { return map[string]refs.OID{"meta": m, "checkpoint": l} }
	cut, away, disk := errors.New("cut"), &refs.RemoteError{NoConnection: true}, errors.New("disk")
	follows := func(tip refs.OID) (bool, error) { return tip == later, nil }
	unreadable := func(refs.OID) (bool, error) { return false, disk }
	for _, c := range []struct {
		name   string
		res    *refs.PushResult
		pushed error
		there  map[string]refs.OID
		look   error
		holds  func(refs.OID) (bool, error)
		want   Result
		err    error
	}{
		{name: "taken", res: say(taken, taken), want: Landed},
		{name: "a lease did not hold", res: say(stale, stale), want: Raced},
		{name: "half of it was taken", res: say(taken, stale), want: Raced},
		{name: "a hook", res: say(hook, hook), there: hub(was, was), want: Refused},
		{name: "one ref by a hook", res: say(atomic, hook), there: hub(was, was), want: Refused},
		{name: "the hub lost the race for us", res: say(atomic, atomic), there: hub(theirs, was), want: Raced},
		{name: "another branch moved", res: say(hook, hook), there: hub(was, theirs), want: Raced},
		{name: "refused, and the hub went away", res: say(hook, hook), look: away, want: Raced},
		{name: "refused, and this disk is full", res: say(hook, hook), look: disk, err: disk},
		{name: "no answer, and it arrived", res: none, there: hub(ours, "step"), want: Landed},
		{name: "no answer, it arrived, and others wrote after it", res: none, there: hub(ours, theirs), want: Landed},
		{name: "cut, and it arrived", pushed: cut, there: hub(ours, "step"), want: Landed},
		{name: "cut, and others changed meta after it", pushed: cut, there: hub(later, "step"), holds: follows, want: Landed},
		{name: "cut, and others changed meta instead", pushed: cut, there: hub(theirs, was), holds: follows, want: Raced},
		{name: "cut, and nothing arrived", pushed: cut, there: hub(was, was), err: cut},
		{name: "cut, and meta cannot be read", pushed: cut, there: hub(theirs, was), holds: unreadable, err: disk},
		{name: "cut, and the hub went away", pushed: cut, look: away, want: Unknown},
		{name: "cut, and this disk is full", pushed: cut, look: disk, err: disk},
		{name: "no answer, and the hub went away", res: none, look: away, want: Unknown},
		{name: "no answer, and nothing arrived", res: none, there: hub(was, was), want: NotTaken},
		{name: "no answer, and the hub lost meta", res: none, there: hub("", was), holds: unreadable, want: Raced},
	} {
		looked := 0
		look := func(context.Context) (map[string]refs.OID, error) { looked++; return c.there, c.look }
		got, err := Pushed{push, c.res, c.pushed}.Became(context.Background(), look, c.holds)
		if !errors.Is(err, c.err) || err == nil && got.Result != c.want || (got.Unasked != nil) != (err == nil && c.want == Unknown) {
			t.Errorf("%s: %v, %v, want %v, %v", c.name, got, err, c.want, c.err)
		}
		if asked := c.there != nil || c.look != nil; (looked == 1) != asked {
			t.Errorf("%s: the hub was asked %d times", c.name, looked)
		}
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	never := func(context.Context) (map[string]refs.OID, error) { t.Error("asked after the end"); return nil, nil }
	if got, err := (Pushed{push, nil, cut}).Became(ended, never, nil); err != cut {
		t.Errorf("interrupted: %v, %v", got, err)
	}
	if got, err := (Pushed{push, none, nil}).Became(ended, never, nil); err != context.Canceled {
		t.Errorf("interrupted without an answer: %v, %v", got, err)
	}
	if got, err := (Pushed{push, say(taken, taken), nil}).Became(ended, never, nil); err != nil || got.Result != Landed {
		t.Errorf("interrupted after it was taken: %v, %v", got, err)
	}
}
