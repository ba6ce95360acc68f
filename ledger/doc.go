// Package ledger is the two things a tracker must agree on: which number an
// issue or milestone has, and who holds a lock. Everything else merges and is
// the reducer's.
//
// A ledger is the state after one step. Steps are the commits of the checkpoint ref along the
// first parent; the ref moves by fast-forward only, so a step is a compare-and-swap. A step is
// a pure function of its base, an earlier ledger, and of the log lines it newly covers:
//
//	next = Decide(base, lines between base's positions and next's)
//
// and it contains its inputs: the log tips and the meta commit that it was decided
// from are parents of its commit. So everybody who has a step can compute it again,
// and skips and reports a step whose bytes differ. Data beyond a step's positions
// does not matter, so all readers agree, in whatever order they received it.
//
// The rules are in the code that applies them: Decide in decide.go, Merge in
// merge.go, verdicts in judge.go, the walk along the chain in reader.go, the
// bytes in state.go, numbers.go, positions.go and base.go. docs/ledger.md lists
// them in order.
//
// The package is pure: no clock, no randomness, no files, no processes, no
// logging. Bytes come through Source, the time from the caller.
package ledger
