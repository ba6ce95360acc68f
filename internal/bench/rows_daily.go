package main

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// daily are the commands of daily use besides list. %d is another issue in each run.
var daily = []struct{ name, words, before string }{
	{"show", "show --offline 1", ""},
	{"show-unknown", "show --offline 999999", ""},
	{"status", "status --offline", ""},
	{"ready", "ready --offline", ""},
	{"next", "next --offline", ""},
	{"blocked", "blocked --offline", ""},
	{"tree", "tree -n 50 --offline", ""},
	{"search", "search --offline -n 50 flux", ""},
	{"log", "log --offline", ""},
	{"new", "new --offline -q " + strings.ReplaceAll(usual, " ", "_"), ""},
	{"comment", "comment --offline -q %d usual", ""},
	{"lock", "lock --offline -q %d", ""},
	{"unlock", "unlock --offline -q %d", "lock --offline -q %d"},
	{"close", "close --offline -q %d", ""},
	{"agent-list", "agent list --offline", ""},
	{"agent-describe", "agent describe --offline writes%d", ""},
	{"trust-list", "trust list --offline", ""},
	{"doctor", "doctor --offline", ""},
	{"heartbeat", "heartbeat --offline", ""},
}

// answersOther are commands whose status is not 0 there: the issue does not exist, the hub
// has not confirmed the lock, or the doctor may find something.
var answersOther = map[string]bool{"show-unknown": true, "lock": true, "doctor": true}

// anyAnswer allows a command to answer "no" (1) or "not confirmed" (3).
var anyAnswer = []string{"sh", "-c", `"$@" || test $? -eq 1 -o $? -eq 3`, "sh"}

// dailyRows are the rows of these commands, with 10,000 issues, 40,000 comments by 50
// agents and a current store.
func dailyRows() (all []row) {
	for k, c := range daily {
		all = append(all, row{name: "daily-" + c.name, what: "`" + strings.ReplaceAll(c.words, "%d", "<id>") + "`, 10,000 issues", against: "git --version", budget: 5, plus: 40, unit: "x", byCPU: true,
			measure: func(b *bench) (measurement, error) { return b.dailyCost(k) }})
	}
	return append(all,
		row{name: "daily-memory", what: "the largest peak memory of those commands", budget: 64, unit: "MB", measure: (*bench).dailyMemory},
		row{name: "search-all", what: "processor time of `search` for a word in most of 10,000 issues, all of them", budget: 60, unit: "ms", measure: took("search", "--offline", "-n", "0", "-q", "flux")},
		row{name: "list-json", what: "processor time of `list --json` of all of 10,000 issues", budget: 100, unit: "ms", measure: took("list", "--offline", "--status", "all", "--json")})
}

// ofDaily returns the tracker of 10,000 issues in which these commands run, one after the
// other.
func (b *bench) ofDaily() (*world, error) {
	if b.daily != nil {
		return b.daily, nil
	}
	w, err := b.many()
	if err != nil {
		return nil, err
	}
	if w, err = w.copied(); err != nil {
		return nil, err
	}
	w.ours("list", "-q", "--offline")
	b.daily = w
	return w, w.err
}

// dailyAction runs one of them, after some words of the benchmark's own.
func (b *bench) dailyAction(k int, first ...string) (action, error) {
	w, err := b.ofDaily()
	if err != nil {
		return action{}, err
	}
	n := 100 * (k + 1)
	words := func(text string) []string {
		return append([]string{b.program}, strings.Fields(strings.ReplaceAll(text, "%d", fmt.Sprint(n)))...)
	}
	c := daily[k]
	a := only(func() *exec.Cmd {
		all := slices.Clone(first)
		if answersOther[c.name] {
			all = append(all, anyAnswer...)
		}
		return b.cmd(w.dir, append(all, words(c.words)...)...)()
	})
	a.before = func() error {
		if n++; c.before == "" {
			return nil
		}
		return b.run(w.dir, append(slices.Clone(anyAnswer), words(c.before)...)...)
	}
	return a, nil
}

func (b *bench) dailyCost(k int) (measurement, error) {
	a, err := b.dailyAction(k)
	if err != nil {
		return measurement{}, err
	}
	return b.against(a, only(b.cmd("", "git", "--version")))
}

// dailyMemory returns the peak memory of the command that uses the most.
func (b *bench) dailyMemory() (m measurement, err error) {
	for k, c := range daily {
		a, err := b.dailyAction(k, b.self, peakWord)
		if err != nil {
			return m, err
		}
		if err := a.before(); err != nil {
			return m, err
		}
		peak, err := peakOnce(a.run[0]())
		if err != nil {
			return m, err
		}
		if m.value = max(m.value, peak); m.value == peak {
			m.note = c.name
		}
	}
	return m, nil
}

// took is the processor time of a command there, in ms.
func took(words ...string) func(*bench) (measurement, error) {
	return func(b *bench) (measurement, error) {
		w, err := b.ofDaily()
		if err != nil {
			return measurement{}, err
		}
		var all series
		for range b.rounds {
			c, err := only(w.cmd(words...)).once()
			if err != nil {
				return measurement{}, err
			}
			all.add(c)
		}
		return value(median(all.cpu), nil)
	}
}
