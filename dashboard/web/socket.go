package web

import (
	"net/http"

	"github.com/git-crosslink/git-crosslink/dashboard/socket"
)

// socket follows the feed through a WebSocket. Pages use the stream of server-sent events.
func (s *Server) socket(r *request) error {
	news := s.streams.join()
	if news == nil {
		return refuse(http.StatusServiceUnavailable, "more than %d pages listen", maxStreams)
	}
	defer s.streams.leave(news)
	return socket.Serve(r.w, r.Request, s.feed(r), news)
}
