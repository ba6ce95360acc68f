package replay

import (
	"bytes"
	"runtime"
	"sync"
	"sync/atomic"
)

// decoding decodes the lines of many logs while they are read: each log's lines
// in order, several logs at a time. A log belongs to one worker for as long as it
// is read. A few lines are decoded without a worker.
type decoding struct {
	logs    []*work
	stopped []atomic.Bool // logs that have ended
	open    []chunk       // by log
	waiting int           // bytes of those
	workers []chan chunk
	wait    sync.WaitGroup
}

// chunk is a piece of one log.
type chunk struct {
	log   int
	lines [][]byte
	size  int
}

// Bounds on one chunk, on all open chunks, and on the chunks that wait for each worker (a
// shard of a log), so that memory is bounded for any number and size of logs.
const (
	chunkLines = 64
	chunkBytes = 64 << 10
	openBytes  = 2 << 20
	chunksWait = 64
)

func newDecoding(logs []*work) *decoding {
	return &decoding{logs: logs, stopped: make([]atomic.Bool, len(logs)), open: make([]chunk, len(logs))}
}

// add takes the next line of a log, which is copied, and reports whether more of
// that log is wanted. The caller is one goroutine.
func (d *decoding) add(log int, line []byte) bool {
	if d.stopped[log].Load() {
		return false
	}
	c := &d.open[log]
	c.log = log
	c.lines = append(c.lines, bytes.Clone(line))
	c.size += len(line)
	switch d.waiting += len(line); {
	case d.waiting > openBytes:
		for i := range d.open {
			if c := &d.open[i]; c.size > 0 {
				d.pass(c)
			}
		}
	case len(c.lines) == chunkLines || c.size > chunkBytes:
		d.pass(c)
	}
	return !d.stopped[log].Load()
}

// pass gives a chunk to its log's worker.
func (d *decoding) pass(c *chunk) {
	if d.workers == nil {
		for range min(runtime.GOMAXPROCS(0), len(d.logs)) {
			queue := make(chan chunk, chunksWait)
			d.workers = append(d.workers, queue)
			d.wait.Go(func() {
				for c := range queue {
					d.decode(c)
				}
			})
		}
	}
	d.workers[c.log%len(d.workers)] <- *c
	d.waiting -= c.size
	*c = chunk{}
}

// end decodes the rest. After that the logs are the caller's again.
func (d *decoding) end() {
	for _, queue := range d.workers {
		close(queue)
	}
	d.wait.Wait()
	for _, c := range d.open {
		d.decode(c)
	}
}

func (d *decoding) decode(c chunk) {
	if d.stopped[c.log].Load() {
		return
	}
	for _, line := range c.lines {
		if !d.logs[c.log].take(line) {
			d.stopped[c.log].Store(true)
			return
		}
	}
}
