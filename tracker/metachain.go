package tracker

import (
	"context"
	"errors"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// maxMeta bounds how many meta commits are walked between two.
const maxMeta = 10_000

// metaDescends reports whether the meta commit tip continues from: along the
// first parents each hub.json has the next seq, the same hub, and the hash of
// the files before it as prev. An error is this side's.
func metaDescends(ctx context.Context, l refs.Local, from, tip refs.OID) (bool, error) {
	var after *trust.Meta
	for range maxMeta {
		files, err := refs.ReadFiles(ctx, l, tip, metaLimit)
		if err != nil {
			return false, ownFault(err)
		}
		m, err := trust.DecodeMeta(files["hub.json"])
		if err != nil {
			return false, nil
		}
		if after != nil && (after.Hub != m.Hub || after.Seq != m.Seq+1 ||
			after.Prev != event.Hash(append(files["hub.json"][:len(files["hub.json"]):len(files["hub.json"])], files["allowed_signers"]...))) {
			return false, nil
		}
		if tip == from {
			return true, nil
		}
		h, err := refs.ReadHead(ctx, l, tip)
		if err != nil || len(h.Parents) == 0 {
			return false, ownFault(err)
		}
		after, tip = m, h.Parents[0]
	}
	return false, nil
}

// ownFault keeps an error that is this repository's or this machine's (an
// object that is missing or damaged here, a git that died), and drops one that
// says how something read is malformed: that is a verdict, no fault.
func ownFault(err error) error {
	var ge *refs.GitError
	if errors.Is(err, refs.ErrMissing) || errors.Is(err, refs.ErrCorrupt) || errors.As(err, &ge) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
