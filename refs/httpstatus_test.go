package refs

import (
	"testing"
	"time"
)

func TestParseHTTPTrace(t *testing.T) {
	for _, c := range []struct {
		name, trace string
		status      int
		after       time.Duration
	}{
		{"none", "", 0, 0},
		{"ok", "10:00:00.1 http.c:1 <= Recv header: HTTP/1.1 200 OK\n", 200, 0},
		{"the last counts", "x <= Recv header: HTTP/1.1 401 Unauthorized\nx <= Recv header: Retry-After: 9\nx <= Recv header: HTTP/2 429 \r\nx <= Recv header: retry-after: 30\r\n", 429, 30 * time.Second},
		{"of another answer", "x <= Recv header: HTTP/1.1 503 x\nx <= Recv header: Retry-After: 9\nx <= Recv header: HTTP/1.1 200 OK\n", 200, 0},
		{"a date", "x <= Recv header: HTTP/1.1 503\nx <= Recv header: Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\n", 503, 0},
		{"nonsense", "x <= Recv header: HTTP/1.1 many\nx <= Recv header: HTTP/1.1 9999999\nx => Send header: HTTP/1.1 500\n", 0, 0},
		{"negative, huge", "x <= Recv header: HTTP/1.1 503\nx <= Recv header: Retry-After: -5\nx <= Recv header: Retry-After: 99999999\n", 503, 0},
	} {
		if status, after := parseHTTPTrace([]byte(c.trace)); status != c.status || after != c.after {
			t.Errorf("%s: %d %v, want %d %v", c.name, status, after, c.status, c.after)
		}
	}
}
