// Package native works on a repository's files in this process: loose objects,
// ref files, packed-refs. It starts no process, which is why it exists: a git
// process costs more than everything that a write does
// (docs/decisions/0011-native-refs.md). What it cannot do it leaves to another
// refs.Local.
package native
