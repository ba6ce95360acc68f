//go:build linux

// Soak lets several agents work on one tracker for a while, with the real
// programs, while it injects faults. Then it checks that nothing acknowledged
// was lost, that no number changed, that no lock had two holders and no job was
// done twice, that warm, cold and fresh clones are equal, that every repository
// passes fsck, and that everybody can still write.
//
//	make soak                                 3 minutes, a new seed
//	make soak SOAK='-minutes 30 -seeds 10'    ten seeds, three minutes each
//	make soak SOAK='-seed 7 -keep'            one seed; keep what it made
//	make soak SOAK='-dashboard -minutes 30'   the dashboard over busy projects
//	make soak SOAK='-load host -minutes 10'   50 agents on one host, without faults
//	make soak SOAK='-load http -minutes 10'   20 clones of a slow hub, without faults
//
// It counts every fault that it injected and fails if one kind never occurred.
// A seed decides what the agents and the faults do, not how the processes of a
// run interleave, so a seed is a scenario and no replay.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// options are the options of the command line.
type options struct {
	minutes float64
	seed    uint64
	seeds   int
	dir     string
	keep    bool
	some    bool // not every kind of fault has to occur
	verbose bool
	dash    bool // the dashboard instead

	load   string  // many agents without faults instead: host or http
	agents int     // number of agents
	pause  float64 // seconds between two commands of an agent
	limit  int     // the hub's limit of pushes per minute
}

func main() {
	var o options
	flag.Float64Var(&o.minutes, "minutes", 3, "how long the agents work, over all seeds")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().Unix())%100000, "the first seed")
	flag.IntVar(&o.seeds, "seeds", 1, "how many seeds, one after the other")
	flag.StringVar(&o.dir, "dir", "", "where to work (default: a temporary directory)")
	flag.BoolVar(&o.keep, "keep", false, "keep the repositories")
	flag.BoolVar(&o.some, "some", false, "do not fail if a kind of fault never occurred (for short runs)")
	flag.BoolVar(&o.verbose, "v", false, "print every command")
	flag.BoolVar(&o.dash, "dashboard", false, "let the dashboard watch busy projects instead, and see that what it holds does not grow")
	flag.StringVar(&o.load, "load", "", "measure many agents without faults instead: in worktrees of one clone (host), or in clones of a slow hub (http)")
	flag.IntVar(&o.agents, "agents", 0, "how many agents -load has (default: 50 on a host, 20 over http)")
	flag.Float64Var(&o.pause, "pause", 5, "seconds between two commands of an agent of -load")
	flag.IntVar(&o.limit, "limit", 0, "pushes a minute that the hub of -load asks of all clones together")
	flag.Parse()
	if !slices.Contains([]string{"", loadHost, loadHTTP}, o.load) {
		fmt.Fprintf(os.Stderr, "soak: '%s' is not a value of -load: host, http\n", o.load)
		os.Exit(1)
	}
	if os.Getenv(inside) == "" {
		os.Exit(again())
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// inside is set in the process with its own mount namespace.
const inside = "CROSSLINK_SOAK_INSIDE"

// again runs this program in its own mount namespace, where it may mount the small file
// systems that it fills up. They end with it.
func again() int {
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		return 1
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if uid, gid := os.Getuid(), os.Getgid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
	}
	if err := cmd.Run(); err != nil {
		if cmd.ProcessState == nil {
			fmt.Fprintln(os.Stderr, "soak: a mount namespace is needed:", err)
			return 1
		}
		return cmd.ProcessState.ExitCode()
	}
	return 0
}

func run(o options) error {
	dir, err := os.MkdirTemp(o.dir, "crosslink-soak-")
	if err != nil {
		return err
	}
	bad := 0
	defer func() {
		if !o.keep && bad == 0 {
			os.RemoveAll(dir)
		}
	}()
	if o.load != "" {
		return runLoad(o, dir)
	}
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the mounts private: %w", err)
	}
	if o.dash {
		return soakDashboard(dir, time.Duration(o.minutes*float64(time.Minute)))
	}
	programs, err := build(filepath.Join(dir, "programs"), skews)
	if err != nil {
		return err
	}
	total := &tally{faults: map[string]int{}, ends: map[string]int{}}
	for i := range o.seeds {
		w := &world{
			options: o, seed: o.seed + uint64(i), programs: programs, tally: total,
			dir: filepath.Join(dir, fmt.Sprintf("seed-%d", o.seed+uint64(i))),
		}
		violations, err := w.soak(time.Duration(o.minutes * float64(time.Minute) / float64(o.seeds)))
		if err != nil {
			return fmt.Errorf("seed %d: %w", w.seed, err)
		}
		for _, v := range violations {
			fmt.Printf("seed %d: VIOLATION: %s\n", w.seed, v)
		}
		if bad += len(violations); len(violations) > 0 {
			fmt.Printf("seed %d: hub and replicas are kept in '%s'\n", w.seed, w.dir)
		}
	}
	total.print(os.Stdout)
	if never := total.never(); len(never) > 0 && !o.some {
		return fmt.Errorf("these kinds of fault never occurred: %v", never)
	}
	if bad > 0 {
		return fmt.Errorf("%d violations", bad)
	}
	fmt.Println("no violation")
	return nil
}
