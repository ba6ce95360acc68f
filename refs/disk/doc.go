// Package disk holds what all writers of one repository on disk share, whether
// they move refs by git or by themselves: the locks by which they take turns,
// the removal of locks that nobody holds any more, and the syncs that make
// files, refs and directories survive power loss.
package disk
