package refs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// Logs of strangers are read within bounds. The rules are:
//
//   - one object at a time is in memory, and nothing of it is kept here;
//   - logs are read in groups, and a group shard by shard, so that the size of their
//     tree listings is bounded too;
//   - a log that has ended is read further only as long as that is cheaper than a new
//     request, so data after its end costs nearly nothing.
const (
	walkGroup  = 128
	wasteLimit = 8 << 20
	wasteEach  = 4 << 10 // the cost of an object of any size
)

// WalkLogs reads many logs and passes each line, without its LF, to each: the lines of one
// log in order, the lines of a level-3 events.log first, with sequence 0. each returns
// false to end that log. If it keeps a line it must copy it, or it keeps a whole segment in
// memory. WalkLogs takes three Read calls for each 128 logs and two for each 4,096 lines of
// the longest of them. One bad log never stops the others. The returned Logs have no Lines
// and Legacy; an end that each asked for is not Bad.
func WalkLogs(ctx context.Context, l Local, reqs []LogRequest, each func(i int, seq uint64, line []byte) bool) ([]Log, error) {
	logs := make([]Log, len(reqs))
	for start := 0; start < len(reqs); start += walkGroup {
		end := min(start+walkGroup, len(reqs))
		w := &walker{l: l, reqs: reqs[start:end], logs: logs[start:end],
			each: func(i int, seq uint64, line []byte) bool { return each(start+i, seq, line) }}
		if err := w.group(ctx); err != nil {
			return nil, err
		}
	}
	return logs, nil
}

// walker walks one group.
type walker struct {
	l      Local
	reqs   []LogRequest
	logs   []Log
	shapes []*shape
	each   func(i int, seq uint64, line []byte) bool

	sizes []int
	ended []bool
	waste int // bytes read of ended logs since the last call began
}

// want is one file to read: a segment, or events.log if seg is -1.
type want struct{ log, seg int }

func (w *walker) group(ctx context.Context) (err error) {
	if w.shapes, err = heads(ctx, w.l, w.reqs, false); err != nil {
		return err
	}
	w.sizes, w.ended = make([]int, len(w.reqs)), make([]bool, len(w.reqs))
	for round, more := 0, true; more; round++ {
		if err := readShards(ctx, w.l, w.shapes, 1); err != nil {
			return err
		}
		if round == 0 {
			if err := w.read(ctx, w.legacy(), LegacyLimit); err != nil {
				return err
			}
		}
		if err := w.read(ctx, w.wants(), SegmentLimit); err != nil {
			return err
		}
		more = false
		for i, s := range w.shapes {
			s.segs = nil
			if w.ended[i] {
				s.next = len(s.shards)
			}
			more = more || s.next < len(s.shards)
		}
	}
	for i, s := range w.shapes {
		w.logs[i].Tip, w.logs[i].Bad, w.logs[i].Missing, w.logs[i].Unreadable = w.reqs[i].Tip, s.bad, s.missing, s.unread
	}
	return nil
}

// legacy returns each log's level-3 file, if it contains lines from From on.
func (w *walker) legacy() []want {
	var ws []want
	for i, s := range w.shapes {
		if s.legacy != "" && (len(s.segs) == 0 || w.reqs[i].From < s.segs[0].first) {
			ws = append(ws, want{i, -1})
		}
	}
	return ws
}

// wants returns the files to read now, log by log: segments with lines from From on, and
// always the newest.
func (w *walker) wants() []want {
	var ws []want
	for i, s := range w.shapes {
		for k, g := range s.segs {
			if g.last() >= w.reqs[i].From || w.newest(i, k) {
				ws = append(ws, want{i, k})
			}
		}
	}
	return ws
}

func (w *walker) newest(i, seg int) bool {
	s := w.shapes[i]
	return seg == len(s.segs)-1 && s.next == len(s.shards)
}

// errWaste ends a Read call that mostly returns data that is no longer needed.
var errWaste = errors.New("the rest is not wanted")

func (w *walker) read(ctx context.Context, wants []want, limit int64) error {
	for len(wants) > 0 {
		ids := make([]OID, len(wants))
		for n, x := range wants {
			if ids[n] = w.shapes[x.log].legacy; x.seg >= 0 {
				ids[n] = w.shapes[x.log].segs[x.seg].oid
			}
		}
		w.waste = 0
		done := 0
		err := w.l.Read(ctx, ids, limit, func(n int, o Object, err error) error {
			done = n + 1
			return w.file(wants[n], o, err)
		})
		if err == nil {
			return nil
		}
		if !errors.Is(err, errWaste) {
			return err
		}
		var rest []want
		for _, x := range wants[done:] {
			if !w.ended[x.log] {
				rest = append(rest, x)
			}
		}
		wants = rest
	}
	return nil
}

// end ends a log with a fault that takes precedence over those found in its trees.
func (w *walker) end(i int, what string, err error) {
	w.shapes[i].bad, w.ended[i] = "", true
	if what != "" {
		w.shapes[i].fail(what, err)
	}
}

// file takes in one file. It returns errWaste or nil.
func (w *walker) file(x want, o Object, err error) error {
	i := x.log
	if w.ended[i] {
		if w.waste += len(o.Data) + wasteEach; w.waste > wasteLimit {
			return errWaste
		}
		return nil
	}
	if err == nil && o.Kind != Blob {
		err = errors.New("not a file")
	}
	if w.sizes[i] += len(o.Data); err == nil && w.sizes[i] > LogLimit {
		err = ErrTooLarge
	}
	switch {
	case x.seg >= 0:
		w.segment(x, o.Data, err)
	case err != nil:
		w.end(i, legacyFile, err)
	default:
		for line := range bytes.SplitSeq(o.Data, []byte{'\n'}) {
			if len(line) > 0 && !w.each(i, 0, line) {
				w.end(i, "", nil)
				return nil
			}
		}
	}
	return nil
}

func (w *walker) segment(x want, data []byte, err error) {
	i := x.log
	g := w.shapes[i].segs[x.seg]
	name := fmt.Sprintf("segment %d", g.first)
	if err != nil {
		w.end(i, name, err)
		return
	}
	full := g.last() - g.first + 1
	for n := uint64(0); ; n++ {
		k := bytes.IndexByte(data, '\n')
		switch {
		case len(data) == 0 && n == 0:
			w.end(i, name+" is empty", nil)
		case len(data) == 0 && n < full && !w.newest(i, x.seg):
			w.end(i, name+" has too few lines", nil)
		case len(data) == 0:
		case n == full:
			w.end(i, name+" has too many lines", nil)
		case k < 0:
			w.end(i, name+" ends in the middle of a line", nil)
		default:
			if w.logs[i].First == 0 {
				w.logs[i].First = g.first
			}
			if w.each(i, g.first+n, data[:k:k]) {
				data = data[k+1:]
				continue
			}
			w.end(i, "", nil)
		}
		return
	}
}
