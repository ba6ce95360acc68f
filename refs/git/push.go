package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/fault"
	"github.com/git-crosslink/git-crosslink/refs"
)

// pushArgs is the command line of a push. Ids and names have been checked, so
// none can be taken for an option.
func pushArgs(f refs.Format, p refs.Push) ([]string, error) {
	if err := refs.CheckPush(f, p); err != nil {
		return nil, err
	}
	var args []string
	if p.Bulk { // adjacent segments are similar enough: a larger window gains nothing
		args = append(args, "-c", "pack.window=1")
	}
	args = append(args, "push", "--porcelain", "--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no")
	if p.Atomic {
		args = append(args, "--atomic")
	}
	var specs []string
	for _, r := range p.Refs {
		if r.Lease != nil {
			args = append(args, fmt.Sprintf("--force-with-lease=%s:%s", r.Dst, *r.Lease))
		}
		spec := string(r.Src) + ":" + r.Dst
		if r.Force {
			spec = "+" + spec
		}
		specs = append(specs, spec)
	}
	args = append(args, hubRemote)
	return append(args, specs...), nil
}

// Push implements Remote.
func (r *remote) Push(ctx context.Context, p refs.Push) (*refs.PushResult, error) {
	args, err := pushArgs(r.replica.outer.Format, p)
	if err != nil {
		return nil, err
	}
	if err := fault.Error("refs.push.before"); err != nil {
		return nil, err
	}
	cmd, err := r.command(ctx, args...)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	trace := r.traceHTTP(cmd)
	var packets *packetTrace
	if p.Show {
		packets = tracePackets(cmd)
	}
	end := endGroup
	if r.serverHere() {
		alone(cmd)
		cmd.WaitDelay = serverGrace // as long as the server keeps its stderr open, which is the child's
		end = endGroupGently
	}
	err = runEnding(ctx, cmd, "push", end)
	fault.Point("refs.push.after")
	res := parsePush(out.Bytes(), p)
	res.Status, res.RetryAfter = trace.last()
	res.Shown = packets.refs(r.replica.outer.Format)
	if err != nil {
		ge, ok := errors.AsType[*Error](err)
		if !ok || ge.Exit < 0 {
			return nil, err
		}
		res.Exit, res.Stderr = ge.Exit, ge.Stderr
	}
	return res, nil
}

// serverHere reports whether the receiving end of a push is a process on this machine that git
// itself starts. This process is not killed with the push: it may hold locks of refs on the
// hub, and if it is killed, the locks stay and nobody removes them. Its input ends with the
// push, so it ends by itself after it has moved all refs or none. Only a process that does not
// end gets a signal.
func (r *remote) serverHere() bool { return refs.IsLocal(r.pushesTo()) }

// serverGrace is how long the receiving end may take to end.
const serverGrace = 3 * time.Second

// parsePush parses the output of `git push --porcelain`: between "To <url>" and "Done" one
// line per ref, <flag> TAB <from>:<to> TAB <summary>[ (<reason>)]. Lines about other refs
// are ignored. If a ref has two lines, a refusal counts, so that nothing is considered
// published because of a doubtful answer.
func parsePush(out []byte, p refs.Push) *refs.PushResult {
	res := &refs.PushResult{Refs: make(map[string]refs.RefStatus)}
	asked := make(map[string]bool)
	for _, r := range p.Refs {
		asked[r.Dst] = true
	}
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "To ") {
			res.Reached = true
			continue
		}
		w := strings.SplitN(line, "\t", 3)
		if len(w) != 3 || len(w[0]) != 1 {
			continue
		}
		_, dst, ok := strings.Cut(w[1], ":")
		if !ok || !asked[dst] {
			continue
		}
		st := refs.RefStatus{Flag: w[0][0], Summary: w[2]}
		if summary, reason, ok := strings.Cut(w[2], " ("); ok {
			st.Summary, st.Reason = summary, refs.WithoutSecrets(strings.TrimSuffix(reason, ")"))
		}
		if was, twice := res.Refs[dst]; !twice || was.Accepted() {
			res.Refs[dst] = st
		}
	}
	return res
}
