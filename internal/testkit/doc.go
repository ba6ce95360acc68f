// Package testkit is what tests share: the script language in which a test
// reads like a session of several people at several clones (script.go), a
// normaliser that makes its transcript comparable (normalise.go), and random
// histories of events (history.go).
//
// Only tests import it.
package testkit
