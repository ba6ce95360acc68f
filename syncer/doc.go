// Package syncer decides how a clone and its hub exchange what they have: what
// is pushed together, what is fetched and when, what is tried again, when a hub
// is left alone, and when a command gives up. It is a pure machine:
//
//	state, action := syncer.Next(state, event)
//
// Events say what happened (the hub answered a push, a fetch brought something,
// time passed); actions say what to do next (Fetch, Push, Swap, Wait, Done). The
// caller does the I/O and hands back what came of it. The machine sees no clock
// and draws nothing at random: both are part of an event. Tips are opaque.
//
// One run of the machine, from Began to Done, is what one command does under
// the sync lock. What outlives a run is Memory, a value that the caller keeps
// between commands.
package syncer
