// Package socket sends the feed through a WebSocket, as crosslink 0.9 did. dashboard/web has
// decided who may open one.
package socket

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
)

// The frames are those of crosslink 0.9: each is an object with "seq", which counts from 1,
// and "type". A client may subscribe to channels; otherwise it receives all. Pages use the stream of server-sent events.

// Protocol is the subprotocol that is answered if it is offered.
const Protocol = "crosslink.v1"

// The bounds of a socket.
const (
	MaxFrame   = 4 << 10 // that a client sends
	Batch      = 256     // events at once; more is a gap
	flushEvery = 250 * time.Millisecond
	pingEvery  = 20 * time.Second
	sendWait   = 10 * time.Second
)

// frames are the types of frames and their channels, by the kind of the event. The
// other channels of 0.9 (agents, issues, locks, execution) were about files of one clone.
var frames = map[string]struct{ kind, channel string }{
	"project_updated":  {"dashboard_project_updated", "dashboard"},
	"alerts_changed":   {"dashboard_alerts_changed", "dashboard"},
	"projects_changed": {"dashboard_projects_changed", "dashboard"},
	"webhooks_changed": {"dashboard_webhooks_changed", "dashboard"},
	"silences_changed": {"dashboard_silences_changed", "dashboard"},
	"settings_changed": {"dashboard_settings_changed", "dashboard"},
}

// socket is the connection of one client.
type socket struct {
	c   *websocket.Conn
	seq int

	mu       sync.Mutex
	channels []string // nil is all
}

// Feed is where events come from. A cursor names the last one that was read.
type Feed interface {
	FeedAfter(ctx context.Context, cursor int64, limit int) (events []db.FeedEvent, gone bool, err error)
	FeedEnd(ctx context.Context) (int64, error)
}

// Serve upgrades a request to a WebSocket and follows the feed from now on, until the
// client goes away or news is closed. Whatever is written to news wakes it.
func Serve(w http.ResponseWriter, r *http.Request, feed Feed, news <-chan struct{}) error {
	cursor, err := feed.FeedEnd(r.Context())
	if err != nil {
		return err
	}
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{Protocol}, InsecureSkipVerify: true}) // its origin was checked
	if err != nil {
		return nil // it has answered
	}
	defer c.CloseNow()
	c.SetReadLimit(MaxFrame)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	o := &socket{c: c}
	go func() {
		defer cancel()
		o.listen(ctx)
	}()
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		rows, gone, err := feed.FeedAfter(ctx, cursor, Batch+1)
		if err != nil {
			return nil
		}
		if cursor, err = o.send(ctx, feed, rows, gone, cursor); err != nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case _, ok := <-news:
			if !ok {
				return c.Close(websocket.StatusGoingAway, "the dashboard ends")
			}
		case <-ping.C:
			bounded, done := context.WithTimeout(ctx, sendWait)
			err := c.Ping(bounded)
			done()
			if err != nil {
				return nil
			}
		}
		time.Sleep(flushEvery)
	}
}

// listen reads frames from the client until it closes the connection.
func (o *socket) listen(ctx context.Context) {
	for {
		_, text, err := o.c.Read(ctx)
		if err != nil {
			return
		}
		var m struct {
			Type     string   `json:"type"`
			Channels []string `json:"channels"`
		}
		if json.Unmarshal(text, &m) == nil && m.Type == "subscribe" {
			o.mu.Lock()
			o.channels = append([]string{}, m.Channels...)
			o.mu.Unlock()
		}
	}
}

// send sends the events of the client's channels, of each kind and project the newest, and
// returns the new cursor. A gap frame stands for events that were dropped.
func (o *socket) send(ctx context.Context, feed Feed, rows []db.FeedEvent, gone bool, cursor int64) (int64, error) {
	if gone || len(rows) > Batch {
		end, err := feed.FeedEnd(ctx)
		if err != nil {
			return cursor, err
		}
		return end, o.frame(ctx, "gap", "", map[string]any{"dropped": max(end-cursor, 1)})
	}
	newest := map[string]int64{}
	for _, e := range rows {
		newest[e.Kind+" "+e.Project] = e.ID
	}
	for _, e := range rows {
		cursor = e.ID
		f, ok := frames[e.Kind]
		// alerts that opened are counted, so none of these is left out
		if !ok || e.Kind != "alerts_changed" && newest[e.Kind+" "+e.Project] != e.ID {
			continue
		}
		fields := map[string]any{}
		if err := json.Unmarshal([]byte(e.Body), &fields); err != nil {
			return cursor, err
		}
		if e.Kind == "alerts_changed" && fields["opened"] == 0.0 && fields["resolved"] == 0.0 {
			continue // one was acknowledged, of which 0.9 knew nothing
		}
		if err := o.frame(ctx, f.kind, f.channel, fields); err != nil {
			return cursor, err
		}
	}
	return cursor, nil
}

// frame sends one frame, if it is in one of the client's channels.
func (o *socket) frame(ctx context.Context, kind, channel string, fields map[string]any) error {
	o.mu.Lock()
	deaf := channel != "" && o.channels != nil && !slices.Contains(o.channels, channel)
	o.mu.Unlock()
	if deaf {
		return nil
	}
	o.seq++
	fields["seq"], fields["type"] = o.seq, kind
	b, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	bounded, done := context.WithTimeout(ctx, sendWait)
	defer done()
	if err := o.c.Write(bounded, websocket.MessageText, b); err != nil {
		return errors.Join(err, ctx.Err())
	}
	return nil
}
