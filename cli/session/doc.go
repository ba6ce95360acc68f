// Package session has the commands of a working agent: sessions, with the hand-off at their
// end, and prime, which tells an agent how to work here.
package session
