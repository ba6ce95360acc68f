package refs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// ErrBadLog means that a log's own objects are damaged, so nothing can be appended to it.
var ErrBadLog = errors.New("log is damaged")

// ErrSequence means that the first new line would not have the sequence CommitInfo.Next:
// the log is not in the state that the caller expects.
var ErrSequence = errors.New("log is at another sequence")

// AppendLog stores a log that consists of the lines of tip and new lines (without their
// LF); tip "" begins a new log. It reads only the trees and the newest segment, keeps all
// other entries, and never rewrites a full segment. It moves no ref: the caller swaps. The
// new commit's parent is tip.
func AppendLog(ctx context.Context, l Local, agent string, tip OID, lines [][]byte, c CommitInfo) (OID, error) {
	if len(lines) == 0 {
		return "", errors.New("append: no lines")
	}
	for _, line := range lines {
		if len(line) == 0 || bytes.IndexByte(line, '\n') >= 0 {
			return "", errors.New("append: a line is empty or holds a line break")
		}
	}
	f := l.Format()
	s := &shape{agent: agent}
	var parents []OID
	var tail []byte // the newest segment
	next := uint64(1)
	if tip != "" {
		all, err := shapes(ctx, l, []LogRequest{{Agent: agent, Tip: tip, From: math.MaxUint64}}, true)
		if err != nil {
			return "", err
		}
		if s = all[0]; s.bad != "" {
			return "", fmt.Errorf("%w: %s", ErrBadLog, s.bad)
		}
		parents = []OID{tip}
		if tail, next, err = s.tail(ctx, l, c.Next); err != nil {
			return "", err
		}
	}
	if c.Next != 0 && c.Next != next {
		return "", fmt.Errorf("%w: next is %d, not %d", ErrSequence, next, c.Next)
	}

	var objs []Object
	events := entriesOf(s.events)
	shards := make(map[string]map[string]TreeEntry)
	add := func(kind Kind, data []byte) OID {
		o := Object{kind, data}
		objs = append(objs, o)
		return f.ID(o)
	}
	if err := s.fill(shards, tail, next, lines, add); err != nil {
		return "", err
	}
	for _, name := range slices.Sorted(maps.Keys(shards)) {
		id, err := addTree(f, shards[name], add)
		if err != nil {
			return "", err
		}
		events[name] = TreeEntry{ModeTree, name, id}
	}
	dir, err := addTree(f, events, add)
	if err != nil {
		return "", err
	}
	root := entriesOf(s.root)
	root[eventsDir] = TreeEntry{ModeTree, eventsDir, dir}
	tree, err := addTree(f, root, add)
	if err != nil {
		return "", err
	}
	commit, err := EncodeCommit(f, tree, parents, c)
	if err != nil {
		return "", err
	}
	id := add(Commit, commit)
	if _, err := l.Write(ctx, objs); err != nil {
		return "", err
	}
	return id, nil
}

// fill puts lines into segments, and these into shards; the first line has the sequence
// next. tail is the newest segment, if it has room.
func (s *shape) fill(shards map[string]map[string]TreeEntry, tail []byte, next uint64, lines [][]byte, add func(Kind, []byte) OID) error {
	// first is where the open segment begins; it continues tail if there is one.
	first := next
	if len(tail) > 0 {
		first = s.segs[len(s.segs)-1].first
	}
	for len(lines) > 0 {
		g := segment{first: first}
		room := min(int(g.last()-next+1), len(lines))
		data := make([]byte, len(tail), len(tail)+room*512)
		copy(data, tail)
		for _, line := range lines[:room] {
			data = append(append(data, line...), '\n')
		}
		if len(data) > SegmentLimit {
			return fmt.Errorf("append: segment %d: %w", first, ErrTooLarge)
		}
		dir := shardName(first)
		if shards[dir] == nil {
			shards[dir] = entriesOf(s.shardEntries(dir))
		}
		name := SegmentName(s.agent, first)
		shards[dir][name] = TreeEntry{ModeBlob, name, add(Blob, data)}
		lines, tail, next = lines[room:], nil, next+uint64(room)
		first = next
	}
	return nil
}

func entriesOf(list []TreeEntry) map[string]TreeEntry {
	m := make(map[string]TreeEntry, len(list)+1)
	for _, e := range list {
		m[e.Name] = e
	}
	return m
}

// shardEntries returns the entries of the newest shard, if it has this name.
func (s *shape) shardEntries(name string) []TreeEntry {
	if n := len(s.shards); n > 0 && fmt.Sprintf("%06d", s.shards[n-1].index) == name {
		return s.shards[n-1].entries
	}
	return nil
}

// tail returns the newest segment if it has room, and the next sequence. told is used if
// the trees do not show the sequence.
func (s *shape) tail(ctx context.Context, l Local, told uint64) ([]byte, uint64, error) {
	if len(s.segs) == 0 {
		if s.legacy == "" {
			return nil, 1, nil
		}
		if told == 0 {
			return nil, 0, fmt.Errorf("%w: a level-3 log does not tell its next sequence", ErrSequence)
		}
		return nil, told, nil
	}
	g := s.segs[len(s.segs)-1]
	objs, err := readKind(ctx, l, []OID{g.oid}, Blob, SegmentLimit)
	if err == nil {
		err = objs[0].err
	}
	if err != nil {
		return nil, 0, fmt.Errorf("%w: segment %d: %w", ErrBadLog, g.first, err)
	}
	data := objs[0].o.Data
	next := g.first + uint64(bytes.Count(data, []byte{'\n'}))
	if len(data) == 0 || !endsLine(data) || next > g.last()+1 {
		return nil, 0, fmt.Errorf("%w: segment %d", ErrBadLog, g.first)
	}
	if next > g.last() {
		data = nil
	}
	return data, next, nil
}

func addTree(f Format, entries map[string]TreeEntry, add func(Kind, []byte) OID) (OID, error) {
	list := make([]TreeEntry, 0, len(entries))
	for _, e := range entries {
		list = append(list, e)
	}
	data, err := EncodeTree(f, list)
	if err != nil {
		return "", err
	}
	return add(Tree, data), nil
}

// Recommit stores a commit with the tree of tip and other parents, so that a server accepts
// the same log as a fast-forward.
func Recommit(ctx context.Context, l Local, tip OID, parents []OID, c CommitInfo) (OID, error) {
	objs, err := readKind(ctx, l, []OID{tip}, Commit, commitLimit)
	if err == nil {
		err = objs[0].err
	}
	if err != nil {
		return "", err
	}
	head, err := ParseCommit(l.Format(), objs[0].o.Data)
	if err != nil {
		return "", err
	}
	data, err := EncodeCommit(l.Format(), head.Tree, parents, c)
	if err != nil {
		return "", err
	}
	ids, err := l.Write(ctx, []Object{{Commit, data}})
	if err != nil {
		return "", err
	}
	return ids[0], nil
}

// Relation is how two logs relate by content.
type Relation byte

// The relations of an old and a new log.
const (
	Diverged Relation = iota // neither begins with the other, or a shape is wrong
	Equal                    // the same lines
	Prefix                   // new begins with old and has more
	Extends                  // old begins with new and has more
)

func (r Relation) String() string {
	return [...]string{"diverged", "equal", "prefix", "extends"}[r]
}

// IsPrefix compares two tips of one agent by their lines, not by ancestry. Segments are
// compared by object id, and only the shorter log's newest one by its bytes. A log of the
// wrong shape is Diverged from every other; an object that is missing here is an error
// (ErrMissing).
func IsPrefix(ctx context.Context, l Local, agent string, old, new OID) (Relation, error) {
	if old == new {
		return Equal, nil
	}
	all, err := shapes(ctx, l, []LogRequest{{Agent: agent, Tip: old}, {Agent: agent, Tip: new}}, false)
	if err != nil {
		return Diverged, err
	}
	for _, s := range all {
		if s.missing {
			return Diverged, fmt.Errorf("%s: %w", s.bad, ErrMissing)
		}
		if s.bad != "" {
			return Diverged, nil
		}
	}
	a, b := all[0].files(), all[1].files()
	for i := range min(len(a), len(b)) {
		if a[i].first != b[i].first {
			return Diverged, nil
		}
		if a[i].oid == b[i].oid {
			continue
		}
		return compareTails(ctx, l, a[i:], b[i:])
	}
	switch {
	case len(a) < len(b):
		return Prefix, nil
	case len(a) > len(b):
		return Extends, nil
	}
	return Equal, nil
}

// files are the segments, with the level-3 file before the first.
func (s *shape) files() []segment {
	if s.legacy == "" {
		return s.segs
	}
	return append([]segment{{first: 0, oid: s.legacy}}, s.segs...)
}

// compareTails compares from the first file that differs. One log can begin
// with the other only if that file is the other's last.
func compareTails(ctx context.Context, l Local, a, b []segment) (Relation, error) {
	if len(a) > 1 && len(b) > 1 {
		return Diverged, nil
	}
	limit := int64(SegmentLimit)
	if a[0].first == 0 {
		limit = LegacyLimit
	}
	objs, err := readKind(ctx, l, []OID{a[0].oid, b[0].oid}, Blob, limit)
	if err != nil {
		return Diverged, err
	}
	for _, g := range objs {
		if errors.Is(g.err, ErrMissing) {
			return Diverged, g.err
		}
		if g.err != nil {
			return Diverged, nil
		}
	}
	x, y := objs[0].o.Data, objs[1].o.Data
	switch {
	case len(a) == 1 && endsLine(x) && bytes.HasPrefix(y, x):
		return Prefix, nil
	case len(b) == 1 && endsLine(y) && bytes.HasPrefix(x, y):
		return Extends, nil
	}
	return Diverged, nil
}

func endsLine(b []byte) bool { return len(b) == 0 || b[len(b)-1] == '\n' }
