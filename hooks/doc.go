// Package hooks puts the tracker into git's own commands: after a merge or a
// rebase and before a push, git calls `git-crosslink hook <name>`, which starts
// a sync that nobody waits for. It also puts these hooks in place and takes
// them away again.
//
// The rules are:
//
//   - The user's command comes first. A hook asks git nothing and waits for
//     nothing; whatever is wrong with the tracker, it is silent and succeeds.
//     The one exception is a push that would remove or rewind the tracker's own
//     branches on the hub: that is stopped, with status 1, in words.
//   - Nothing of others is changed: a hook that was there stays as it is, and
//     where a manager of hooks (or core.hooksPath) decides what runs, nothing is
//     written. What to add by hand is told instead.
//   - Uninstalling leaves every byte as it was before.
//
// docs/hooks.md is the user's view of it.
package hooks
