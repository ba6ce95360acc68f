// Package testkit is shared by tests: the script language, in which a test reads like a
// session of several people in several clones (script.go), a normaliser that makes its
// transcript comparable (normalise.go), and random histories of events (history.go).
//
// Only tests import it.
package testkit
