package reducer

import (
	"fmt"
	"testing"

	"github.com/git-crosslink/git-crosslink/event"
)

// Two logs that add one uuid again and again, the second with earlier times:
// each add is put at the end, and they are sorted when somebody looks. (One by
// one in its place took 4 s here, and four times that for twice as many.)
func TestManyAddsOfOneUUID(t *testing.T) {
	const n = 20_000
	s, u := New(), event.UUID{1}
	for _, log := range []struct {
		agent string
		from  event.Time
	}{{"aaa", 1_000_000}, {"zzz", 1}} {
		for i := range n {
			s.Apply(&event.Envelope{Agent: log.agent, Seq: uint64(i + 1), Time: log.from + event.Time(i), Event: fmt.Append(nil, log.agent, i),
				Body: &event.CommentAdded{Comment: u, Content: fmt.Sprint(log.agent, i), Kind: "note"}})
		}
	}
	c := s.comments[u]
	if len(c.adds.list) != 2*n {
		t.Fatalf("%d adds", len(c.adds.list))
	}
	got := c.adds.all()
	for i := 1; i < len(got); i++ {
		if got[i-1].at.compareFirst(got[i].at) >= 0 {
			t.Fatal("not in order")
		}
	}
	if got[0].body.Content != "zzz0" || len(s.Rejections()) != 2*n-1 {
		t.Errorf("%q counts, %d rejections", got[0].body.Content, len(s.Rejections()))
	}
	for _, a := range got[:10] { // once more, in no order: nothing new
		c.adds.put(got[len(got)-1].at, got[len(got)-1].body)
		c.adds.put(a.at, a.body)
	}
	if len(c.adds.all()) != 2*n {
		t.Errorf("%d adds after some came again", len(c.adds.all()))
	}
}
