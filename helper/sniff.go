package helper

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// Traffic is what a session was about, as far as can be distinguished from what git
// said to the server, and in a clone the server to git.
type Traffic struct {
	Fetched bool   // objects were asked for
	Pushed  bool   // a push was begun
	Listed  bool   // refs were asked for: the whole of a fetch that finds nothing new
	Family  string // of addresses, if git was told one: "ipv4" or "ipv6"
	Partial bool   // only refs of some names were asked for, and not all branches

	NoTracker bool // the server has named its branches, and none is a tracker's
}

// sniffer reads what git says on its way: lines of the helper protocol and,
// once connected to a service, pkt-lines. It keeps a few bytes and can be
// given anything.
type sniffer struct {
	mu sync.Mutex
	Traffic
	pkt  bool   // pkt-lines, not lines
	buf  []byte // the beginning of the current line or packet
	left int    // bytes of the packet still to come, that do not matter
	head bool   // the length of a packet is known, its first bytes are awaited
	all  bool   // the current request for refs asks for all branches
}

// sniffed are how many bytes of a line or packet are looked at.
const sniffed = 48

// Write implements io.Writer; it takes everything.
func (s *sniffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(p)
	for len(p) > 0 {
		if s.pkt {
			p = s.packet(p)
		} else {
			p = s.line(p)
		}
	}
	return n, nil
}

func (s *sniffer) traffic() Traffic {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Traffic
}

func (s *sniffer) line(p []byte) []byte {
	i := strings.IndexByte(string(p), '\n')
	end := i
	if i < 0 {
		end = len(p)
	}
	s.buf = append(s.buf, p[:min(end, sniffed-min(sniffed, len(s.buf)))]...)
	if i < 0 {
		return nil
	}
	line := string(s.buf)
	s.buf = s.buf[:0]
	switch word, rest, _ := strings.Cut(line, " "); word {
	case "option":
		if f, ok := strings.CutPrefix(rest, "family "); ok && (f == "ipv4" || f == "ipv6") {
			s.Family = f
		}
	case "list":
		s.Listed = s.Listed || rest == ""
	case "fetch", "import":
		s.Fetched = true
	case "push", "export":
		s.Pushed = true
	case "connect", "stateless-connect":
		s.pkt = rest == uploadPack
		s.Listed = s.Listed || s.pkt
		s.Pushed = s.Pushed || rest == receivePack
	}
	return p[i+1:]
}

// packet takes the length, then the first bytes, then skips the rest. What is
// no length belongs to a line again: the helper had answered 'fallback'.
func (s *sniffer) packet(p []byte) []byte {
	if s.left > 0 && !s.head {
		n := min(s.left, len(p))
		s.left -= n
		return p[n:]
	}
	if !s.head {
		n := min(4-len(s.buf), len(p))
		s.buf = append(s.buf, p[:n]...)
		if len(s.buf) < 4 {
			return nil
		}
		length, ok := hex4(s.buf)
		if !ok {
			again := append(append([]byte(nil), s.buf...), p[n:]...)
			s.buf, s.pkt = s.buf[:0], false
			return again
		}
		s.buf = s.buf[:0]
		s.left, s.head = max(0, length-4), length > 4
		return p[n:]
	}
	n := min(s.left, len(p), sniffed-len(s.buf))
	s.buf = append(s.buf, p[:n]...)
	s.left -= n
	if s.left == 0 || len(s.buf) == sniffed {
		s.request(string(s.buf))
		s.buf, s.head = s.buf[:0], false
	}
	return p[n:]
}

func (s *sniffer) request(begins string) {
	switch {
	case strings.HasPrefix(begins, "command=fetch"), strings.HasPrefix(begins, "want "):
		s.Fetched = true
	case strings.HasPrefix(begins, "command=ls-refs"):
		s.Listed = true
	case strings.HasPrefix(begins, "ref-prefix "):
		prefix := strings.TrimSuffix(strings.TrimPrefix(begins, "ref-prefix "), "\n")
		s.all = s.all || strings.HasPrefix(trackerBranches, prefix)
		s.Partial = !s.all
	}
}

// trackerBranches is where a hub has its tracker.
const trackerBranches = "refs/heads/crosslink/"

// listing passes on what the server says and reports whether it names a branch
// of a tracker. It looks until git asks for objects: all refs are named by then.
type listing struct {
	to    io.Writer
	asked func() bool // git has asked for objects
	over  bool
	found bool
	end   []byte // the last bytes of what was written before
}

// Write implements io.Writer.
func (l *listing) Write(p []byte) (int, error) {
	if l.over = l.over || l.found || l.asked(); !l.over {
		const name = " " + trackerBranches
		text := append(l.end, p...)
		l.found = bytes.Contains(text, []byte(name))
		l.end = append([]byte(nil), text[max(0, len(text)-len(name)+1):]...)
	}
	return l.to.Write(p)
}

func hex4(b []byte) (int, bool) {
	n := 0
	for _, c := range b {
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | int(c-'0')
		case 'a' <= c && c <= 'f':
			n = n<<4 | int(c-'a'+10)
		case 'A' <= c && c <= 'F':
			n = n<<4 | int(c-'A'+10)
		default:
			return 0, false
		}
	}
	return n, true
}
