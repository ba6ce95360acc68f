package tracker

import (
	"context"

	"github.com/git-crosslink/git-crosslink/ledger"
	"github.com/git-crosslink/git-crosslink/refs"
)

// LedgerSource reads the steps of a hub's ledger from a repository's objects,
// by id only: a clone's and the server's gate judge alike.
func LedgerSource(ctx context.Context, l refs.Local, hub string) ledger.Source {
	return newSteps(ctx, l, hub)
}
