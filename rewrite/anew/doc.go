// Package anew writes a whole hub again under an id of its own: its logs, what its
// ledger decided, and who may write to it. It writes objects and moves no ref.
//
// One noun, one file: hub.go (what is written, and the logs), ledger.go (decided
// again), meta.go (who may write).
package anew
