package helper

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// Traffic describes a session, as far as git's requests to the server show it, and in a
// clone the server's answers.
type Traffic struct {
	Fetched bool   // git asked for objects
	Pushed  bool   // git began a push
	Listed  bool   // git asked for refs: a fetch that finds nothing new does nothing else
	Family  string // address family, if git was given one: "ipv4" or "ipv6"
	Partial bool   // git asked only for refs of some names, and not for all branches

	NoTracker bool // the server has listed its branches, and none is a tracker's
}

// sniffer reads git's bytes on their way: lines of the helper protocol and, once connected
// to a service, pkt-lines. It keeps a few bytes and accepts any input.
type sniffer struct {
	mu sync.Mutex
	Traffic
	pkt  bool   // pkt-lines, not lines
	buf  []byte // the beginning of the current line or packet
	left int    // remaining bytes of the packet, which do not matter
	head bool   // the length of a packet is known, its first bytes have not arrived
	all  bool   // the current request for refs asks for all branches
}

// sniffed is how many bytes of a line or packet are inspected.
const sniffed = 48

// Write implements io.Writer; it accepts everything.
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

// packet reads the length, then the first bytes, then skips the rest. If the length is
// invalid, the bytes belong to a line again: the helper had answered 'fallback'.
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

// trackerBranches is the prefix of a hub's tracker branches.
const trackerBranches = "refs/heads/crosslink/"

// listing passes on the server's bytes and reports whether they name a tracker branch. It
// stops looking when git asks for objects: by then all refs are listed.
type listing struct {
	to    io.Writer
	asked func() bool // git has asked for objects
	over  bool
	found bool
	end   []byte // the last bytes of the data written before
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
