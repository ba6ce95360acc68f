package git

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/git-crosslink/git-crosslink/refs"
)

// Before a push git is shown all refs of the hub. It does not pass them on, but
// its trace of the protocol holds them: they are read from there, and nothing
// but them.

// packetTrace receives git's trace of what is sent and received. The file has no
// name, so nothing is left of it.
type packetTrace struct{ f *os.File }

// maxShown bounds what is read of a trace: its beginning, where the refs are.
const maxShown = 4 << 20

// tracePackets lets cmd trace, unless the user traces already or nothing can be
// traced: then it returns nil, which knows of no refs.
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

// refs are those of the tracker that the hub has shown, nil if that is not known.
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

// parseShown reads "… packet: push< <oid> <ref>" up to the first "0000" after a ref. Data
// that the hub's own git received is ignored, and so is everything later: a hook of the hub
// may push, too.
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
