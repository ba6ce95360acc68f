package refs

import (
	"bytes"
	"os"
	"sync"
	"time"
)

// Bounds of what is held of objects that were read or written.
const (
	heldEach = 64 << 10
	heldAll  = 2 << 20
)

// held are small loose objects that this process has read or written: one
// command looks at the tip of its log, at meta and at the ledger several times.
// They count as long as their file is the one it was.
type held struct {
	mu   sync.Mutex
	m    map[OID]heldObject
	size int
}

type heldObject struct {
	Object
	size int64 // of the file
	at   time.Time
}

func (h *held) get(id OID, file os.FileInfo) (Object, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o, ok := h.m[id]
	if !ok || o.size != file.Size() || !o.at.Equal(file.ModTime()) {
		return Object{}, false
	}
	return Object{o.Kind, bytes.Clone(o.Data)}, true // who asks may do with it as they like
}

func (h *held) put(id OID, o Object, file os.FileInfo) {
	n := len(o.Data) + 256
	if n > heldEach {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if old, ok := h.m[id]; ok {
		h.size -= len(old.Data) + 256
	}
	if h.size += n; h.m == nil || h.size > heldAll {
		h.m, h.size = make(map[OID]heldObject), n
	}
	h.m[id] = heldObject{Object{o.Kind, bytes.Clone(o.Data)}, file.Size(), file.ModTime()}
}
