// Package agents is who writes in a clone: under which id, with which key, and
// what it shows of itself. It decides from what it is given: files, environment,
// configuration and the state of the meta are values of a call. What is told to
// the user, and in which order things happen, is its caller's.
//
// One noun, one file: identity.go (the id of a worktree), signer.go (keys at
// hand), signing.go (lines, steps and metas that are signed, and what becomes of
// those that cannot be), admission.go (whose lines would count), change.go (a new
// meta: approvals, revocations, policy), presence.go (what a clone remembers of
// its heartbeats), presences.go (those of others).
package agents
