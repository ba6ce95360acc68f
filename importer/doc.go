// Package importer reads the data of other trackers and converts it to issues, comments and
// relations of this one, and to leftovers that have no corresponding field.
//
// A format reads a Source and passes each issue to a Sink, in the order of the source. It
// keeps only the keys of all issues in memory, so only the disk limits the size of a
// source. All data of a source comes from strangers: lines are bounded and members are
// checked. If a row cannot be read, a warning names its line, and the other rows are
// imported.
//
// An issue keeps its identity: UUID derives the same uuid from the same system, scope and
// key everywhere, so two imports of one source give the same issues.
//
// The package is pure: no clock, no randomness, no files, no processes.
package importer
