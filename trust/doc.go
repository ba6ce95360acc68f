// Package trust is who may write to a hub and under which rules: keys and
// signatures, the chain of meta commits, and the verdict on every line of a log.
//
// The package is pure: the bytes come from refs, the time from the caller. All
// that it says follows from a meta chain, a log's lines, the fork proofs and
// what the ledger covers, so that every replica that holds the same says the
// same, whatever came first. Clients, which must verify everything themselves,
// and the gate of a server use the same calls:
//
//	state, err := trust.FirstMeta(files)    // files of the first meta commit
//	state, err = state.Next(files)           // and of each one after it; err is a *Fault
//
//	log := state.Log(agent, LogOptions{…})  // proofs of forks: ProofIn each line of all logs
//	log.Feed(envelope)                     // each line of the good part, in order
//	v := log.Verdict()                     // v.Fed, v.Ends, v.Vouched, v.Mark(seq)
//
//	at, ok := log.Checkpoint()             // later, with lines that are new:
//	log, ok = state.Resume(agent, at, LogOptions{…})
//
// Feed costs next to nothing: the last valid signature covers all lines before it, because
// they are chained by hash (the chain rule). So one signature in 64 is verified, from the end
// backward. Only a KeyRotated line is verified where it stands.
//
// What is only about one line or file: VerifyLine, Signature.Verify,
// (*Proof).Check, (*State).CheckStep.
//
// Rules have names, the Rule… constants; those of the chain itself (hub, agent,
// sequence, prev, …) are event's. They are part of the format: they are shown,
// stored and scripted against, and never change their meaning.
//
// One noun, one file: key.go, sshsig.go, signers.go (allowed_signers), meta.go
// (hub.json), origin.go (where a detached hub comes from), chain.go (the meta chain),
// log.go (the walk along a log), verdict.go, checkpoint.go (where a log is resumed),
// verify.go (the signature of a line), arrival.go (lines as they come to a hub),
// proof.go (forks), fault.go (the rules' names).
package trust
