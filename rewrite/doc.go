// Package rewrite writes a log again: for another agent (a fork), for another hub
// (lines that were written before the hub was known, or a hub that is detached), or
// from another tracker (an importer).
//
//	next, lines, err := rewrite.Lines(old, rewrite.Plan{On: chain, …})
//
// It is one function over the lines of a log. What is left out of them is decided
// before (Withdraw), where they are put is decided after. The rules are:
//
//   - a line says the same as before: the same event with the same uuids, the
//     same time that is shown, the same order;
//   - the time that orders it never falls, and is not after the latest that the
//     plan allows: a line that was written while a clock was wrong is given that;
//   - its place and its signature are those of the new log. As no signature
//     outlives its line, changes of keys are left out, the first line introduces
//     the key that signs now, and a second introduction that says no more than the
//     first is left out; unless the plan keeps them, because who may write is
//     decided elsewhere.
package rewrite
