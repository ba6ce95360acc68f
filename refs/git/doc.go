// Package git is the only package that starts git. It finds the user's repository, keeps
// the replica in it, and reaches the hub.
//
// # Vocabulary
//
//	outer    the user's own repository: its place and its configuration are read.
//	         Only outer_hooks.go and SetConfig write there
//	replica  our private bare repository inside the outer one's git directory
//
// # Layout
//
//	$GIT_COMMON_DIR/crosslink/replica.git     the replica
//	    refs/heads/crosslink/…                what is written here
//	    refs/incoming/…                       what the last fetch brought, unchecked
//	    refs/hub/…                            what was last accepted of it (the caller's)
//	    swap.lock, prune.lock, <name>.lock    flocks: package disk, Replica.Lock
//	    maintained                            when it was packed last: maintenance.go
//	$GIT_COMMON_DIR/crosslink/replica.lock    held while the replica is created
//
// # Guarantees
//
//   - Nothing needs repair: the next swap removes the lock file of a killed git, and the
//     next creation removes a half-made replica.
//   - The user's configuration has no effect in the replica, except for settings about
//     how to connect. No hook runs there. No child outlives a canceled call.
//
// Not guaranteed: power loss in the middle of a Swap of several refs may leave some of them
// moved (git's own limit).
//
// Plumbing implements refs.Local. OpenReplica uses package native instead where that can
// work. Replica.Remote implements refs.Remote.
package git
