// Package session holds the commands of a working agent: sessions, with the
// handoff at their end, and prime, which tells an agent how to work here.
package session
