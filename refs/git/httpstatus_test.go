package git

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
		{"a date", "x <= Recv header: HTTP/1.1 503\nx <= Recv header: Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\nx <= Recv header: Date: Wed, 21 Oct 2026 07:26:30 GMT\n", 503, 90 * time.Second},
		{"a date, of no time known", "x <= Recv header: HTTP/1.1 503\nx <= Recv header: Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\n", 503, 0},
		{"a date that is over", "x <= Recv header: HTTP/1.1 503\nx <= Recv header: Date: Wed, 21 Oct 2026 07:28:01 GMT\nx <= Recv header: Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\n", 503, 0},
		{"a date far off", "x <= Recv header: HTTP/1.1 503\nx <= Recv header: Date: Wed, 21 Oct 2026 07:28:01 GMT\nx <= Recv header: Retry-After: Fri, 21 Oct 2096 07:28:00 GMT\n", 503, 65535 * time.Second},
		{"a date of another answer", "x <= Recv header: HTTP/1.1 503\nx <= Recv header: Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\nx <= Recv header: HTTP/1.1 429\nx <= Recv header: Date: Wed, 21 Oct 2026 07:26:30 GMT\n", 429, 0},
		{"nonsense", "x <= Recv header: HTTP/1.1 many\nx <= Recv header: HTTP/1.1 9999999\nx => Send header: HTTP/1.1 500\n", 0, 0},
		{"negative", "x <= Recv header: HTTP/1.1 503\nx <= Recv header: Retry-After: -5\n", 503, 0},
		{"huge", "x <= Recv header: HTTP/1.1 503\nx <= Recv header: Retry-After: 99999999999999999999999\n", 503, 65535 * time.Second},
	} {
		if status, after := parseHTTPTrace([]byte(c.trace)); status != c.status || after != c.after {
			t.Errorf("%s: %d %v, want %d %v", c.name, status, after, c.status, c.after)
		}
	}
}

// FuzzHTTPTrace: whatever a server says, it is busy for at most 18 hours.
func FuzzHTTPTrace(f *testing.F) {
	f.Add([]byte("12:00:00.1 http.c:1 <= Recv header: HTTP/1.1 429 Too Many Requests\n<= Recv header: Retry-After: 1800\n"))
	f.Add([]byte("<= Recv header: HTTP/2 99999999999999999999\n<= Recv header: retry-after:-1\n<= Recv header: :\n"))
	f.Add([]byte("<= Recv header: HTTP/ +503\n<= Recv header: HTTP/1.1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		status, after := parseHTTPTrace(b)
		if status != 0 && (status < 100 || status > 999) || after < 0 || after > 65535*time.Second {
			t.Fatal(status, after)
		}
		more := append(append(append([]byte{}, b...), '\n'), "<= Recv header: HTTP/1.1 200 OK\n"...)
		if status, after := parseHTTPTrace(more); status != 200 || after != 0 {
			t.Fatal(status, after)
		}
	})
}
