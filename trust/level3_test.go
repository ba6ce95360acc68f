package trust

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
)

// eventNamespace3 is level 3's.
const eventNamespace3 = "crosslink-event"

// verifyLine3 checks a level-3 line's signature under level 3's own rule and
// returns the key: lines `name=value` in order of their names, values as they
// are, the time with +00:00 for Z. Level 3 never acted on it, and neither do
// verdicts; it is for anybody who wants to know.
func verifyLine3(e *event.Envelope) (Key, error) {
	s, err := signatureOf(e)
	if err != nil {
		return Key{}, err
	}
	b, err := signed3(e)
	if err == nil {
		err = s.Verify(eventNamespace3, b)
	}
	if err != nil {
		return Key{}, fault(RuleBadSignature, "%v", err)
	}
	return s.Key, nil
}

func signed3(e *event.Envelope) ([]byte, error) {
	var in struct {
		Time string `json:"timestamp"`
	}
	if json.Unmarshal(e.Raw, &in) != nil {
		return nil, errors.New("the line has no time")
	}
	at, _ := strings.CutSuffix(in.Time, "Z")
	var b bytes.Buffer
	b.WriteString("agent_id=" + e.Agent + "\nagent_seq=" + strconv.FormatUint(e.Seq, 10) + "\nevent=")
	b.Write(e.Event)
	b.WriteString("\ntimestamp=" + at + "+00:00\n")
	return b.Bytes(), nil
}
