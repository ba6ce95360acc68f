package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func init() { commands["no-init"] = noInit }

// noInit runs a command as process 1 of many a container would: it inherits every orphan and
// reaps none. When no process below it is running, it prints how many are left as zombies, and
// on stderr their names.
func noInit() {
	const setChildSubreaper = 36
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0); errno != 0 {
		fmt.Fprintln(os.Stderr, "no-init:", errno)
		os.Exit(1)
	}
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "no-init:", err)
		os.Exit(1)
	}
	for range 600 {
		running, zombies := children()
		if running == 0 {
			fmt.Println(len(zombies), "zombies")
			fmt.Fprintln(os.Stderr, zombies)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	fmt.Fprintln(os.Stderr, "no-init: a process does not end")
	os.Exit(1)
}

func children() (running int, zombies []string) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, f := range stats {
		b, _ := os.ReadFile(f)
		name, rest, ok := strings.Cut(string(b), ") ") // pid (name) state ppid …
		if fields := strings.Fields(rest); !ok || len(fields) < 2 || fields[1] != fmt.Sprint(os.Getpid()) {
			continue
		}
		if rest[0] == 'Z' {
			_, name, _ = strings.Cut(name, "(")
			zombies = append(zombies, name)
		} else {
			running++
		}
	}
	return running, zombies
}
