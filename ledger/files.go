package ledger

import (
	"errors"
	"fmt"
	"strings"
)

// HasFile reports whether the tree of a step may have a file of that name, and
// HasDir a directory. What is in them is Decode's to say.
func HasFile(path string) bool {
	if path == statePath || path == basePath {
		return true
	}
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return false
	}
	switch dir, name := path[:i], path[i+1:]; dir {
	case "numbers/issues", "numbers/milestones":
		return len(name) >= 6 && strings.Trim(name, "0123456789") == ""
	default:
		return strings.HasPrefix(dir, "positions/") && HasDir(dir) && hexDigit(name)
	}
}

// HasDir is HasFile for directories.
func HasDir(path string) bool {
	switch path {
	case "numbers", "numbers/issues", "numbers/milestones", "positions":
		return true
	}
	name, ok := strings.CutPrefix(path, "positions/")
	return ok && hexDigit(name)
}

func hexDigit(s string) bool { return len(s) == 1 && strings.Trim(s, "0123456789abcdef") == "" }

// Files returns the whole tree of the ledger's step, path → bytes. The bytes
// are shared with other ledgers and must not be altered.
func (l *Ledger) Files() map[string][]byte {
	out := make(map[string][]byte, 64+l.issues.count()+l.milestones.count())
	out[statePath] = l.state()
	l.each(nil, func(path string, data []byte) { out[path] = data })
	return out
}

// Changes returns the files that differ from those of a ledger that l was
// derived from, so that writing a step costs what it changed. Nothing is ever
// removed: numbers and positions only grow.
func (l *Ledger) Changes(from *Ledger) map[string][]byte {
	out := map[string][]byte{statePath: l.state()}
	l.each(from, func(path string, data []byte) { out[path] = data })
	return out
}

// each calls f for every file but state.json that is not the same in from, or
// for all.
func (l *Ledger) each(from *Ledger, f func(path string, data []byte)) {
	if from == nil {
		from = &Ledger{positions: noPositions}
	}
	if l.base != nil && from.base != l.base {
		f(basePath, l.base.raw)
	}
	if l.issues.n != from.issues.n {
		l.issues.files(from.issues.n/linesPerFile, f)
	}
	if l.milestones.n != from.milestones.n {
		l.milestones.files(from.milestones.n/linesPerFile, f)
	}
	for k, s := range l.positions.shards {
		if s != nil && from.positions.shards[k] != s {
			f(shardPaths[k], s.text)
		}
	}
}

// Decode reads the tree of one step. It is strict: every file must be there
// and add up, no other may be, and Files of the result is the input. It does
// not say that the step is valid: that is Judge's. The ledger aliases the
// files, which must not be altered.
func Decode(files map[string][]byte) (*Ledger, error) { return decode(files, false) }

// Recall is Decode for the tree of a step that was judged before: the verdict is not checked
// again, and only those of its numbers are read that are asked for.
func Recall(files map[string][]byte) (*Ledger, error) { return decode(files, true) }

func decode(files map[string][]byte, judged bool) (*Ledger, error) {
	rest := own(files)
	data, ok := rest[statePath]
	if !ok {
		return nil, errors.New("there is no state.json")
	}
	delete(rest, statePath)
	v, err := parseState(data)
	if err != nil {
		return nil, err
	}
	l, h, err := readState(v)
	if err != nil {
		return nil, err
	}
	if data, ok := rest[basePath]; ok {
		delete(rest, basePath)
		if l.base, err = readBase(data); err != nil {
			return nil, err
		}
	}
	if (l.base == nil) != (h.base == "") || l.base != nil && l.base.hash != h.base {
		return nil, errors.New("base.json is not the file that state.json names")
	}
	if judged {
		if l.issues, err = recallNumbers("numbers/issues/", rest, h.issueLast, h.issueHash); err != nil {
			return nil, err
		}
		if l.milestones, err = recallNumbers("numbers/milestones/", rest, h.milestoneLast, h.milestoneHash); err != nil {
			return nil, err
		}
	} else {
		if l.issues, err = readNumbers("numbers/issues/", rest, l.inBase(false)); err != nil {
			return nil, err
		}
		if l.milestones, err = readNumbers("numbers/milestones/", rest, l.inBase(true)); err != nil {
			return nil, err
		}
	}
	if l.issues.hash.String() != h.issueHash || l.milestones.hash.String() != h.milestoneHash {
		return nil, errors.New("the numbers do not add up to the hash in state.json")
	}
	lastI, lastM := l.issues.last, l.milestones.last
	if l.base != nil {
		lastI, lastM = max(lastI, l.base.NextIssue-1), max(lastM, l.base.NextMilestone-1)
	}
	if h.issueLast < lastI || h.milestoneLast < lastM {
		return nil, errors.New("a number is greater than the last one in state.json")
	}
	l.issues.last, l.milestones.last = h.issueLast, h.milestoneLast
	if l.positions, err = readPositions(rest); err != nil {
		return nil, err
	}
	if l.positions.hash != h.positions {
		return nil, errors.New("the positions do not add up to the hash in state.json")
	}
	for path := range rest {
		return nil, fmt.Errorf("'%.60s' is not a file of a ledger", path)
	}
	return l, nil
}

// inBase reports whether a number or its uuid is in the migration base.
func (l *Ledger) inBase(milestones bool) func(Numbered) bool {
	return func(x Numbered) bool {
		switch {
		case l.base == nil:
			return false
		case milestones:
			return l.base.milestones[x.UUID] != 0 || l.base.takenM[x.Number]
		}
		return l.base.Numbers[x.UUID] != 0 || l.base.taken[x.Number]
	}
}
