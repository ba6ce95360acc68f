package tracker_test

import "testing"

// A sync in the background is announced only if there is a program to run it.
func TestSyncLaterWithoutAProgram(t *testing.T) {
	w := newWorld(t)
	alice := w.clone("alice")
	alice.init()
	tr := alice.open()
	defer alice.close(tr)
	if tr.SyncLater(-1) { // it has no Program
		t.Error("a sync is announced that nothing runs")
	}
}
