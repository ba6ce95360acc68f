package git

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// A busy server answers with status 429 or 5xx, but git reports this only in words. git's
// trace of the protocol contains the server's own header lines, and only these are read
// from it. A push without a trace is judged without a status.

// httpTrace receives git's trace of the http protocol, without data and with secrets
// redacted by git. The file has no name, so nothing of it remains.
type httpTrace struct{ f *os.File }

// maxTrace bounds the part of a trace that is read: its end, which has the last answer.
const maxTrace = 1 << 20

// traceHTTP makes cmd write a trace. It returns nil, which has no status, if the user
// already traces or tracing is impossible.
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

// last returns the status of the last answer, 0 if there was none, and how long the server
// wants to be left alone.
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

// maxRetryAfter bounds the pause that a server may ask for.
const maxRetryAfter = 65535 * time.Second

// parseHTTPTrace reads "… <= Recv header: HTTP/1.1 429 …" and the headers that
// follow it.
func parseHTTPTrace(b []byte) (status int, retryAfter time.Duration) {
	var at, until time.Time // by the server's clock
	for line := range bytes.Lines(b) {
		_, header, ok := strings.Cut(string(line), "<= Recv header: ")
		if !ok {
			continue
		}
		if w := strings.Fields(header); len(w) >= 2 && strings.HasPrefix(w[0], "HTTP/") {
			if n, err := strconv.Atoi(w[1]); err == nil && n >= 100 && n <= 999 {
				status, retryAfter, at, until = n, 0, time.Time{}, time.Time{}
			}
			continue
		}
		name, value, _ := strings.Cut(header, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(name) {
		case "date":
			at, _ = time.Parse(httpDate, value)
		case "retry-after":
			retryAfter = 0
			if until, _ = time.Parse(httpDate, value); until.IsZero() {
				retryAfter = seconds(value)
			}
		}
	}
	if !at.IsZero() && until.After(at) {
		retryAfter = min(until.Sub(at), maxRetryAfter)
	}
	return status, retryAfter
}

// httpDate is the only form of a date that servers write today.
const httpDate = "Mon, 02 Jan 2006 15:04:05 GMT"

// seconds parses a number of seconds; 0 if it is not a number.
func seconds(value string) time.Duration {
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0
	}
	return time.Duration(min(n, uint64(maxRetryAfter/time.Second))) * time.Second
}
