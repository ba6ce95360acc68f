package anew

import (
	"context"
	"maps"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/replay"
)

// ledger decides everything again, step by step; "" if nothing was decided.
func (r *run) ledger(ctx context.Context, meta refs.OID) (refs.OID, error) {
	if r.was.Steps.Step == "" {
		return "", nil
	}
	chain, err := r.steps(ctx)
	if err != nil {
		return "", err
	}
	var base []byte
	if b := r.was.Steps.Ledger.Base(); b != nil {
		if base, err = ledger.EncodeBase(b); err != nil {
			return "", err
		}
	}
	begin, err := ledger.Root(r.hub, base, r.Agent, event.TimeOf(r.Now))
	if err != nil {
		return "", err
	}
	root, err := refs.WriteChanges(ctx, r.Local, "", begin.Files(), nil, r.commit(r.Agent, r.Now, "ledger begins"))
	if err != nil {
		return "", err
	}
	reader := ledger.NewReader(replay.NewSteps(ctx, r.Local, r.hub), r.hub)
	view, err := reader.Read(string(root))
	if err != nil {
		return "", err
	}
	for _, id := range slices.Backward(chain[:len(chain)-1]) {
		if view, err = r.step(ctx, reader, view, id, meta); err != nil {
			return "", err
		}
	}
	if a, b := r.was.Steps.Ledger, view.Ledger; view.Step != view.Tip || !slices.Equal(a.Issues(), b.Issues()) || !slices.Equal(a.Milestones(), b.Milestones()) ||
		!maps.Equal(a.Locks, b.Locks) || !maps.EqualFunc(a.Queue, b.Queue, slices.Equal) {
		return "", refuse("decided again it gives other numbers or locks")
	}
	return refs.OID(view.Tip), nil
}

// steps are the ids of the old steps, the last one first.
func (r *run) steps(ctx context.Context) (chain []string, err error) {
	from := replay.NewSteps(ctx, r.Local, r.was.ID)
	for id := r.was.Steps.Step; id != ""; {
		chain = append(chain, id)
		parents, err := from.Parents(id)
		if err != nil {
			return nil, err
		}
		if id = ""; len(parents) > 0 {
			id = parents[0]
		}
	}
	return chain, nil
}

// step decides on a view what the old step of that id decided.
func (r *run) step(ctx context.Context, reader *ledger.Reader, on ledger.View, id string, meta refs.OID) (ledger.View, error) {
	old, err := r.was.Reads.Read(id)
	if err != nil {
		return on, err
	}
	if old.Step != id || old.Ledger.Merged != "" {
		return on, refuse("it holds steps that nobody believes, or that bring back what a hub lost")
	}
	plan := ledger.Plan{On: on, Meta: string(meta), By: r.Agent, At: old.Ledger.WrittenAt, Logs: map[string]string{}}
	for agent, at := range old.Ledger.Positions() {
		if r.chains[agent].Seq < at.Seq {
			tip, err := r.upTo(ctx, agent, at.Seq)
			if err != nil {
				return on, err
			}
			plan.Logs[agent] = string(tip)
		}
	}
	draft, err := reader.Next(plan)
	if err != nil {
		return on, err
	}
	if draft == nil {
		return on, refuse("a step of it decides nothing")
	}
	var parents []refs.OID
	for _, p := range draft.Parents {
		parents = append(parents, refs.OID(p))
	}
	tip, err := refs.WriteChanges(ctx, r.Local, refs.OID(draft.On.Step), draft.Files(), parents, r.commit(r.Agent, r.Now, "ledger %d", draft.Ledger.Sequence))
	if err != nil {
		return on, err
	}
	return reader.Read(string(tip))
}
