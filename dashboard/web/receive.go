package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
)

// receive takes what a forge sends when something was pushed. Nothing of it is read but
// its signature and its id: the project's next fetch is due now, and nothing else happens.
func (s *Server) receive(r *request) error {
	to, secret, err := s.DB.Receiver(r.Context(), r.PathValue("name"))
	if errors.Is(err, db.ErrNotFound) {
		return refuse(http.StatusNotFound, "there is no such page")
	}
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, secret)
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
	if id != "" && !s.received.first(to.Name+" "+id) {
		return s.raw(r, http.StatusOK, map[string]any{"project": to.Slug, "fetch": false, "seen": true})
	}
	if err := s.DB.UsedReceiver(r.Context(), to.ID); err != nil {
		return err
	}
	return s.raw(r, http.StatusAccepted, map[string]any{"project": to.Slug, "fetch": s.Poller.Kick(to.Project), "seen": false})
}

// received remembers the ids of the latest deliveries, so that one that is repeated does
// nothing. More could do no harm: a project is fetched at most every ten seconds.
type received struct {
	mu   sync.Mutex
	all  map[string]bool
	ring []string
	next int
}

const receivedKept = 1000

func (o *received) first(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(id) > 200 || o.all[id] {
		return false
	}
	if o.all == nil {
		o.all, o.ring = map[string]bool{}, make([]string, receivedKept)
	}
	delete(o.all, o.ring[o.next])
	o.ring[o.next], o.all[id] = id, true
	o.next = (o.next + 1) % receivedKept
	return true
}
