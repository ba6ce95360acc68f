// Package stream sends the feed to pages as server-sent events. dashboard/guard has decided
// who may open a stream.
package stream

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
)

// MaxStreams is how many streams there are at a time.
const MaxStreams = 32

// The times of a stream.
const (
	flushEvery = 250 * time.Millisecond
	beatEvery  = 15 * time.Second
	batch      = 256
)

// Hub wakes the streams.
type Hub struct {
	mu    sync.Mutex
	all   map[chan struct{}]bool
	ended bool
}

// Join returns a channel that is written to when there is news; nil if there
// are too many. It is closed when the server ends.
func (s *Hub) Join() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || len(s.all) >= MaxStreams {
		return nil
	}
	if s.all == nil {
		s.all = map[chan struct{}]bool{}
	}
	c := make(chan struct{}, 1)
	s.all[c] = true
	return c
}

// Len is how many streams there are.
func (s *Hub) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// Leave gives back a channel of Join.
func (s *Hub) Leave(c chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, c)
}

// Wake tells all streams that the feed has news.
func (s *Hub) Wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.all {
		select {
		case c <- struct{}{}:
		default: // it has not looked yet
		}
	}
}

// End ends all streams. No stream can begin afterward.
func (s *Hub) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for c := range s.all {
		close(c)
	}
	s.all = nil
}

// Feed is where events come from. A cursor names the last one that was read.
type Feed interface {
	FeedAfter(ctx context.Context, cursor int64, limit int) (events []db.FeedEvent, gone bool, err error)
	FeedEnd(ctx context.Context) (int64, error)
}

// Serve streams a feed until the client goes away, the feed ends or news is closed. The
// cursor is the feed's; a browser that comes back says where it was.
func Serve(w http.ResponseWriter, r *http.Request, feed Feed, news <-chan struct{}) error {
	topics := map[string]bool{}
	for _, t := range strings.Split(r.URL.Query().Get("topics"), ",") {
		topics[t] = true
	}
	last := r.Header.Get("Last-Event-ID")
	cursor, err := strconv.ParseInt(last, 10, 64)
	if last == "" || err != nil {
		if cursor, err = feed.FeedEnd(r.Context()); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	out := &stream{w: w, c: http.NewResponseController(w)}
	out.write("retry: 2000\nid: %d\nevent: hello\ndata: {}\n\n", cursor)
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for out.err == nil {
		rows, gone, err := feed.FeedAfter(r.Context(), cursor, batch+1)
		if err != nil {
			return nil // the answer has begun: the browser comes back
		}
		cursor = out.send(rows, gone, cursor, topics)
		if gone {
			if cursor, err = feed.FeedEnd(r.Context()); err != nil {
				return nil
			}
		}
		if len(rows) <= batch && !out.wait(r, news, beat.C) {
			return nil
		}
		time.Sleep(flushEvery)
	}
	return nil
}

// wait waits for news, or until it is time to check whether the session is still
// valid; false if the stream ends.
func (o *stream) wait(r *http.Request, news <-chan struct{}, beat <-chan time.Time) bool {
	select {
	case <-r.Context().Done():
		return false
	case _, ok := <-news:
		if !ok {
			o.write("event: server\ndata: {\"restarting\":true}\n\n")
		}
		return ok
	case <-beat:
		o.write(": beat\n\n")
		return o.err == nil
	}
}

// stream writes events.
type stream struct {
	w   http.ResponseWriter
	c   *http.ResponseController
	err error
}

func (o *stream) write(format string, args ...any) {
	if o.err != nil {
		return
	}
	o.c.SetWriteDeadline(time.Now().Add(10 * time.Second))
	if _, o.err = fmt.Fprintf(o.w, format, args...); o.err == nil {
		o.err = o.c.Flush()
	}
}

// withProject is the body of an event, with the id of its project.
func withProject(e db.FeedEvent) string {
	rest := strings.TrimPrefix(string(e.Body), "{")
	if rest != "}" {
		rest = "," + rest
	}
	return fmt.Sprintf("{%q:%q%s", "project", e.Project, rest)
}

// send writes the events that were asked for, of each kind and project the
// newest, and returns the new cursor.
func (o *stream) send(rows []db.FeedEvent, gone bool, cursor int64, topics map[string]bool) int64 {
	if gone {
		o.write("event: reset\ndata: {}\n\n")
		return cursor
	}
	if len(rows) > batch {
		o.write("event: gap\ndata: {}\n\n")
	}
	newest := map[string]int64{}
	for _, e := range rows {
		newest[e.Kind+" "+e.Project] = e.ID
	}
	for _, e := range rows {
		cursor = e.ID
		if newest[e.Kind+" "+e.Project] == e.ID && (topics["all"] || topics["p:"+e.Project] || topics[e.Kind]) {
			o.write("id: %d\nevent: %s\ndata: %s\n\n", e.ID, e.Kind, withProject(e))
		}
	}
	return cursor
}
