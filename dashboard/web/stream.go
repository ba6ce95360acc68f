package web

import (
	"context"
	"net/http"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/socket"
	"github.com/git-crosslink/git-crosslink/dashboard/stream"
)

// feed is the feed as one session sees it: none, once the session has ended or its token
// was removed.
type feed struct {
	*db.DB
	hash   string
	bearer bool
}

func (s *Server) feed(r *request) feed { return feed{s.DB, r.Session.Hash, r.Bearer} }

// FeedAfter is that of the database, as long as the session is valid.
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

// events streams the feed to pages.
func (s *Server) events(r *request) error {
	return s.follow(r, func(f feed, news <-chan struct{}) error { return stream.Serve(r.W, r.Request, f, news) })
}

// socket streams the feed through a WebSocket, as scripts for crosslink 0.9 expect.
func (s *Server) socket(r *request) error {
	return s.follow(r, func(f feed, news <-chan struct{}) error { return socket.Serve(r.W, r.Request, f, news) })
}

// follow lets one more stream run.
func (s *Server) follow(r *request, serve func(feed, <-chan struct{}) error) error {
	news := s.streams.Join()
	if news == nil {
		return refuse(http.StatusServiceUnavailable, "more than %d pages listen", stream.MaxStreams)
	}
	defer s.streams.Leave(news)
	return serve(s.feed(r), news)
}
