package event

// head visits the envelope's members before the event, tail those after it.
func (e *Envelope) head(m *members) {
	v := uint64(e.V)
	m.uint("v", &v, 4)
	if e.V = int(v); v != 4 && m.walk != listing {
		m.fail(BadValue, "v", "is not 4")
	}
	m.str("hub", &e.Hub, hubID)
	m.str("agent_id", &e.Agent, agentID)
	m.uint("agent_seq", &e.Seq, 1)
	m.instant("timestamp", &e.Time)
	if m.optTime("wall", &e.Wall); e.Wall != 0 && e.Wall == e.Time {
		m.fail(EmptyMember, "wall", "is written though it is the timestamp")
	}
	m.optStr("prev", &e.Prev, hash)
}

func (e *Envelope) tail(m *members) {
	m.optStr("signed_by", &e.SignedBy, fingerprint)
	m.optStr("signature", &e.Signature, signature)
	if m.walk == reading && m.next < len(m.in) {
		m.fail(MemberOrder, m.in[m.next].Name, "is not in its place")
	}
	if (e.SignedBy == "") != (e.Signature == "") {
		m.fail(MissingMember, "signature", "and 'signed_by' come together or not at all")
	}
}

var (
	hubID       = form(func(s string) bool { _, ok := ParseUUID(s); return ok }, "is not a uuid")
	fingerprint = form(isFingerprint, "is not a key fingerprint of the form SHA256:…")
	signature   = form(isBase64, "is not base64")
)

// envelopeNames returns the names an unknown member cannot have.
func envelopeNames() []string {
	m := members{walk: listing}
	var e Envelope
	e.head(&m)
	m.names = append(m.names, "event")
	e.tail(&m)
	return m.names
}
