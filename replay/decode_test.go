package replay

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

// Decoded several at a time logs are what they are one after the other, and end
// where they end.
func TestDecodingSeveralLogs(t *testing.T) {
	const hub = "5f1d7a0e-6a0e-4f5f-9a52-1b9a4f1c2d3e"
	lengths := []int{0, 1, 63, 64, 65, 300, 1000, 5000}
	bad := map[int]int{3: 40, 5: 0, 6: 640, 7: 4999} // log → the line that is not one
	var logs, want []*work
	var lines [][][]byte
	for i, n := range lengths {
		id := fmt.Sprintf("agent-%d", i)
		logs = append(logs, &work{agent: id, hub: hub, held: &held{}})
		w := &work{agent: id, hub: hub, held: &held{}}
		c := event.Chain{Hub: hub, Agent: id}
		var all [][]byte
		for k := range n {
			line, err := c.Stamp(&event.Envelope{Body: &event.LabelAdded{Issue: event.UUID{1, 6: 0x40, 8: 0x80}, Label: fmt.Sprint(k)}}, event.Time(k+1), 0)
			if err != nil {
				t.Fatal(err)
			}
			if at, ok := bad[i]; ok && at == k {
				line = []byte("no line")
			}
			all = append(all, line)
			if w.cur.Ended == "" {
				w.take(bytes.Clone(line))
			}
		}
		want, lines = append(want, w), append(lines, all)
	}
	d := newDecoding(logs)
	for from := 0; from < 5000; from += 256 { // as they are read: a shard of each in turn
		for i, all := range lines {
			for k := from; k < min(from+256, len(all)); k++ {
				buf := bytes.Clone(all[k])
				more := d.add(i, buf)
				clear(buf) // it is the caller's
				if !more {
					break
				}
			}
		}
	}
	d.end()
	if d.workers == nil {
		t.Error("all was decoded by one")
	}
	for i, l := range logs {
		w := want[i]
		if !reflect.DeepEqual(l.cur, w.cur) || len(l.lines) != len(w.lines) {
			t.Errorf("log %d: %d lines, %+v; one after the other %d, %+v", i, len(l.lines), l.cur, len(w.lines), w.cur)
		}
		for k := range min(len(l.lines), len(w.lines)) {
			if !bytes.Equal(l.lines[k].Raw, w.lines[k].Raw) {
				t.Fatalf("log %d: line %d differs", i, k+1)
			}
		}
	}
	few := newDecoding(logs[:1])
	few.add(0, []byte("no line"))
	if few.end(); few.workers != nil || logs[0].cur.Ended == "" {
		t.Error("few lines were given to a worker, or to nobody")
	}
}
