// Bench measures the budgets of docs/performance.md: the cost of a command as a multiple of
// the smallest possible cost (git itself, a program that prints hello). Both are measured
// alternately in one run, so that a busy machine slows both. It prints a table. People
// judge whether a budget is met, so it fails only if something could not be measured.
//
//	make bench                                  all rows
//	make bench ROWS='^new'                      rows whose name matches
//	make bench BENCH='-write docs/performance.md'
//	make bench BENCH='-year 1000000'            archive and move a year of events
//
// Most rows run whole programs. Data that takes long to make (trackers of ten thousand
// issues) is kept in the user's cache directory.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"sync"
	"time"
)

// bench is one run.
type bench struct {
	program string // git-crosslink; git-remote-crosslink is beside it
	self    string // this program
	rounds  int
	dir     string // temporary
	cache   string // for data that takes long to make
	env     []string
	long    bool // include rows that take minutes

	teamOnce sync.Once // team.go
	teamRun  *team
	teamErr  error

	dashRun dashRun // rows_dash.go
	daily   *world  // rows_daily.go
}

// options are the options of the command line.
type options struct {
	rounds int
	rows   string
	write  string
	long   bool
	list   bool
	year   int
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == peakWord {
		os.Exit(reportPeak(os.Args[2:]))
	}
	var o options
	flag.IntVar(&o.rounds, "rounds", 15, "how often each command runs, at most")
	flag.StringVar(&o.rows, "rows", "", "measure the rows whose name matches")
	flag.StringVar(&o.write, "write", "", "put the table into this document, between its markers")
	flag.BoolVar(&o.long, "long", false, "also the rows that take minutes")
	flag.BoolVar(&o.list, "list", false, "name the rows and measure none")
	flag.IntVar(&o.year, "year", 0, "instead of rows: archive and move a tracker of so many events, such as 1000000, and print what that and a new clone cost")
	flag.Parse()
	if err := run(o, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o options, args []string) (err error) {
	only, err := regexp.Compile(o.rows)
	if err != nil {
		return err
	}
	if o.list {
		for _, r := range rows {
			fmt.Printf("%-18s %s\n", r.name, r.title())
		}
		return nil
	}
	if len(args) != 1 {
		return fmt.Errorf("usage: bench [<options>] <git-crosslink>")
	}
	b := &bench{rounds: o.rounds, long: o.long}
	if b.program, err = filepath.Abs(args[0]); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "crosslink-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := b.prepare(); err != nil {
		return err
	}
	if o.year > 0 {
		return b.year(o.year)
	}
	t := table{when: time.Now(), machine: machine(b)}
	fmt.Println(t.head())
	failed := 0
	for _, r := range rows {
		if !only.MatchString(r.name) || r.long && !b.long {
			continue
		}
		m, err := r.measure(b)
		if err != nil {
			failed++
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", r.name, err)
			continue
		}
		l := line{row: r, measurement: m}
		t.lines = append(t.lines, l)
		fmt.Println(l.text())
	}
	t.took = time.Since(t.when)
	fmt.Println(t.foot())
	if o.write != "" {
		if err := t.writeInto(o.write); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d rows could not be measured", failed)
	}
	return nil
}

// machine describes the machine, in general words.
func machine(b *bench) string {
	return fmt.Sprintf("%s/%s, %d processors, %s, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), b.gitVersion(), runtime.Version())
}
