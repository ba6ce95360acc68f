package event

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

const formatDoc = "../docs/format.md"

// blocks returns the lines of the document's fenced blocks of that mark.
func blocks(t testing.TB, mark string) []string {
	t.Helper()
	doc, err := os.ReadFile(formatDoc)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	inside := false
	for _, l := range strings.Split(string(doc), "\n") {
		switch {
		case inside && l == "```":
			inside = false
		case inside:
			out = append(out, l)
		case l == "```"+mark:
			inside = true
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s holds no block '%s'", formatDoc, mark)
	}
	return out
}

// The document shows an event of every type, and every member of each.
func TestFormatDoc_EveryEventIsShownAndRead(t *testing.T) {
	shown := map[string]map[string]bool{}
	for _, event := range blocks(t, "json event") {
		line := lineOf(event)
		e, err := Decode([]byte(line))
		if err != nil {
			t.Errorf("%s: %v", event, err)
			continue
		}
		if i, ok := e.Body.(*Invalid); ok {
			t.Errorf("%s: %s", event, i.Detail)
		}
		if got, err := again(e); err != nil || string(got) != line {
			t.Errorf("%s\nbecame %s (%v)", event, got, err)
		}
		for _, n := range namesOf(e.Body) {
			if shown[e.Body.Type()] == nil {
				shown[e.Body.Type()] = map[string]bool{}
			}
			if strings.Contains(event, `"`+n+`":`) {
				shown[e.Body.Type()][n] = true
			}
		}
	}
	for _, typ := range allTypes() {
		for _, n := range namesOf(types[typ].make()) {
			// RelationAdded shows the kind that RelationRemoved leaves out.
			if !shown[typ][n] && typ+"."+n != "RelationRemoved.kind" {
				t.Errorf("%s of %s is not shown", n, typ)
			}
		}
	}
}

func namesOf(b Body) []string {
	v, ok := b.(visited)
	if !ok {
		return nil
	}
	m := members{walk: listing}
	v.members(&m)
	return m.names
}

// The prose lists each type's members in the order of the code.
func TestFormatDoc_MembersInOrder(t *testing.T) {
	doc, err := os.ReadFile(formatDoc)
	if err != nil {
		t.Fatal(err)
	}
	_, events, _ := strings.Cut(string(doc), "\n## Events\n")
	text := strings.Join(strings.Fields(events), " ")
	for _, typ := range allTypes() {
		if strings.HasSuffix(typ, "Removed") { // "`LabelAdded`, `LabelRemoved` issue_uuid …"
			continue
		}
		_, rest, ok := strings.Cut(text, "`"+typ+"`")
		if added, removed := typ, strings.Replace(typ, "Added", "Removed", 1); added != removed {
			rest = strings.TrimPrefix(rest, ", `"+removed+"`")
		}
		if rest, _, _ = strings.Cut(rest, " · "); !ok {
			t.Errorf("%s is not described", typ)
		}
		rest, _, _ = strings.Cut(rest, "```")
		for _, n := range namesOf(types[typ].make()) {
			i := strings.Index(rest, " "+n)
			if i < 0 {
				t.Errorf("%s: %s is missing or misplaced in the text", typ, n)
				break
			}
			rest = rest[i+len(n)+1:]
		}
	}
}

func TestFormatDoc_Log(t *testing.T) {
	c := Chain{Hub: testHub, Agent: "alice-box-ab2c"}
	for _, line := range blocks(t, "json log") {
		e, err := c.Next([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := again(e); err != nil || string(got) != line {
			t.Fatalf("%s\nbecame %s (%v)", line, got, err)
		}
	}
	if c.Seq != 3 {
		t.Fatal(c.Seq)
	}
}

func TestFormatDoc_Refused(t *testing.T) {
	for _, l := range blocks(t, "refused") {
		reason, line, _ := strings.Cut(l, " ")
		_, err := Decode([]byte(line))
		var e *LineError
		if !errors.As(err, &e) || e.Reason != reason {
			t.Errorf("%s\ngot %v", l, err)
		}
	}
	for _, l := range blocks(t, "refused event") {
		reason, event, _ := strings.Cut(l, " ")
		e, err := Decode([]byte(lineOf(event)))
		if err != nil {
			t.Errorf("%s: %v", l, err)
			continue
		}
		if i, ok := e.Body.(*Invalid); !ok || i.Reason != reason {
			t.Errorf("%s\ngot %#v", l, e.Body)
		}
	}
}

// The vectors are one log, in the form of a signed one, of every event the document shows,
// and every refused line and event with its reason: golden bytes that another
// implementation can run against.
func TestVectors(t *testing.T) {
	c := Chain{Hub: testHub, Agent: "alice-box-ab2c", Sign: func([]byte) (string, string, error) { return testKey, "AQIDBA==", nil }}
	start, err := ParseTime("2026-03-01T10:00:00.123456789Z")
	if err != nil {
		t.Fatal(err)
	}
	var log, refused bytes.Buffer
	for i, event := range blocks(t, "json event") {
		e, err := Decode([]byte(lineOf(event)))
		if err != nil {
			t.Fatal(err)
		}
		// Every third line was written by a clock that lags.
		line, err := c.Stamp(e, start+Time(i%3), start)
		if err != nil {
			t.Fatal(err)
		}
		log.Write(append(line, '\n'))
	}
	for _, l := range blocks(t, "refused") {
		refused.WriteString(strings.Replace(l, " ", "\t", 1) + "\n")
	}
	for _, l := range blocks(t, "refused event") {
		reason, event, _ := strings.Cut(l, " ")
		refused.WriteString("rejection:" + reason + "\t" + lineOf(event) + "\n")
	}
	golden(t, "log.jsonl", log.Bytes())
	golden(t, "refused.tsv", refused.Bytes())
	r := Chain{Hub: testHub, Agent: "alice-box-ab2c"}
	for _, line := range readLines(t, "testdata/vectors/log.jsonl") {
		e, err := r.Next(line)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := again(e); err != nil || !bytes.Equal(got, line) {
			t.Fatalf("%s\nbecame %s (%v)", line, got, err)
		}
	}
	golden(t, "tip.txt", []byte(r.Hash+"\n"))
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata/vectors", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (-update writes it anew; released bytes must never change)", path)
	}
}
