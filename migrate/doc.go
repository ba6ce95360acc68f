// Package migrate makes a hub of this program's format version from one that the
// original wrote, of level 2 or 3. It reads the old hub, settles what only a person
// can settle, writes the new one as objects, and compares what both show. Only if
// they show the same does a Runner replace the old hub, in one leased push.
//
// One noun, one file: old.go (the old hub), numbers.go (which issue keeps a number),
// limits.go (what this program would not write), new.go (the new hub), same.go (what
// both show), run.go (the migration), foresee.go (its dry run), finalize.go (the end
// of what it kept of the old hub), late.go (lines that came to the old hub later).
package migrate
