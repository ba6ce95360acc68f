package migrate

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/git-crosslink/git-crosslink/delta"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
	"github.com/git-crosslink/git-crosslink/store"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Base returns what the new hub starts from, after the numbers are settled.
func (o *Old) Base() ([]byte, error) {
	b := ledger.Base{HubVersion: o.Level, Source: string(o.Source), Base: *o.State}
	b.Base.Lines, b.Base.Locks = o.Lines(), nil
	data, err := ledger.EncodeBase(&b)
	switch {
	case err == nil && len(data) > ledger.MaxBase:
		err = fmt.Errorf("the state has %d bytes; at most %d are read", len(data), ledger.MaxBase)
	case err != nil:
		err = fmt.Errorf("make the state that the new hub starts from: %w", err)
	}
	return data, err
}

// Meta records in a meta where the hub comes from.
func (o *Old) Meta(m *trust.Meta) {
	m.Migrated = &trust.Migration{Commit: string(o.Source), Logs: o.Pins()}
}

// Listed returns the keys in the old hub's list. The original read more formats than this
// program; unread counts the lines that cannot be read.
func (o *Old) Listed() (all *trust.Signers, unread int) {
	all = &trust.Signers{}
	for line := range bytes.Lines(o.Signers) {
		one, err := trust.ParseSigners(line)
		if err != nil {
			unread++
			continue
		}
		for _, s := range one.All() {
			all = all.With(s)
		}
	}
	return all, unread
}

// Writer writes the new hub.
type Writer struct {
	Local   refs.Local
	Hub     string // its id
	Agent   string // whose it is
	Address string // of its commits
	Now     time.Time
}

// Root writes the first step of a ledger that starts from a base. No ref moves.
func (w Writer) Root(ctx context.Context, base []byte) (refs.OID, error) {
	l, err := ledger.Root(w.Hub, base, w.Agent, event.TimeOf(w.Now))
	if err != nil {
		return "", fmt.Errorf("begin the ledger: %w", err)
	}
	root, err := refs.WriteChanges(ctx, w.Local, "", l.Files(), nil, w.commit("ledger begins"))
	if err != nil {
		return "", fmt.Errorf("write the ledger: %w", err)
	}
	return root, nil
}

// Meta writes the first commit of a meta, of which files are the files.
func (w Writer) Meta(ctx context.Context, files map[string][]byte) (refs.OID, error) {
	tip, err := refs.WriteCommit(ctx, w.Local, files, nil, w.commit(fmt.Sprintf("hub %.8s, migrated", w.Hub)))
	if err != nil {
		return "", fmt.Errorf("write the hub's meta: %w", err)
	}
	return tip, nil
}

func (w Writer) commit(message string) refs.CommitInfo {
	return refs.CommitInfo{Address: w.Address, Author: w.Agent, When: w.Now, Message: "crosslink: " + message + "\n\n[skip ci]\n"}
}

// Foresee returns the view of a hub that starts from a base, read only from the bytes of
// the base.
func Foresee(base []byte) (View, error) {
	b, err := ledger.DecodeBase(base)
	if err != nil {
		return nil, err
	}
	m := &store.Memory{}
	return m, m.Apply(func(store.Saved) (*delta.Delta, error) {
		return &delta.Delta{To: []byte{}, Base: &b.Base, Numbers: b.Numbers}, nil
	})
}

// AsStranger returns the view of a hub for somebody who has only its refs, by name below
// crosslink/.
func AsStranger(ctx context.Context, l refs.Local, hub map[string]refs.OID) (View, error) {
	all := map[string]refs.OID{}
	for name, tip := range hub {
		all[replay.HubRoot+name] = tip
	}
	m := &store.Memory{}
	return m, m.Apply(func(store.Saved) (*delta.Delta, error) {
		state, d, err := replay.NewReader(l, nil).Advance(ctx, &replay.State{}, all)
		if err == nil {
			err = state.Ledger.Err
		}
		return d, err
	})
}
