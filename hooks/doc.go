// Package hooks makes git's own commands sync the tracker: after a merge or a rebase and
// before a push, git calls `git-crosslink hook <name>`, which starts a sync that nobody
// waits for. It also installs these hooks and removes them.
//
// The rules are:
//
//   - The user's command comes first. A hook asks git nothing and waits for nothing; if anything
//     is wrong with the tracker, it is silent and succeeds. The only exception is a push that
//     would remove or rewind the tracker's own branches on the hub: it is stopped with status 1
//     and an explanation.
//   - Nothing of others is changed: an existing hook stays unchanged, and if a manager of hooks
//     (or core.hooksPath) decides which hooks run, nothing is written. The user is then told what
//     to add by hand.
//   - Uninstalling leaves every byte as it was before.
//
// docs/hooks.md describes it for users.
package hooks
