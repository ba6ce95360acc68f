// Package agents knows who writes in a clone: under which id, with which key, and what
// others see of it. It decides from its arguments: files, environment, configuration and
// the state of the meta are arguments of a call. The caller informs the user and orders the
// steps.
//
// Each noun has a file: identity.go (the id of a worktree), signer.go (available keys),
// signing.go (signatures of lines, steps and metas, and lines that cannot be signed),
// admission.go (whose lines would count), change.go (a new meta: approvals, revocations,
// policy), presence.go (the stored heartbeats of this clone), presences.go (those of
// others).
package agents
