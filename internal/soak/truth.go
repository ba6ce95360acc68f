//go:build linux

package main

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// truth is what was acknowledged, and what must not change after it was seen.
type truth struct {
	mu    sync.Mutex
	tally *tally

	epoch    int               // how often the hub was restored from a backup
	issues   map[string]string // uuid: title as created
	comments map[string]string // uuid: the issue's
	labels   map[string][]string
	closed   map[string]bool // issues closed once and never reopened by anybody
	numbers  map[string]sighting
	issueAt  map[int]string // number: uuid
	holds    map[string]hold
	done     map[string]hold

	violations []string
	doubtful   []string // uuids of issues with violations
}

type sighting struct{ number, epoch int }

// hold is a lock that a clone holds by its own report, until it begins to release it.
type hold struct {
	clone string
	epoch int
}

func newTruth(t *tally) *truth {
	return &truth{
		tally: t, issues: map[string]string{}, comments: map[string]string{}, labels: map[string][]string{},
		closed: map[string]bool{}, numbers: map[string]sighting{}, issueAt: map[int]string{}, holds: map[string]hold{}, done: map[string]hold{},
	}
}

func (t *truth) wrong(format string, args ...any) {
	t.violations = append(t.violations, fmt.Sprintf(format, args...))
}

func (t *truth) violate(format string, args ...any) {
	t.mu.Lock()
	t.wrong(format, args...)
	t.mu.Unlock()
}

// saw records the number with which an issue was shown. A number may only change if the hub
// lost it because of a backup in between.
func (t *truth) saw(clone, uuid string, number int) {
	if number == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s, known := t.numbers[uuid]
	if other := t.issueAt[number]; other != "" && other != uuid && t.numbers[other].number == number {
		if t.numbers[other].epoch == t.epoch {
			t.wrong("number %d: '%s' showed it for %s, and it was %s", number, clone, uuid, other)
		} else {
			delete(t.numbers, other)
		}
	}
	if known && s.number != number {
		if s.epoch == t.epoch {
			t.wrong("issue %s: '%s' showed number %d, and it was %d", uuid, clone, number, s.number)
		} else {
			t.tally.count(&t.tally.renumber)
		}
	}
	t.numbers[uuid], t.issueAt[number] = sighting{number, t.epoch}, uuid
}

// held records that a command reported to a clone that it holds a lock.
func (t *truth) held(clone, uuid string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tally.count(&t.tally.claims)
	if h, ok := t.holds[uuid]; ok && h.clone != clone && h.epoch == t.epoch {
		t.wrong("the lock of %s is held by '%s' and by '%s'", uuid, h.clone, clone)
		t.doubtful = append(t.doubtful, uuid)
	}
	t.holds[uuid] = hold{clone, t.epoch}
}

// releases is called before a clone releases a lock, or is killed while it might.
func (t *truth) releases(clone, uuid string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.holds[uuid].clone == clone {
		delete(t.holds, uuid)
	}
}

// worked records that a clone did the job whose lock it holds.
func (t *truth) worked(clone, uuid string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tally.count(&t.tally.jobs)
	if h, ok := t.done[uuid]; ok && h.clone != clone && h.epoch == t.epoch {
		t.wrong("job %s was done by '%s' and by '%s'", uuid, h.clone, clone)
		t.doubtful = append(t.doubtful, uuid)
	}
	t.done[uuid] = hold{clone, t.epoch}
}

// gaveBack records that a clone released the lock of an issue. If the clone did the job
// before and could not close the issue, the job is open again, and another clone may do it.
func (t *truth) gaveBack(clone, uuid string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done[uuid].clone == clone && !t.closed[uuid] {
		delete(t.done, uuid)
	}
}

func (t *truth) ack(note func()) {
	t.mu.Lock()
	note()
	t.mu.Unlock()
	t.tally.count(&t.tally.acked)
}

// rewound records that the hub was restored: decisions that only the hub had are gone.
func (t *truth) rewound() {
	t.mu.Lock()
	t.epoch++
	t.mu.Unlock()
}

// some returns a known issue, "" if there is none.
func (t *truth) some(pick func(n int) int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := slices.Sorted(maps.Keys(t.issues))
	if len(all) == 0 {
		return ""
	}
	return all[pick(len(all))]
}
