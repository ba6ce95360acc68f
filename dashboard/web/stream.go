package web

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

// The times of a stream.
const (
	flushEvery = 250 * time.Millisecond
	beatEvery  = 15 * time.Second
	batch      = 256
)

// streams wakes those who listen.
type streams struct {
	mu    sync.Mutex
	all   map[chan struct{}]bool
	ended bool
}

// join returns a channel that is written to when there is news; nil if there
// are too many. It is closed when the server ends.
func (s *streams) join() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || len(s.all) >= maxStreams {
		return nil
	}
	if s.all == nil {
		s.all = map[chan struct{}]bool{}
	}
	c := make(chan struct{}, 1)
	s.all[c] = true
	return c
}

func (s *streams) leave(c chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, c)
}

func (s *streams) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.all {
		select {
		case c <- struct{}{}:
		default: // it has not looked yet
		}
	}
}

func (s *streams) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for c := range s.all {
		close(c)
	}
	s.all = nil
}

// feed is the feed as one session sees it: none, once the session has ended or its token
// was removed.
type feed struct {
	*db.DB
	hash   string
	bearer bool
}

func (s *Server) feed(r *request) feed { return feed{s.DB, r.session.Hash, r.bearer} }

// FeedAfter is that of the database for whoever is still logged in.
func (f feed) FeedAfter(ctx context.Context, cursor int64, limit int) ([]db.FeedEvent, bool, error) {
	var err error
	if f.bearer {
		_, err = f.Token(ctx, f.hash)
	} else {
		_, err = f.Session(ctx, f.hash)
	}
	if err != nil {
		return nil, false, err
	}
	return f.DB.FeedAfter(ctx, cursor, limit)
}

// events streams the feed. The cursor is the feed's; a browser that comes back
// says where it was.
func (s *Server) events(r *request) error {
	topics := map[string]bool{}
	for _, t := range strings.Split(r.URL.Query().Get("topics"), ",") {
		topics[t] = true
	}
	news := s.streams.join()
	if news == nil {
		return refuse(http.StatusServiceUnavailable, "more than %d pages listen", maxStreams)
	}
	defer s.streams.leave(news)
	feed := s.feed(r)
	last := r.Header.Get("Last-Event-ID")
	cursor, err := strconv.ParseInt(last, 10, 64)
	if last == "" || err != nil {
		if cursor, err = s.DB.FeedEnd(r.Context()); err != nil {
			return err
		}
	}
	r.w.Header().Set("Content-Type", "text/event-stream")
	r.w.Header().Set("X-Accel-Buffering", "no")
	out := &stream{w: r.w, c: http.NewResponseController(r.w)}
	out.write("retry: 2000\nid: %d\nevent: hello\ndata: {}\n\n", cursor)
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for out.err == nil {
		var rows []db.FeedEvent
		var gone bool
		if rows, gone, err = feed.FeedAfter(r.Context(), cursor, batch+1); err != nil {
			return nil // the answer has begun: the browser comes back
		}
		cursor = out.send(rows, gone, cursor, topics)
		if gone {
			if cursor, err = s.DB.FeedEnd(r.Context()); err != nil {
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

// wait waits for news, or until it is time to look whether the session still is one;
// false if the stream ends.
func (o *stream) wait(r *request, news chan struct{}, beat <-chan time.Time) bool {
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
