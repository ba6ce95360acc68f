package git

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// shell prepares a child as git is run.
func shell(ctx context.Context, out *bytes.Buffer, script string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", script)
	isolate(cmd, ownGroup)
	cmd.WaitDelay = 50 * time.Millisecond
	cmd.Stdout = out
	return cmd
}

// What a child's family writes after the child has ended is read as well; its
// status is the child's.
func TestOutputIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	for status, script := range map[int]string{
		0: `echo one; (for i in 1 2 3; do sleep 0.2; echo $i; done) & exit 0`,
		3: `echo one; (for i in 1 2 3; do sleep 0.2; echo $i; done) & exit 3`,
	} {
		var out bytes.Buffer
		err := runCommand(context.Background(), shell(context.Background(), &out, script), "late")
		if out.String() != "one\n1\n2\n3\n" {
			t.Errorf("status %d: %q", status, out.String())
		}
		ge, _ := errors.AsType[*Error](err)
		if status == 0 && err != nil || status != 0 && (ge == nil || ge.Exit != status) {
			t.Errorf("status %d: %v", status, err)
		}
	}
}

// A stderr that a descendant keeps open is not waited for, and costs nothing.
func TestOutputWithAStrayDescendant(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var out bytes.Buffer
	cmd := shell(ctx, &out, `echo all; sleep 5 >/dev/null & exit 0`)
	defer endGroup(cmd)
	start := time.Now()
	if err := runCommand(ctx, cmd, "stray"); err != nil || out.String() != "all\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("it took %v", took)
	}
}

// An output that does not end is no answer, however the child ended.
func TestOutputThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"0", "1"} {
		var got bytes.Buffer
		cmd := shell(context.Background(), &got, `echo part; sleep 30 2>/dev/null & exit `+status)
		defer endGroup(cmd)
		o, err := readOutput(cmd, 50*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		o.begin()
		_ = cmd.Wait()
		if err := o.end(context.Background()); !errors.Is(err, errOutputCut) || got.String() != "part\n" {
			t.Errorf("status %s: %q, %v", status, got.String(), err)
		}
	}
	// anybody who waits can be told to stop, and the family ends
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	var got bytes.Buffer
	start := time.Now()
	err := runCommand(ctx, shell(ctx, &got, `echo part; sleep 30 2>/dev/null & exit 0`), "held")
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 10*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	ge, ok := errors.AsType[*Error](err)
	if !ok || ge.Exit != -1 || !strings.HasPrefix(ge.Error(), "git held: ") {
		t.Errorf("%+v", ge)
	}
}

// A reader that wants no more ends the child.
func TestOutputThatIsTooMuch(t *testing.T) {
	t.Parallel()
	cmd := shell(context.Background(), nil, `while echo yes; do :; done`)
	out := &limited{left: 1000}
	cmd.Stdout = out
	if err := runCommand(context.Background(), cmd, "much"); err == nil || out.left >= 0 {
		t.Errorf("%d left, %v", out.left, err)
	}
}
