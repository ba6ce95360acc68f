//go:build unix

package ledger_test

import (
	"syscall"
	"testing"
	"time"
)

// processorTime is what this process has used of it.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestJudgingALongChain: 10,000 steps from the root within a few seconds, of
// the processor's time: how busy the machine is does not matter.
func TestJudgingALongChain(t *testing.T) {
	steps := 10_000
	if testing.Short() {
		steps = 1000
	}
	src, root, tip := longChain(t, 50, steps)
	start, used := time.Now(), processorTime(t)
	v := src.judge(t, root, tip)
	took := processorTime(t) - used
	t.Logf("%d steps in %v, %v of the processor's; %d issues", steps, time.Since(start), took, v.Ledger.LastIssue())
	if took > 12*time.Second {
		t.Errorf("judging %d steps took %v", steps, took)
	}
}
