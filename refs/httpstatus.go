package refs

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// A server that is busy says so by its status, 429 or 5xx, which git passes on
// in words only. git's trace of the protocol holds the server's own header
// lines; they are read from there, and nothing but them. A push of which there
// is no trace is judged without.

// httpTrace receives git's trace of the http protocol, without data and with
// secrets redacted by git. The file has no name, so nothing is left of it.
type httpTrace struct{ f *os.File }

// maxTrace bounds what is read of a trace: its end, where the last answer is.
const maxTrace = 1 << 20

// traceHTTP lets cmd trace, unless the user traces already or nothing can be
// traced: then it returns nil, which has no status.
func traceHTTP(cmd *exec.Cmd) *httpTrace {
	if getenv(cmd.Env, "GIT_TRACE_CURL") != "" || len(cmd.ExtraFiles) > 0 {
		return nil
	}
	f, err := os.CreateTemp("", "crosslink-http-")
	if err != nil {
		return nil
	}
	os.Remove(f.Name())
	cmd.ExtraFiles = []*os.File{f} // descriptor 3
	cmd.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)], "GIT_TRACE_CURL=3", "GIT_TRACE_CURL_NO_DATA=1", "GIT_TRACE_REDACT=1")
	return &httpTrace{f}
}

// last is the status of the last answer, 0 if there was none, and how long the
// server asks to be left alone.
func (h *httpTrace) last() (status int, retryAfter time.Duration) {
	if h == nil {
		return 0, 0
	}
	defer h.f.Close()
	size, err := h.f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, 0
	}
	from := max(0, size-maxTrace)
	b, err := io.ReadAll(io.NewSectionReader(h.f, from, size-from))
	if err != nil {
		return 0, 0
	}
	return parseHTTPTrace(b)
}

// parseHTTPTrace reads "… <= Recv header: HTTP/1.1 429 …" and the headers that
// follow it.
func parseHTTPTrace(b []byte) (status int, retryAfter time.Duration) {
	for line := range bytes.Lines(b) {
		_, header, ok := strings.Cut(string(line), "<= Recv header: ")
		if !ok {
			continue
		}
		if w := strings.Fields(header); len(w) >= 2 && strings.HasPrefix(w[0], "HTTP/") {
			if n, err := strconv.Atoi(w[1]); err == nil && n >= 100 && n <= 999 {
				status, retryAfter = n, 0
			}
			continue
		}
		name, value, _ := strings.Cut(header, ":")
		if strings.EqualFold(name, "retry-after") {
			if n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 16); err == nil { // a date is not worth the trouble
				retryAfter = time.Duration(n) * time.Second
			}
		}
	}
	return status, retryAfter
}
