package trust

import (
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/event/canon"
)

// Origin is the hub from which a hub was detached (`forked_from` in hub.json). A fork of a
// repository has a copy of the tracker's branches, and two hubs must not share one id.
// Origin shows where to find the earlier history; no rule depends on it.
type Origin struct {
	Hub  string // the other hub's id
	Meta string // its meta commit, hexadecimal, as it was when the two parted
	Step string // its ledger's tip then; "" if nothing had been decided
}

const forkedFrom = "forked_from"

// SetOrigin records the hub from which this hub was detached.
func (m *Meta) SetOrigin(o Origin) {
	x := object{}
	x.str("hub", o.Hub)
	x.str("meta", o.Meta)
	if o.Step != "" {
		x.str("step", o.Step)
	}
	if m.Extra == nil {
		m.Extra = map[string][]byte{}
	}
	m.Extra[forkedFrom] = x.bytes()
}

// Origin returns the hub from which this hub was detached; false if there is none or it is
// invalid.
func (m *Meta) Origin() (Origin, bool) {
	v, err := canon.Parse(m.Extra[forkedFrom])
	if err != nil {
		return Origin{}, false
	}
	var r reader
	f := r.object(v, forkedFrom)
	o := Origin{f.str("hub"), f.str("meta"), f.optStr("step")}
	_, ok := event.ParseUUID(o.Hub)
	return o, r.err == nil && ok && isHex(o.Meta) && (o.Step == "" || isHex(o.Step))
}
