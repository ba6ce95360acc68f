// Package native works on a repository's files in this process: loose objects, ref files,
// packed-refs. It exists because it starts no process: a git process costs more than all
// other work of a write (docs/decisions/0011-native-refs.md). It leaves other work to
// another refs.Local.
package native
