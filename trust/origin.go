package trust

import (
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/event/canon"
)

// Origin is where a hub comes from that was detached from another: a fork of a
// repository brings the tracker's branches along, and two hubs of one id would
// be one tracker that says two things. It is `forked_from` of hub.json, and
// says where to look for the past; no rule of this hub hangs on it.
type Origin struct {
	Hub  string // the other hub's id
	Meta string // its meta commit, hexadecimal, as it was when the two parted
	Step string // its ledger's tip then; "" if nothing had been decided
}

const forkedFrom = "forked_from"

// SetOrigin notes where a hub comes from.
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

// Origin returns where the hub comes from; false if it says nothing, or
// nothing that can be understood.
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
