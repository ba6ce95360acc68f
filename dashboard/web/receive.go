package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// receive takes the request that a forge sends after a push. It reads only the signature and
// the id, and makes a fetch of the project due. The id is remembered last, so a delivery that
// failed can be sent again.
func (s *Server) receive(r *request) error {
	to, mac := r.Receiver, hmac.New(sha256.New, r.ReceiverSecret)
	if _, err := io.Copy(mac, r.Body); err != nil {
		if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
			return refuse(http.StatusRequestEntityTooLarge, "the request is larger than %d bytes", r.Route.Bound())
		}
		return refuse(http.StatusBadRequest, "the body cannot be read")
	}
	if !hmac.Equal([]byte(r.Header.Get("X-Hub-Signature-256")), []byte("sha256="+hex.EncodeToString(mac.Sum(nil)))) {
		return refuse(http.StatusForbidden, "the signature is not that of this receiver: X-Hub-Signature-256")
	}
	id := r.Header.Get("X-GitHub-Delivery")
	if len(id) > maxDeliveryID {
		id = ""
	}
	if id != "" && s.received.has(to.Name+" "+id) {
		return s.raw(r, http.StatusOK, receivedDoc{Project: to.Slug, Seen: true})
	}
	wait := s.Poller.Kick(to.Project)
	if err := s.DB.UsedReceiver(r.Context(), to.ID); err != nil {
		return err
	}
	if id != "" {
		s.received.add(to.Name + " " + id)
	}
	return s.raw(r, http.StatusAccepted, receivedDoc{Project: to.Slug, Fetch: true, In: int((wait + time.Second - 1) / time.Second)})
}

// receivedDoc answers a forge.
type receivedDoc struct {
	Project string `json:"project"`
	Fetch   bool   `json:"fetch"`         // the project will be fetched
	In      int    `json:"fetch_seconds"` // from now
	Seen    bool   `json:"seen"`          // the delivery was received before
}

// received remembers the ids of the latest deliveries, so that a repeated one does
// nothing. Forgetting one does no harm: a project is fetched at most every ten seconds.
type received struct {
	mu   sync.Mutex
	all  map[string]bool
	ring []string
	next int
}

const (
	receivedKept  = 1000
	maxDeliveryID = 200 // bytes; a delivery with a longer id is treated as one without an id
)

func (o *received) has(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all[id]
}

func (o *received) add(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.all[id] {
		return
	}
	if o.all == nil {
		o.all, o.ring = map[string]bool{}, make([]string, receivedKept)
	}
	delete(o.all, o.ring[o.next])
	o.ring[o.next], o.all[id] = id, true
	o.next = (o.next + 1) % receivedKept
}
