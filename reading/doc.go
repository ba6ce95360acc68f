// Package reading is what a command knows of its replica: the State that replay read
// of the refs, and the projection that a store was brought to. Load returns a
// Snapshot, which is passed on; what does not move is not read again.
//
// A command that finds the refs where an earlier one has seen them answers from the
// store. Where they have moved the store follows: what is new is read from the
// cursors that lie in it. docs/decisions/0019-writes-go-on-from-the-store.md says why
// writes may do that, too.
package reading
