// Package refs moves bytes in refs: it says what a repository and a hub must
// do, and reads and writes what is stored in them. It knows no issue, no event
// and no signature, opens no file, starts no process, and imports nothing of
// ours.
//
// # Vocabulary
//
//	repository  objects and refs; Local is what we need of one
//	object      a blob, tree or commit, named by the hash of its bytes
//	ref, tip    a name that points to a commit; what it points to
//	swap        a compare-and-swap of refs: all move, or none
//	hub         the repository through which clones meet; Remote is the way to it
//	outer       the user's own repository: Outer
//	replica     our private repository inside the outer one's git directory: Replica
//	log         one agent's lines, in the tree of that agent's ref
//	segment     one file of a log, 64 lines
//
// # Layout of a log
//
//	events/000000/000000000001.5c5d25b2       lines 1 to 64
//	events/000000/000000000065.5c5d25b2       lines 65 to …, the newest growing
//	events.log                                level 3 only: lines from before
//
// A segment is named by the sequence of its first line and eight hex digits of
// the SHA-256 of the agent's id. Full segments are never written again. Other
// entries are kept and ignored.
//
// # Guarantees
//
//   - What Write or Swap acknowledged survives kill -9 and power loss: files,
//     refs and their directories are synced. The caller writes first and swaps
//     second, so a crash leaves garbage or a complete event, never half of one.
//   - A conflict is told from other failures by looking at the refs, and the
//     outcome of a push by git's porcelain output; never by words.
//   - Whatever comes from the hub is hostile: sizes, modes, names and shapes are
//     bounded and checked, one bad log never stops another, and nothing of it
//     reaches a command line unchecked.
//
// # Implementations
//
// Package git implements Local by git's plumbing, Remote by fetch and push, Outer
// and Replica; package native implements Local in this process; package memory
// implements all of them for tests. Package disk holds the locks that
// git and native share. All of them pass the suite in package refstest.
package refs
