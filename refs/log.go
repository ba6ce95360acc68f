package refs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// The layout of a log. The sizes are limits that a reader accepts from strangers.
const (
	SegmentLines = 64
	// ShardLines is the number of lines in the segments of one directory. Every append
	// rewrites its directory. With one directory for all segments, an append would cost
	// more the longer the log is: measured, 1.5 times as much at 100,000 lines
	// (docs/decisions/0007-sharded-segments.md).
	ShardLines = 64 * SegmentLines
	// SegmentLimit is the largest segment that is read: 64 lines of 256 KiB,
	// and room for one line that is longer because it quotes two others.
	SegmentLimit = SegmentLines*(256<<10+1) + 1<<20
	// LegacyLimit is the largest level-3 events.log that is read.
	LegacyLimit = 64 << 20
	// LogLimit is the largest part of one log that is read at once, because small packs can
	// unfold to any size.
	LogLimit = 1 << 30

	// logTreeLimit bounds each tree of a log. An events tree of that size lists more lines
	// than LogLimit allows.
	logTreeLimit = 64 << 10
	treeLimit    = 16 << 20 // other trees: all trees of one level together
	commitLimit  = 1 << 20

	eventsDir  = "events"
	legacyFile = "events.log"
)

// Log is the good prefix of the log at one agent's tip.
type Log struct {
	Tip    OID
	Lines  [][]byte // without their LF
	First  uint64   // sequence of Lines[0]; 0 if there are no lines
	Legacy [][]byte // lines of a level-3 events.log, empty ones left out
	// Bad is why the log ends early: its shape is wrong, or an object cannot be read. It is
	// empty if the log is read to its end. For people.
	Bad string
	// Missing means that Bad is about an object that this repository lacks. This is a
	// defect of this repository (a torn backup), not the writer's.
	Missing bool
	// Unreadable is the same for an object that exists here but is damaged, or could not be
	// read just now.
	Unreadable bool
}

// At returns the line of a sequence, nil if it is not among Lines.
func (l *Log) At(seq uint64) []byte {
	if l.First == 0 || seq < l.First || seq-l.First >= uint64(len(l.Lines)) {
		return nil
	}
	return l.Lines[seq-l.First]
}

// Last returns the sequence of the last of Lines, 0 if there are none.
func (l *Log) Last() uint64 {
	if len(l.Lines) == 0 {
		return 0
	}
	return l.First + uint64(len(l.Lines)) - 1
}

// LogRequest asks for one log. Segments with only lines before From are not read, except
// the newest: the end of the log is always reported. From up to 1 means everything.
type LogRequest struct {
	Agent string
	Tip   OID
	From  uint64
}

// SegmentPath is the path of the segment whose first line has the sequence
// first: events/<shard>/<SegmentName>.
func SegmentPath(agent string, first uint64) string {
	return eventsDir + "/" + shardName(first) + "/" + SegmentName(agent, first)
}

// shardName is the directory of the segment: six digits or more, so that
// byte order is the order of sequences up to four thousand million lines.
func shardName(first uint64) string { return fmt.Sprintf("%06d", (first-1)/ShardLines) }

// SegmentName is the file name of the segment whose first line has the
// sequence first. The agent's hash is part of it because git groups blobs for
// delta compression by the end of their path: a fixed name makes packs ten
// times larger.
func SegmentName(agent string, first uint64) string {
	return fmt.Sprintf("%012d.%s", first, agentHash(agent))
}

func agentHash(agent string) string {
	h := sha256.Sum256([]byte(agent))
	return hex.EncodeToString(h[:4])
}

// shard is one directory of events/.
type shard struct {
	index   uint64 // lines index·ShardLines + 1 and on
	oid     OID
	entries []TreeEntry // kept only for appending
}

// last is the sequence of a full shard's last line.
func (d shard) last() uint64 { return (d.index + 1) * ShardLines }

// segment is one file of a shard.
type segment struct {
	first uint64
	oid   OID
}

// last is the sequence of a full segment's last line. Segments end at
// multiples of 64; only the first of a migrated log may begin between two.
func (s segment) last() uint64 { return (s.first-1)/SegmentLines*SegmentLines + SegmentLines }

// shape is a log's trees without its lines.
type shape struct {
	agent   string
	keep    bool // keep the entries of the trees, to append to them
	root    []TreeEntry
	events  []TreeEntry
	legacy  OID // "" if there is none
	shards  []shard
	next    int       // earlier shards were read or are not needed
	segs    []segment // of the shards that were read
	due     uint64    // first line of the next segment; 0 = none was seen
	bad     string
	missing bool
	unread  bool
}

func (s *shape) fail(what string, err error) {
	if s.bad == "" {
		s.bad = what
		if err != nil {
			s.bad = fmt.Sprintf("%s: %v", what, err)
		}
		s.missing = errors.Is(err, ErrMissing)
		s.unread = errors.Is(err, ErrCorrupt) || errors.Is(err, ErrStorage)
	}
}

// got is one result of Read.
type got struct {
	o   Object
	err error
}

// readKind reads a few objects that must be of one kind.
func readKind(ctx context.Context, l Local, ids []OID, kind Kind, limit int64) ([]got, error) {
	out := make([]got, len(ids))
	err := eachKind(ctx, l, ids, kind, limit, func(i int, data []byte, err error) error {
		out[i] = got{Object{kind, data}, err}
		return nil
	})
	return out, err
}

// eachKind is Read of objects that must be of one kind.
func eachKind(ctx context.Context, l Local, ids []OID, kind Kind, limit int64, each func(i int, data []byte, err error) error) error {
	return l.Read(ctx, ids, limit, func(i int, o Object, err error) error {
		if err == nil && o.Kind != kind {
			o, err = Object{}, fmt.Errorf("object '%s' is not a %s", ids[i], kind)
		}
		return each(i, o.Data, err)
	})
}

// heads reads the commit, root tree and events tree of each log: three Read calls for any
// number of logs. It keeps only what a shape contains.
func heads(ctx context.Context, l Local, reqs []LogRequest, keep bool) ([]*shape, error) {
	f := l.Format()
	all := make([]*shape, len(reqs))
	for i, r := range reqs {
		all[i] = &shape{agent: r.Agent, keep: keep}
	}
	// level reads one object of each log that is still valid and has one.
	level := func(what string, kind Kind, limit int64, id func(i int) OID, use func(i int, data []byte) error) error {
		var ids []OID
		var who []int
		for i, s := range all {
			if oid := id(i); s.bad == "" && oid != "" {
				if !f.Valid(oid) {
					s.fail(what, errors.New("bad object id"))
					continue
				}
				ids, who = append(ids, oid), append(who, i)
			}
		}
		return eachKind(ctx, l, ids, kind, limit, func(k int, data []byte, err error) error {
			if err == nil {
				err = use(who[k], data)
			}
			if err != nil {
				all[who[k]].fail(what, err)
			}
			return nil
		})
	}
	trees, dirs := make([]OID, len(all)), make([]OID, len(all))
	err := level("commit", Commit, commitLimit, func(i int) OID { return reqs[i].Tip }, func(i int, data []byte) error {
		c, err := ParseCommit(f, data)
		trees[i] = c.Tree
		return err
	})
	if err != nil {
		return nil, err
	}
	err = level("tree", Tree, logTreeLimit, func(i int) OID { return trees[i] }, func(i int, data []byte) error {
		es, err := ParseTree(f, data)
		if err == nil {
			dirs[i], err = all[i].pickRoot(es)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = level(eventsDir, Tree, logTreeLimit, func(i int) OID { return dirs[i] }, func(i int, data []byte) error {
		es, err := ParseTree(f, data)
		if err == nil {
			all[i].pickShards(es, reqs[i].From)
		}
		return err
	})
	return all, err
}

// shapes is heads plus the segments of all shards with lines from From on (always the
// newest): four Read calls.
func shapes(ctx context.Context, l Local, reqs []LogRequest, keep bool) ([]*shape, error) {
	all, err := heads(ctx, l, reqs, keep)
	if err == nil {
		err = readShards(ctx, l, all, math.MaxInt)
	}
	return all, err
}

// pickRoot finds the log's parts in the root tree.
func (s *shape) pickRoot(es []TreeEntry) (events OID, err error) {
	if s.keep {
		s.root = es
	}
	for _, e := range es {
		switch e.Name {
		case eventsDir:
			if e.Mode != ModeTree {
				return "", errors.New("'events' is not a directory")
			}
			events = e.OID
		case legacyFile:
			if e.Mode != ModeBlob {
				return "", errors.New("'events.log' is not a plain file")
			}
			s.legacy = e.OID
		}
	}
	return events, nil
}

// pickShards finds the log's directories in events/. Other entries may belong to an
// extension: they are kept and ignored.
func (s *shape) pickShards(es []TreeEntry, from uint64) {
	if s.keep {
		s.events = es
	}
	for _, e := range es { // sorted, so by sequence
		index, err := strconv.ParseUint(e.Name, 10, 32)
		if err != nil || e.Name != fmt.Sprintf("%06d", index) {
			continue
		}
		switch n := len(s.shards); {
		case e.Mode != ModeTree:
			s.fail(fmt.Sprintf("'events/%s' is not a directory", e.Name), nil)
		case n > 0 && index != s.shards[n-1].index+1, n == 0 && index != 0 && s.legacy == "":
			s.fail(fmt.Sprintf("'events/%s' does not follow", e.Name), nil)
		}
		if s.bad != "" {
			break
		}
		s.shards = append(s.shards, shard{index: index, oid: e.OID})
	}
	for s.next < len(s.shards)-1 && s.shards[s.next].last() < from {
		s.next++
	}
}

// readShards reads up to n further shards of each log, in one Read call.
func readShards(ctx context.Context, l Local, all []*shape, n int) error {
	type which struct{ log, shard int }
	var ids []OID
	var who []which
	for i, s := range all {
		for k := 0; k < n && s.next < len(s.shards); k++ {
			ids, who = append(ids, s.shards[s.next].oid), append(who, which{i, s.next})
			s.next++
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return eachKind(ctx, l, ids, Tree, logTreeLimit, func(n int, data []byte, err error) error {
		s, k := all[who[n].log], who[n].shard
		if k >= len(s.shards) {
			return nil // the log was cut before it
		}
		var es []TreeEntry
		if err == nil {
			es, err = ParseTree(l.Format(), data)
		}
		if err != nil {
			dir := fmt.Sprintf("'events/%06d'", s.shards[k].index)
			s.cut(k, "")
			s.fail(dir, err)
			return nil
		}
		s.pickSegments(k, es)
		return nil
	})
}

// pickSegments picks the log's files out of a shard and checks that they follow the earlier
// ones. Other entries are kept and ignored.
func (s *shape) pickSegments(k int, es []TreeEntry) {
	d := &s.shards[k]
	if s.keep {
		d.entries = es
	}
	suffix := "." + agentHash(s.agent)
	for _, e := range es { // sorted, so by sequence
		if len(e.Name) != 12+len(suffix) || e.Name[12:] != suffix {
			continue
		}
		first, err := strconv.ParseUint(e.Name[:12], 10, 64)
		if err != nil {
			continue
		}
		due := s.due
		if due == 0 {
			due = d.index*ShardLines + 1
			if k == 0 && s.legacy != "" && first >= due {
				due = first // a migrated log continues where its old part ends
			}
		}
		switch {
		case e.Mode != ModeBlob:
			s.cut(k, fmt.Sprintf("segment '%s' is not a plain file", e.Name))
			return
		case first != due || first > d.last():
			s.cut(k, fmt.Sprintf("segment '%s' does not follow", e.Name))
			return
		}
		g := segment{first: first, oid: e.OID}
		s.segs, s.due = append(s.segs, g), g.last()+1
	}
	if k < len(s.shards)-1 && s.due != d.last()+1 {
		s.cut(k, fmt.Sprintf("'events/%06d' is not full", d.index))
	}
}

// cut ends the log in shard k: a fault found there comes before any fault found after it.
func (s *shape) cut(k int, what string) {
	s.bad, s.missing, s.unread = what, false, false
	s.shards = s.shards[:k+1]
	s.next = len(s.shards)
}

// ReadLog reads one log. The error is a failure on this side (ctx, git); Log.Bad has any
// fault of the log itself.
func ReadLog(ctx context.Context, l Local, agent string, tip OID, from uint64) (Log, error) {
	logs, err := ReadLogs(ctx, l, []LogRequest{{Agent: agent, Tip: tip, From: from}})
	if err != nil {
		return Log{}, err
	}
	return logs[0], nil
}

// ReadLogs reads many logs and keeps all of them in memory; WalkLogs does not. Lines share
// memory with their segment.
func ReadLogs(ctx context.Context, l Local, reqs []LogRequest) ([]Log, error) {
	lines, legacy := make([][][]byte, len(reqs)), make([][][]byte, len(reqs))
	logs, err := WalkLogs(ctx, l, reqs, func(i int, seq uint64, line []byte) bool {
		if seq == 0 {
			legacy[i] = append(legacy[i], line)
		} else {
			lines[i] = append(lines[i], line)
		}
		return true
	})
	for i := range logs {
		logs[i].Lines, logs[i].Legacy = lines[i], legacy[i]
	}
	return logs, err
}
