// Package importer reads what other trackers hold, and says it in the words of
// this one: issues, comments, relations, and what of them has no place here.
//
// A format reads a Source and hands each issue to a Sink, in the order of the
// source. It keeps no more than the keys of all issues in memory, so that the
// size of a source is bounded by the disk. Whatever a source holds is data of
// strangers: lines are bounded, members are checked, and what cannot be read is
// named by its line while the others continue.
//
// An issue keeps its identity: UUID derives the same uuid from the same system,
// scope and key everywhere, so that two imports of one source meet.
//
// The package is pure: no clock, no randomness, no files, no processes.
package importer
