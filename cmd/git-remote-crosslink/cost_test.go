package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/git-crosslink/git-crosslink/enrol"
)

// What the helper costs, in processor time of git and everything it starts,
// as a ratio to plain git. Wall time says little on a busy machine. The
// programs are built as they are installed; medians are taken of runs that
// alternate.
//
//	go test ./cmd/git-remote-crosslink -run '^$' -bench Cost -benchtime 20x
//
// CROSSLINK_BIG is the size of the cloned repository in MB, 200 if not set.

func BenchmarkCostOfNoOpFetch(b *testing.B) {
	f := newFixture(b)
	program, err := exec.LookPath("git-crosslink")
	if err != nil {
		b.Fatal(err)
	}
	for _, transport := range []string{"path", "ssh", "http"} {
		b.Run(transport, func(b *testing.B) {
			url := f.urls[transport](filepath.Join(f.root, "template", "server.git"))
			work := filepath.Join(f.root, "work-"+transport)
			f.sh(b, f.root, nil, "git clone -q "+url+" "+work+" && git -C "+work+" fetch -q && cp -r "+work+" "+work+"-enrol")
			enrolled := &enrol.Repository{Programs: filepath.Dir(program), Data: filepath.Join(f.root, "home", "data"), Home: filepath.Join(f.root, "home"),
				Git: func(ctx context.Context, args ...string) (string, error) {
					cmd := f.git(work+"-enrol", args...)
					out, err := cmd.Output()
					return strings.TrimSuffix(string(out), "\n"), err
				}}
			if _, err := enrolled.Enrol(context.Background(), "origin", ""); err != nil {
				b.Fatal(err)
			}
			ratio(b, "", func(mode string) *exec.Cmd {
				return f.git(work+map[string]string{"enrol": "-enrol"}[mode], "fetch")
			})
		})
	}
}

func BenchmarkCostOfClone(b *testing.B) {
	f := newFixture(b)
	mb := 200
	if n, err := strconv.Atoi(os.Getenv("CROSSLINK_BIG")); err == nil {
		mb = n
	}
	f.sh(b, f.root, nil, "git init -q --bare big.git && git -C big.git config core.compression 0 && git clone -q big.git seed 2>/dev/null && cd seed && git config core.compression 0 && "+
		"for i in $(seq "+strconv.Itoa(mb/10)+"); do head -c 10485760 /dev/urandom >f$i; done && git add . && git commit -q -m big && git push -q origin HEAD && cd .. && rm -rf seed")
	for _, transport := range []string{"file", "ssh", "http"} {
		b.Run(transport, func(b *testing.B) {
			url := f.urls[transport](filepath.Join(f.root, "big.git"))
			to := filepath.Join(f.root, "new")
			ratio(b, to, func(mode string) *exec.Cmd {
				args := []string{"clone", "-q", "--bare", url, to}
				if mode == "enrol" {
					args = slices.Insert(args, 2, "-c", "remote.origin.vcs=crosslink")
				}
				return f.git(f.root, args...)
			})
		})
	}
}

// git prepares a command.
func (f *fixture) git(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = dir, f.env
	return cmd
}

// ratio runs the command plainly and enrolled in turn and reports the medians.
func ratio(b *testing.B, remove string, command func(mode string) *exec.Cmd) {
	b.Helper()
	spent := map[string][]time.Duration{}
	for b.Loop() {
		for _, mode := range []string{"plain", "enrol"} {
			cmd := command(mode)
			if out, err := cmd.CombinedOutput(); err != nil {
				b.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
			}
			spent[mode] = append(spent[mode], cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
			if remove != "" {
				os.RemoveAll(remove)
			}
		}
	}
	median := func(mode string) float64 {
		slices.Sort(spent[mode])
		return float64(spent[mode][len(spent[mode])/2])
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median("plain")/1e6, "plain-ms")
	b.ReportMetric(median("enrol")/1e6, "enrolled-ms")
	b.ReportMetric(median("enrol")/median("plain"), "ratio")
}
