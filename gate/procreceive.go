package gate

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// The protocol of proc-receive (githooks(5)), in pkt-lines: git and the hook exchange
// version and capabilities, git sends the refs, and the hook answers for each. It gets only
// the refs in receive.procReceiveRefs, so a push of only code does not start it. It leaves
// accepted refs to git ("fall-through"), and refuses the others one by one.

// ProcReceive answers git until the push is checked, and returns what was refused.
func ProcReceive(ctx context.Context, h Hook) ([]*Refusal, error) {
	h.perRef = true
	in, out := bufio.NewReaderSize(h.In, 64<<10), bufio.NewWriter(h.Out)
	hello, err := section(in)
	if err != nil {
		return nil, err
	}
	if len(hello) == 0 || !strings.HasPrefix(hello[0], "version=1") {
		return nil, errors.New("git speaks another version of proc-receive")
	}
	can := strings.Fields(strings.ReplaceAll(strings.TrimPrefix(hello[0], "version=1"), "\x00", " "))
	options := slices.Contains(can, "push-options")
	answer := "version=1\x00"
	if options {
		answer += "push-options"
	}
	if err := say(out, answer+"\n"); err != nil {
		return nil, err
	}
	lines, err := section(in)
	if err != nil {
		return nil, err
	}
	if options { // for other hooks
		if _, err := section(in); err != nil {
			return nil, err
		}
	}
	var push, mine []Command
	for _, line := range lines {
		c, err := command(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, err
		}
		push = append(push, c)
		if Ours(c.Ref) {
			mine = append(mine, c)
		}
	}
	refused, err := h.check(ctx, mine)
	why := map[string]string{}
	for _, r := range refused {
		why[r.Ref] = r.reason()
		if h.Advice != nil {
			why[r.Ref] += "; hint: " + printable(strings.Join(h.Advice(r.Cure, r.With), "; "))
		}
	}
	if err != nil {
		for _, c := range mine {
			why[c.Ref] = "the gate cannot judge it"
		}
	}
	var answers []string
	for _, c := range push {
		if w, bad := why[c.Ref]; bad {
			answers = append(answers, "ng "+c.Ref+" "+w+"\n")
		} else {
			answers = append(answers, "ok "+c.Ref+"\n", "option fall-through\n")
		}
	}
	if serr := say(out, answers...); err == nil {
		err = serr
	}
	return refused, err
}

// section reads pkt-lines up to a flush.
func section(in *bufio.Reader) ([]string, error) {
	var lines []string
	for {
		var head [4]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return nil, fmt.Errorf("read from git: %w", err)
		}
		n, err := strconv.ParseUint(string(head[:]), 16, 16)
		switch {
		case err != nil || n > 0 && n < 4:
			return nil, fmt.Errorf("unexpected length '%s' from git", plain(string(head[:])))
		case n == 0:
			return lines, nil
		}
		data := make([]byte, n-4)
		if _, err := io.ReadFull(in, data); err != nil {
			return nil, fmt.Errorf("read from git: %w", err)
		}
		lines = append(lines, string(data))
	}
}

// maxPacket is the length of one pkt-line.
const maxPacket = 1000

// say writes pkt-lines and a flush.
func say(out *bufio.Writer, lines ...string) error {
	for _, l := range lines {
		if len(l) > maxPacket {
			l = l[:maxPacket-1] + "\n"
		}
		fmt.Fprintf(out, "%04x%s", len(l)+4, l)
	}
	out.WriteString("0000")
	return out.Flush()
}
