package native

import (
	"bytes"
	"os"
	"sync"
	"time"

	"github.com/git-crosslink/git-crosslink/refs"
)

// Bounds of the objects that stay in memory after they were read or written.
const (
	cachedEach = 64 << 10
	cachedAll  = 2 << 20
)

// objectCache keeps small loose objects that this process has read or written: one command
// reads the tip of its log, meta and the ledger several times. They are valid as long as
// their file is unchanged.
type objectCache struct {
	mu   sync.Mutex
	m    map[refs.OID]cachedObject
	size int
}

type cachedObject struct {
	refs.Object
	size int64 // of the file
	at   time.Time
}

func (c *objectCache) get(id refs.OID, file os.FileInfo) (refs.Object, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, ok := c.m[id]
	if !ok || o.size != file.Size() || !o.at.Equal(file.ModTime()) {
		return refs.Object{}, false
	}
	return refs.Object{Kind: o.Kind, Data: bytes.Clone(o.Data)}, true // the caller may change the data
}

func (c *objectCache) put(id refs.OID, o refs.Object, file os.FileInfo) {
	n := len(o.Data) + 256
	if n > cachedEach {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.m[id]; ok {
		c.size -= len(old.Data) + 256
	}
	if c.size += n; c.m == nil || c.size > cachedAll {
		c.m, c.size = make(map[refs.OID]cachedObject), n
	}
	c.m[id] = cachedObject{refs.Object{Kind: o.Kind, Data: bytes.Clone(o.Data)}, file.Size(), file.ModTime()}
}
