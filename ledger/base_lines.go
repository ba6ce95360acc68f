package ledger

import (
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/event/canon"
)

// The lines of base.json: agent → the level-3 lines of its log, in order.

func (r *reader) lines(b *event.Base) {
	logs, ok := r.sub("lines", false)
	if !ok {
		return
	}
	logs.each(func(agent string, v canon.Value) {
		items := v.Items()
		if len(items) == 0 || event.ValidAgentID3(agent) != nil {
			r.fail()
		}
		for _, x := range items {
			s, _ := x.Str()
			e, err := event.Decode3([]byte(s))
			if err != nil || e.Agent != agent {
				r.fail()
				return
			}
			b.Lines = append(b.Lines, e)
		}
	})
	if len(logs.v.Members()) == 0 {
		r.fail()
	}
}

func (o writer) lines(all []*event.Envelope) {
	if len(all) == 0 {
		return
	}
	o.w.Name("lines")
	o.w.Obj()
	for n, e := range all {
		if n == 0 || all[n-1].Agent != e.Agent {
			if n > 0 {
				o.w.EndArr()
			}
			o.w.Name(e.Agent)
			o.w.Arr()
		}
		o.w.Str(string(e.Raw))
	}
	o.w.EndArr()
	o.w.EndObj()
}
