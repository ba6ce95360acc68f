package testkit

import (
	"runtime/debug"
	"testing"
)

// Main is the end of a TestMain: it runs the tests and returns the exit status. Garbage is
// collected a quarter as often as usual, because tests allocate much and keep little.
func Main(m *testing.M) int {
	debug.SetGCPercent(400)
	return m.Run()
}
