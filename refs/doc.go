// Package refs moves bytes in refs: it reads and writes objects, moves refs by
// compare-and-swap, and talks to the hub. It knows no issue, no event and no
// signature, and imports nothing of ours but internal/fault.
//
// # Vocabulary
//
//	repository  objects and refs; Local is what we need of one
//	object      a blob, tree or commit, named by the hash of its bytes
//	ref, tip    a name that points to a commit; what it points to
//	swap        a compare-and-swap of refs: all move, or none
//	hub         the repository through which clones meet; Remote is the way to it
//	outer       the user's own repository, of which we read the place and the
//	            configuration; what is ever written there is in outer_hooks.go,
//	            and SetConfig
//	replica     our private bare repository inside the outer one's git directory
//	log         one agent's lines, in the tree of that agent's ref
//	segment     one file of a log, 64 lines
//
// # Layout
//
//	$GIT_COMMON_DIR/crosslink/replica.git     the replica
//	    refs/heads/crosslink/…                what is written here
//	    refs/incoming/…                       what the last fetch brought, unchecked
//	    refs/hub/…                            what was last accepted of it (the caller's)
//	    swap.lock, <name>.lock                flocks; prune.lock: writer.go
//	    maintained                            when it was packed last: maintain.go
//	$GIT_COMMON_DIR/crosslink/replica.lock    held while the replica is created
//
// The tree of a log:
//
//	events/000000/000000000001.5c5d25b2       lines 1 to 64
//	events/000000/000000000065.5c5d25b2       lines 65 to …, the newest growing
//	events.log                                level 3 only: lines from before
//
// A segment is named by the sequence of its first line and eight hex digits of
// the SHA-256 of the agent's id. Full segments are never written again. Other
// entries are carried along and ignored.
//
// # Guarantees
//
//   - What Write or Swap acknowledged survives kill -9 and power loss: files,
//     refs and their directories are synced. The caller writes first and swaps
//     second, so a crash leaves garbage or a complete event, never half of one.
//   - Nothing needs repair: the lock file of a killed git is removed by the next
//     swap, a half-made replica by the next creation.
//   - A conflict is told from other failures by looking at the refs, and the
//     outcome of a push by git's porcelain output; never by words.
//   - Whatever comes from the hub is hostile: sizes, modes, names and shapes are
//     bounded and checked, one bad log never stops another, and nothing of it
//     reaches a command line unchecked.
//   - Nothing of the user's configuration acts in the replica but what says how
//     to connect. No hook runs there. No child outlives a cancelled call.
//
// Not guaranteed: power loss in the middle of a Swap of several refs may leave
// some of them moved (git's own limit). A kill leaves them so until the next
// turn is taken, which moves the rest.
//
// Native is Local by this process, Plumbing by git itself, Memory their twin
// for tests; OpenReplica chooses between the first two. Replica.Remote is
// Remote by git, MemoryHub its twin. Package refstest holds what all of them
// must pass.
package refs
