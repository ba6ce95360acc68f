// Package fault lets the crash tests stop the program at a chosen place.
//
// A place is a named point beside each boundary at which the outside world
// changes: an object written, a ref moved, a push or fetch sent. Nothing
// happens at a point unless the environment asks for it:
//
//	CROSSLINK_FAULT=name        SIGKILL to the own process at the first visit
//	CROSSLINK_FAULT=name:3      … at the third visit
//	CROSSLINK_FAULT=name=error  Error returns an error at the first visit
//	CROSSLINK_FAULT=name:3=error
//	CROSSLINK_FAULT_LOG=file    appends the name of each visited point
//
// The name "*" stands for every point, so "*:17" is the seventeenth boundary
// that a command crosses, whatever it is; a sweep counts them with the log and
// then kills at each.
package fault

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
)

// ErrInjected is what every injected error wraps.
var ErrInjected = errors.New("injected fault")

type plan struct {
	name string
	nth  int
	fail bool // return an error; otherwise kill
	log  string
}

var (
	once    sync.Once
	current plan
	mu      sync.Mutex
	visits  int
)

func load() {
	current.log = os.Getenv("CROSSLINK_FAULT_LOG")
	spec := os.Getenv("CROSSLINK_FAULT")
	if spec == "" {
		return
	}
	current.nth = 1
	if s, ok := strings.CutSuffix(spec, "=error"); ok {
		spec, current.fail = s, true
	}
	if name, n, ok := strings.Cut(spec, ":"); ok {
		spec = name
		if k, err := strconv.Atoi(n); err == nil && k > 0 {
			current.nth = k
		}
	}
	current.name = spec
}

// visit records the visit and reports whether it is the one asked for.
func visit(name string) bool {
	once.Do(load)
	if current.name == "" && current.log == "" {
		return false
	}
	mu.Lock()
	defer mu.Unlock()
	if current.log != "" {
		if f, err := os.OpenFile(current.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666); err == nil {
			fmt.Fprintln(f, name)
			f.Close()
		}
	}
	if current.name != name && current.name != "*" {
		return false
	}
	visits++
	return visits == current.nth
}

// Point is a place where the process may be killed. An error cannot be
// injected here: "=error" is ignored.
func Point(name string) {
	if visit(name) && !current.fail {
		die()
	}
}

// Error is a place where the process may be killed or an error injected.
func Error(name string) error {
	if !visit(name) {
		return nil
	}
	if !current.fail {
		die()
	}
	return fmt.Errorf("%w at '%s'", ErrInjected, name)
}

func die() {
	// Kill is SIGKILL: no deferred call runs, no buffer is flushed.
	if p, err := os.FindProcess(os.Getpid()); err == nil {
		p.Kill()
	}
	select {}
}
