// Package disk has what all writers of one repository on disk share, whether they move refs
// with git or by themselves: the locks that exclude other writers, the removal of stale locks,
// and the syncs that make files, refs and directories survive power loss.
package disk
