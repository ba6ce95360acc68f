// Package replay reads what the refs of a replica say: which meta is valid, what
// the steps of the ledger decided, and which lines of the logs count.
//
// The package reads objects through refs.Local and nothing else: it moves no ref,
// and sees no clock, no file and no process.
package replay
