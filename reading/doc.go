// Package reading has what a command knows of its replica: the State that replay read from
// the refs, and the projection of the store. Load returns a Snapshot, which commands pass
// on; unchanged data is not read again.
//
// If a command finds the refs unchanged since an earlier command, the store answers. If
// they have moved, the store follows: the new data is read from the cursors in the store.
// docs/decisions/0019-writes-go-on-from-the-store.md explains why writes may do this too.
package reading
