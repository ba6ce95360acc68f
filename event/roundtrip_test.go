package event

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/git-crosslink/git-crosslink/event/canon"
)

// again encodes e from its struct alone: Raw and Event do not help it.
func again(e *Envelope) ([]byte, error) {
	c := *e
	c.Raw, c.Event = nil, nil
	return Encode(&c)
}

func TestProperty_EncodeThenDecodeIsIdentity(t *testing.T) {
	for _, typ := range allTypes() {
		t.Run(typ, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				e := drawEnvelope(t, typ)
				if err := Check(e.Body); err != nil {
					t.Fatalf("the drawn body is refused: %v", err)
				}
				line, err := Encode(e)
				if err != nil {
					t.Fatal(err)
				}
				got, err := Decode(line)
				if err != nil {
					t.Fatalf("%s: %v", line, err)
				}
				if !reflect.DeepEqual(got, e) {
					t.Fatalf("%s\nread %#v\nwant %#v\nbody %#v\nwant %#v", line, got, e, got.Body, e.Body)
				}
				if twice, err := again(got); err != nil || !bytes.Equal(twice, line) {
					t.Fatalf("%s\nbecame %s (%v)", line, twice, err)
				}
			})
		})
	}
}

// Any change to a line either makes it invalid, or it encodes to the same bytes. Decoding
// never returns both an envelope and an error.
func TestProperty_AcceptedLinesEncodeToTheSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEnvelope(t, rapid.SampledFrom(allTypes()).Draw(t, "type"))
		line, err := Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		line = bytes.Clone(line)
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			mutate(t, &line)
		}
		checkAccepted(t, line)
	})
}

func mutate(t *rapid.T, line *[]byte) {
	b := *line
	at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
	switch rapid.IntRange(0, 4).Draw(t, "change") {
	case 0:
		b[at] = rapid.Byte().Draw(t, "byte")
	case 1:
		b[at] = rapid.SampledFrom([]byte(`"\{}[],:0123456789abcdefnulltruefalse`)).Draw(t, "byte")
	case 2:
		b = append(b[:at], b[at+1:]...)
	case 3, 4: // a member moves or goes
		v, err := canon.Parse(b)
		if err != nil {
			return
		}
		ms := v.Members()
		if ev, ok := v.Get("event"); ok && rapid.Bool().Draw(t, "inside") {
			i := bytes.Index(b, ev.Raw())
			if inner := shuffled(t, ev.Members()); inner != nil && i >= 0 {
				b = append(append(bytes.Clone(b[:i]), inner...), b[i+len(ev.Raw()):]...)
			}
		} else if outer := shuffled(t, ms); outer != nil {
			b = outer
		}
	}
	if len(b) > 0 {
		*line = b
	}
}

// shuffled writes the members with one moved or left out.
func shuffled(t *rapid.T, ms []canon.Member) []byte {
	if len(ms) < 2 {
		return nil
	}
	var list [][]byte
	for _, m := range ms {
		list = append(list, memberBytes(m))
	}
	i, j := rapid.IntRange(0, len(list)-1).Draw(t, "from"), rapid.IntRange(0, len(list)-1).Draw(t, "to")
	if i == j {
		list = append(list[:i], list[i+1:]...)
	} else {
		list[i], list[j] = list[j], list[i]
	}
	var w canon.Writer
	w.Obj()
	for _, x := range list {
		w.Raw(x)
	}
	w.EndObj()
	return w.Bytes()
}

type fataler interface{ Fatalf(string, ...any) }

func checkAccepted(t fataler, line []byte) {
	e, err := Decode(line)
	if err != nil {
		var l *LineError
		if e != nil || !errors.As(err, &l) || l.Reason == "" {
			t.Fatalf("%q: an envelope and an error, or an error without reason: %v", line, err)
		}
		return
	}
	got, err := again(e)
	if err != nil || !bytes.Equal(got, line) {
		t.Fatalf("accepted %q\nencodes to %q (%v)", line, got, err)
	}
	if !bytes.Equal(e.Raw, line) || !bytes.Contains(line, e.Event) {
		t.Fatalf("%q: Raw is %q, Event %q", line, e.Raw, e.Event)
	}
	if i, ok := e.Body.(*Invalid); ok {
		if i.Reason == "" || i.Detail == "" {
			t.Fatalf("%q: Invalid without reason", line)
		}
	} else if _, unknown := e.Body.(*Unknown); !unknown {
		if err := Check(e.Body); err != nil {
			t.Fatalf("%q: decoded, but Check says %v", line, err)
		}
	}
	if len(e.Signature) > 0 != (len(Signed(line)) < len(line)) {
		t.Fatalf("%q: signed bytes %q", line, Signed(line))
	}
}

func FuzzDecode(f *testing.F) {
	c := Chain{Hub: testHub, Agent: "alice-box-ab2c"}
	for i, typ := range allTypes() {
		b := rapid.Custom(func(t *rapid.T) Body { return drawBody(t, typ) }).Example(i)
		line, err := c.Stamp(&Envelope{Body: b}, 5, 0)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(line)
	}
	f.Add([]byte(`{"v":5}`))
	f.Add([]byte(fmt.Sprintf(`{"v":4,"hub":"%s","agent_id":"abc","agent_seq":1,"timestamp":"1970-01-01T00:00:00.000000000Z","event":{"type":"X","a":[]},"y":{},"signed_by":"%s","signature":"AAAA"}`, testHub, testKey)))
	f.Fuzz(func(t *testing.T, line []byte) { checkAccepted(t, line) })
}
