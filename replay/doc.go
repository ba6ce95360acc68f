// Package replay reads what the refs of a replica say: which meta is valid, what
// the steps of the ledger decided, and which lines of the logs count.
//
//	state, delta, err := replay.NewReader(local, nil).Advance(ctx, &replay.State{}, refs)
//	state, delta, err  = reader.Advance(ctx, state, refs) // later
//
// A State holds no lines. Of each log it holds a Cursor: its tips, its last good
// line, how far the hub and the ledger are, where the verdict resumes (package
// trust), and what is undecided. Reading everything is reading from the zero
// State; so there is one choice of the tip that is shown, one walk along lines and
// one verdict. A log that cannot be resumed is read from its first line, and no
// other log is.
//
// What changed is a delta.Delta, which yields the lines of one log at a time.
//
// The package reads objects through refs.Local and nothing else: it moves no ref,
// and sees no clock, no file and no process.
package replay
