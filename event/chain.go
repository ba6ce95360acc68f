package event

import (
	"errors"
	"fmt"
)

// Chain walks one agent's log line by line, from its start (zero Seq, Hash and
// Time) or from a known position, and says whether the next line continues it.
// Behind the level-3 part of a migrated log Hash is its RunningHash.
//
// A Chain is a plain value: copy it to try something and throw it away.
type Chain struct {
	Hub, Agent string
	Seq        uint64 // of the last line
	Hash       string // of the last line; "" at the start
	Time       Time   // of the last line: timestamps never fall

	// Sign signs lines; nil leaves them unsigned. It is called with nil first
	// and then returns the fingerprint of the key in force (or "": unsigned),
	// because the signed bytes hold it; then with those bytes, and returns
	// the signature over them too.
	Sign func(signed []byte) (fingerprint, signature string, err error)
}

// Next decodes the log's next line and advances. The error is a *LineError:
// the log ends before this line, and the chain stays where it is.
func (c *Chain) Next(line []byte) (*Envelope, error) {
	e, err := Decode(line)
	if err != nil {
		return nil, err
	}
	switch {
	case e.Hub != c.Hub:
		return nil, &LineError{WrongHub, fmt.Sprintf("the line belongs to hub '%s'", e.Hub)}
	case e.Agent != c.Agent:
		return nil, &LineError{WrongAgent, fmt.Sprintf("the line belongs to agent '%s'", e.Agent)}
	case e.Seq != c.Seq+1:
		return nil, &LineError{Sequence, fmt.Sprintf("the sequence is %d, not %d", e.Seq, c.Seq+1)}
	case e.Prev != c.Hash:
		return nil, &LineError{PrevHash, "'prev' is not the hash of the line before"}
	case e.Time < c.Time:
		return nil, &LineError{TimeFalls, "the timestamp is earlier than that of the line before"}
	}
	c.advance(e)
	return e, nil
}

func (c *Chain) advance(e *Envelope) { c.Seq, c.Hash, c.Time = e.Seq, Hash(e.Raw), e.Time }

// Stamp makes e the log's next line: it fills in level, hub, agent, sequence,
// prev and the times, signs, encodes and advances. now is the writer's clock,
// seen the newest timestamp this replica knows of:
//
//	timestamp = min(MaxTime, max(now, seen + 1 ns, own last))
//
// and Wall is now where the two differ. On an error neither the chain has
// moved nor is e of use.
func (c *Chain) Stamp(e *Envelope, now, seen Time) ([]byte, error) {
	now = min(max(now, 0), MaxTime)
	seen = min(max(seen, -1), MaxTime-1)
	e.V, e.Hub, e.Agent, e.Seq, e.Prev = 4, c.Hub, c.Agent, c.Seq+1, c.Hash
	e.Time = min(MaxTime, max(now, seen+1, c.Time))
	e.Wall = 0
	if now != e.Time {
		e.Wall = now
	}
	e.SignedBy, e.Signature = "", ""
	if err := c.sign(e); err != nil {
		return nil, err
	}
	line, err := Encode(e)
	if err != nil {
		return nil, err
	}
	c.advance(e)
	return line, nil
}

// Rewrite signs and encodes an envelope whose place in the log and times are
// set: one that was written before, for another place. It does not advance.
func (c *Chain) Rewrite(e *Envelope) ([]byte, error) {
	e.SignedBy, e.Signature = "", ""
	if err := c.sign(e); err != nil {
		return nil, err
	}
	return Encode(e)
}

// sign sets SignedBy and Signature.
func (c *Chain) sign(e *Envelope) error {
	if c.Sign == nil {
		return nil
	}
	by, _, err := c.Sign(nil)
	if err != nil || by == "" {
		return err
	}
	// A stand-in of the right form makes the line whole, so that the signed
	// bytes come from the one place that makes them.
	e.SignedBy, e.Signature = by, "AAAA"
	line, err := Encode(e)
	if err != nil {
		return err
	}
	again, sig, err := c.Sign(Signed(line))
	if err != nil {
		return err
	}
	if again != by {
		return errors.New("sign: the key changed meanwhile")
	}
	e.Signature = sig
	return nil
}
