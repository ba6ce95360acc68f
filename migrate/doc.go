// Package migrate makes a hub of this program's format version from one that the
// original wrote, of level 2 or 3. It reads the old hub, settles what only a person
// can settle, writes the new one as objects, and compares what both show. It moves
// no ref: whether the new hub takes the place of the old one is its caller's.
//
// One noun, one file: old.go (the old hub), numbers.go (which issue keeps a number),
// limits.go (what this program would not write), new.go (the new hub), same.go (what
// both show).
package migrate
