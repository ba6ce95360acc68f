package git

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/git-crosslink/git-crosslink/refs"
)

// Before a push the hub sends git a list of all its refs. git does not pass the list on,
// but its trace of the protocol contains the refs, and only these are read from it.

// packetTrace receives git's trace of the packets sent and received. The file has no name,
// so nothing of it remains.
type packetTrace struct{ f *os.File }

// maxShown bounds the part of a trace that is read: its beginning, which has the refs.
const maxShown = 4 << 20

// tracePackets makes cmd write a trace. It returns nil, which knows of no refs, if the user
// already traces or tracing is impossible.
func tracePackets(cmd *exec.Cmd) *packetTrace {
	if getenv(cmd.Env, "GIT_TRACE_PACKET") != "" {
		return nil
	}
	f, err := os.CreateTemp("", "crosslink-packets-")
	if err != nil {
		return nil
	}
	os.Remove(f.Name())
	cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	cmd.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)], fmt.Sprintf("GIT_TRACE_PACKET=%d", 2+len(cmd.ExtraFiles)))
	return &packetTrace{f}
}

// refs returns the tracker's refs that the hub has listed, nil if they are not known.
func (p *packetTrace) refs(f refs.Format) map[string]refs.OID {
	if p == nil {
		return nil
	}
	defer p.f.Close()
	b, err := io.ReadAll(io.NewSectionReader(p.f, 0, maxShown))
	if err != nil {
		return nil
	}
	return parseShown(string(b), f)
}

// parseShown parses "… packet: push< <oid> <ref>" up to the first "0000" after a ref.
// Packets that the hub's own git received are ignored, and so is everything later: a hook
// of the hub may push, too.
func parseShown(trace string, f refs.Format) map[string]refs.OID {
	shown, begun := map[string]refs.OID{}, false
	for line := range strings.Lines(trace) {
		_, packet, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " packet: ")
		if !ok {
			continue
		}
		who, text, ok := strings.Cut(strings.TrimLeft(packet, " "), "< ")
		if !ok || strings.ContainsRune(who, ' ') || who == "receive-pack" {
			continue
		}
		if text == "0000" && begun {
			return shown
		}
		oid, name, ok := strings.Cut(text, " ")
		if !ok || !f.Valid(refs.OID(oid)) {
			continue
		}
		begun = true
		if name, _, _ = strings.Cut(name, `\0`); strings.HasPrefix(name, refs.HubPrefix) {
			shown[name] = refs.OID(oid)
		}
	}
	return nil
}
