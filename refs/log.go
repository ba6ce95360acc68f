package refs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
)

// The layout of a log. Sizes are what a reader accepts of strangers.
const (
	SegmentLines = 64
	// ShardLines is how many lines the segments of one directory hold. Every
	// append writes its directory anew, so one directory for all segments
	// would make an append cost more the longer the log is: measured 1.5
	// times at 100,000 lines (docs/decisions/0007-sharded-segments.md).
	ShardLines = 64 * SegmentLines
	// SegmentLimit is the largest segment that is read: 64 lines of 256 KiB,
	// and room for one line that is longer because it quotes two others.
	SegmentLimit = SegmentLines*(256<<10+1) + 1<<20
	// LegacyLimit is the largest level-3 events.log that is read.
	LegacyLimit = 64 << 20
	// LogLimit is how much of one log is held in memory at once. A log that
	// needs more is read in pieces (LogRequest.From), but not from strangers:
	// small packs unfold to any size.
	LogLimit = 1 << 30

	treeLimit   = 16 << 20
	commitLimit = 1 << 20

	eventsDir  = "events"
	legacyFile = "events.log"
)

// Log is the good prefix of what one agent's tip holds.
type Log struct {
	Tip    OID
	Lines  [][]byte // without their LF
	First  uint64   // sequence of Lines[0]; 0 if there are no lines
	Legacy [][]byte // lines of a level-3 events.log, empty ones left out
	// Bad says why the log ends where it ends, if not because it is at its
	// end: the shape is wrong or an object cannot be read. For people.
	Bad string
	// Missing says that Bad is an object that this repository lacks, which is
	// its own defect (a torn backup), not the writer's.
	Missing bool
}

// LogRequest asks for one log. Segments that hold only lines before From are
// not read, except the newest: the end of the log is always told. From up to
// 1 means everything.
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
	entries []TreeEntry // nil if it was not read
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
	root    []TreeEntry
	events  []TreeEntry
	legacy  OID // "" if there is none
	shards  []shard
	segs    []segment // of the shards that were read
	bad     string
	missing bool
}

func (s *shape) fail(what string, err error) {
	if s.bad == "" {
		s.bad = what
		if err != nil {
			s.bad = fmt.Sprintf("%s: %v", what, err)
		}
		s.missing = errors.Is(err, ErrMissing)
	}
}

// got is one answer of Read.
type got struct {
	o   Object
	err error
}

// readKind reads objects that must be of one kind.
func readKind(ctx context.Context, l Local, ids []OID, kind Kind, limit int64) ([]got, error) {
	out := make([]got, len(ids))
	err := l.Read(ctx, ids, limit, func(i int, o Object, err error) error {
		if err == nil && o.Kind != kind {
			err = fmt.Errorf("object '%s' is not a %s", ids[i], kind)
		}
		out[i] = got{o, err}
		return nil
	})
	return out, err
}

// shapes reads commit, root tree, events tree and the shards that hold lines
// from From on (the newest in any case) of each log: four Read calls, however
// many logs there are.
func shapes(ctx context.Context, l Local, reqs []LogRequest) ([]*shape, error) {
	f := l.Format()
	all := make([]*shape, len(reqs))
	for i, r := range reqs {
		all[i] = &shape{agent: r.Agent}
	}
	// level reads one object of each log that is still good and has one.
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
		objs, err := readKind(ctx, l, ids, kind, limit)
		if err != nil {
			return err
		}
		for k, g := range objs {
			if g.err == nil {
				g.err = use(who[k], g.o.Data)
			}
			if g.err != nil {
				all[who[k]].fail(what, g.err)
			}
		}
		return nil
	}
	trees := make([]OID, len(all))
	err := level("commit", Commit, commitLimit, func(i int) OID { return reqs[i].Tip }, func(i int, data []byte) error {
		c, err := ParseCommit(f, data)
		trees[i] = c.Tree
		return err
	})
	if err != nil {
		return nil, err
	}
	dirs := make([]OID, len(all))
	err = level("tree", Tree, treeLimit, func(i int) OID { return trees[i] }, func(i int, data []byte) (err error) {
		s := all[i]
		if s.root, err = ParseTree(f, data); err != nil {
			return err
		}
		for _, e := range s.root {
			switch e.Name {
			case eventsDir:
				if e.Mode != ModeTree {
					return errors.New("'events' is not a directory")
				}
				dirs[i] = e.OID
			case legacyFile:
				if e.Mode != ModeBlob {
					return errors.New("'events.log' is not a plain file")
				}
				s.legacy = e.OID
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = level("events", Tree, treeLimit, func(i int) OID { return dirs[i] }, func(i int, data []byte) (err error) {
		s := all[i]
		if s.events, err = ParseTree(f, data); err != nil {
			return err
		}
		s.pickShards()
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := readShards(ctx, l, all, reqs); err != nil {
		return nil, err
	}
	for _, s := range all {
		s.pickSegments()
	}
	return all, nil
}

// pickShards finds the log's directories in events/. Other entries are
// somebody's extension: kept and ignored.
func (s *shape) pickShards() {
	for _, e := range s.events { // sorted, so by sequence
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
			return
		}
		s.shards = append(s.shards, shard{index: index, oid: e.OID})
	}
}

// readShards reads the directories in which lines from From on can be.
func readShards(ctx context.Context, l Local, all []*shape, reqs []LogRequest) error {
	type which struct{ log, shard int }
	var ids []OID
	var who []which
	for i, s := range all {
		for k, d := range s.shards {
			if d.last() >= reqs[i].From || k == len(s.shards)-1 {
				ids, who = append(ids, d.oid), append(who, which{i, k})
			}
		}
	}
	objs, err := readKind(ctx, l, ids, Tree, treeLimit)
	if err != nil {
		return err
	}
	for n, g := range objs {
		s := all[who[n].log]
		if s.bad != "" && len(s.shards) == 0 {
			continue
		}
		d := &s.shards[who[n].shard]
		if g.err == nil {
			d.entries, g.err = ParseTree(l.Format(), g.o.Data)
		}
		if g.err != nil {
			s.shards = s.shards[:min(len(s.shards), who[n].shard)]
			s.fail(fmt.Sprintf("'events/%06d'", who[n].shard), g.err)
		}
	}
	return nil
}

// pickSegments picks the log's files out of the shards that were read and
// checks that they follow each other. Other entries are kept and ignored.
func (s *shape) pickSegments() {
	suffix := "." + agentHash(s.agent)
	for k, d := range s.shards {
		if d.entries == nil {
			continue
		}
		for _, e := range d.entries { // sorted, so by sequence
			if len(e.Name) != 12+len(suffix) || e.Name[12:] != suffix {
				continue
			}
			first, err := strconv.ParseUint(e.Name[:12], 10, 64)
			if err != nil {
				continue
			}
			g := segment{first: first, oid: e.OID}
			due := d.index*ShardLines + 1
			if n := len(s.segs); n > 0 {
				due = s.segs[n-1].last() + 1
			} else if k == 0 && s.legacy != "" && first > d.index*ShardLines {
				due = first // a migrated log goes on where its old part ends
			}
			switch {
			case e.Mode != ModeBlob:
				s.cut(fmt.Sprintf("segment '%s' is not a plain file", e.Name))
			case first != due || first > d.last():
				s.cut(fmt.Sprintf("segment '%s' does not follow", e.Name))
			default:
				s.segs = append(s.segs, g)
				continue
			}
			return
		}
		if n := len(s.segs); k < len(s.shards)-1 && (n == 0 || s.segs[n-1].last() != d.last()) {
			s.cut(fmt.Sprintf("'events/%06d' is not full", d.index))
			return
		}
	}
}

// cut ends the log here: what is wrong comes before any fault found behind it.
func (s *shape) cut(what string) {
	s.bad, s.missing = what, false
}

// from is the index of the first segment to read.
func (s *shape) from(seq uint64) int {
	i := 0
	for i < len(s.segs)-1 && s.segs[i].last() < seq {
		i++
	}
	return i
}

// ReadLog reads one log. The error is this side's (ctx, git); whatever is
// wrong with the log itself is in Log.Bad.
func ReadLog(ctx context.Context, l Local, agent string, tip OID, from uint64) (Log, error) {
	logs, err := ReadLogs(ctx, l, []LogRequest{{Agent: agent, Tip: tip, From: from}})
	if err != nil {
		return Log{}, err
	}
	return logs[0], nil
}

// ReadLogs reads many logs with four Read calls in all. One bad log never
// stops the others. Lines share memory with their segment.
func ReadLogs(ctx context.Context, l Local, reqs []LogRequest) ([]Log, error) {
	all, err := shapes(ctx, l, reqs)
	if err != nil {
		return nil, err
	}
	// What to read, log by log: the legacy file (seg -1), then segments.
	type want struct{ log, seg int }
	var ids []OID
	var wants []want
	for i, s := range all {
		k := s.from(reqs[i].From)
		if s.legacy != "" && (len(s.segs) == 0 || reqs[i].From < s.segs[0].first) {
			ids, wants = append(ids, s.legacy), append(wants, want{i, -1})
		}
		for ; k < len(s.segs); k++ {
			ids, wants = append(ids, s.segs[k].oid), append(wants, want{i, k})
		}
	}
	logs := make([]Log, len(reqs))
	ended := make([]bool, len(reqs)) // nothing after a fault is taken
	sizes := make([]int, len(reqs))
	end := func(i int, what string, err error) {
		// This fault comes before whatever the trees showed.
		all[i].bad, ended[i] = "", true
		all[i].fail(what, err)
	}
	err = l.Read(ctx, ids, max(SegmentLimit, LegacyLimit), func(n int, o Object, err error) error {
		i, k := wants[n].log, wants[n].seg
		if ended[i] {
			return nil
		}
		s, log := all[i], &logs[i]
		if err == nil && o.Kind != Blob {
			err = errors.New("not a file")
		}
		if err == nil && k >= 0 && len(o.Data) > SegmentLimit {
			err = ErrTooLarge
		}
		if sizes[i] += len(o.Data); err == nil && sizes[i] > LogLimit {
			err = ErrTooLarge
		}
		if k < 0 {
			if err != nil {
				end(i, "events.log", err)
				return nil
			}
			for line := range bytes.SplitSeq(o.Data, []byte{'\n'}) {
				if len(line) > 0 {
					log.Legacy = append(log.Legacy, line)
				}
			}
			return nil
		}
		g := s.segs[k]
		name := fmt.Sprintf("segment %d", g.first)
		if err != nil {
			end(i, name, err)
			return nil
		}
		lines, whole := splitLines(o.Data)
		full := int(g.last() - g.first + 1)
		over := len(lines) > full
		if over {
			lines = lines[:full]
		}
		if log.First == 0 && len(lines) > 0 {
			log.First = g.first
		}
		log.Lines = append(log.Lines, lines...)
		switch {
		case len(lines) == 0 && whole:
			end(i, name+" is empty", nil)
		case over:
			end(i, name+" has too many lines", nil)
		case !whole:
			end(i, name+" ends in the middle of a line", nil)
		case k < len(s.segs)-1 && len(lines) < full:
			end(i, name+" has too few lines", nil)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i, s := range all {
		logs[i].Tip, logs[i].Bad, logs[i].Missing = reqs[i].Tip, s.bad, s.missing
	}
	return logs, nil
}

// splitLines splits at LF. whole is false if a rest without LF was left out.
func splitLines(data []byte) (lines [][]byte, whole bool) {
	for len(data) > 0 {
		n := bytes.IndexByte(data, '\n')
		if n < 0 {
			return lines, false
		}
		lines = append(lines, data[:n:n])
		data = data[n+1:]
	}
	return lines, true
}
