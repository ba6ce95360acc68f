package rewrite

import (
	"bytes"

	"github.com/git-crosslink/git-crosslink/event"
)

// Plan says how the lines of a log are written again.
type Plan struct {
	On       event.Chain // the log that they continue; it signs them
	Key      string      // the public key that signs, which a first line introduces; "" is none
	KeepKeys bool        // leave changes and introductions of keys as they are
	Latest   event.Time  // the greatest time that is believed; 0 is any
}

// Lines re-encodes the lines for another log and returns them with the chain they
// end. The given envelopes are not modified.
func Lines(old []*event.Envelope, p Plan) (chain event.Chain, lines [][]byte, err error) {
	chain = p.On
	for _, e := range old {
		again := p.again(e, &chain)
		if again == nil {
			continue
		}
		line, err := chain.Rewrite(again)
		if err != nil {
			return p.On, nil, err
		}
		if _, err := chain.Next(line); err != nil {
			return p.On, nil, err
		}
		lines = append(lines, line)
	}
	return chain, lines, nil
}

// again is a line at its new place, nil if it has none.
func (p *Plan) again(e *event.Envelope, on *event.Chain) *event.Envelope {
	c := *e
	if !p.KeepKeys {
		switch b := e.Body.(type) {
		case *event.KeyRotated:
			return nil
		case *event.AgentIntroduced:
			if on.Seq > 0 && !Says(b) {
				return nil
			}
			in := *b
			if in.PublicKey = ""; on.Seq == 0 {
				in.PublicKey = p.Key
			}
			c.Body = &in
		}
	}
	at, shown := e.Time, e.Shown()
	if p.Latest > 0 && at > p.Latest {
		at, shown = p.Latest, min(shown, p.Latest)
	}
	c.V, c.Hub, c.Agent, c.Seq, c.Prev = 4, on.Hub, on.Agent, on.Seq+1, on.Hash
	c.Time, c.Wall = max(at, on.Time), 0
	if shown != c.Time {
		c.Wall = shown
	}
	return &c
}

// Says reports whether an introduction says more than the one every log begins
// with.
func Says(b *event.AgentIntroduced) bool {
	return b.Description != "" || b.Machine != "" || b.Name != ""
}

// Common counts the lines that say the same in both logs.
func Common(a, b []*event.Envelope) int {
	n := 0
	for n < len(a) && n < len(b) && a[n].Time == b[n].Time && bytes.Equal(a[n].Event, b[n].Event) {
		n++
	}
	return n
}
