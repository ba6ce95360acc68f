package trust

import (
	"cmp"
	"slices"
	"strings"
)

// Verdict says which lines of a log count, and which are signed.
type Verdict struct {
	Agent   string
	Lines   uint64 // lines 1 … Lines were judged
	Fed     uint64 // lines 1 … Fed count: the reducer is given them
	Ends    string // the rule by which line Fed+1 does not count; "" if Fed = Lines
	Vouched uint64 // lines 1 … Vouched are signed by a key in force
	Listed  bool   // allowed_signers lists the agent
	Forked  bool   // a proof of a fork stands against it
	Keys    []Key  // in force after the last line that counts

	unapproved bool
	off        bool
	trails     bool   // lines follow that no signature and no step vouches for
	kept       uint64 // lines before those
	signed     bool   // a line carries a valid signature by a key in force there
	marks      []Mark // of the lines after Vouched
}

// Verdict returns the verdict on the lines fed so far.
func (l *Log) Verdict() *Verdict {
	v := &Verdict{Agent: l.agent, Lines: l.lines, Fed: l.lines, Listed: l.listed, off: l.state.Meta.Signing == Off}
	switch {
	case !l.state.Meta.Open && !l.listed:
		v.end(0, RuleNotAdmitted)
	case l.other:
		v.end(0, RuleRevokedHash)
	case l.revoked:
		v.end(l.limit, RuleRevoked)
	}
	if l.o.Covered > l.lines {
		l.Cover()
	}
	w := &l.walk
	common, later := l.common, !l.forked && l.partsLater()
	if later {
		common = 0
	}
	if v.Forked = l.forked || later; v.Forked {
		v.end(max(common, l.covered), RuleForked)
		w = l.kept
	}
	w.verify()
	for _, key := range w.force {
		v.Keys = append(v.Keys, key)
	}
	slices.SortFunc(v.Keys, func(a, b Key) int { return strings.Compare(a.blob, b.blob) })
	if !v.off {
		l.signed(w, v)
	}
	return v
}

// Unread returns the verdict for a log whose saved verdict cannot be read: no line counts.
func Unread(agent string, lines uint64) *Verdict {
	return &Verdict{Agent: agent, Lines: lines, Ends: RuleUnread}
}

// end lets the log count up to a line and no further.
func (v *Verdict) end(at uint64, rule string) {
	if at < v.Fed {
		v.Fed, v.Ends = at, rule
	}
}

// signed judges what no signature vouches for.
func (l *Log) signed(w *walk, v *Verdict) {
	v.Vouched, v.marks = w.vouched, w.tail
	v.signed = w.vouched > 0 && !w.legacy
	v.unapproved = !v.Listed && l.state.Signers.any()
	require := l.state.Meta.Signing == Require
	kept := max(v.Vouched, l.covered)
	if v.signed && !l.revoked && kept < v.Fed && (v.Listed || !require) {
		v.trails, v.kept = true, kept
	}
	switch {
	case require && !v.Listed:
		v.end(0, RuleUnapproved)
	case require && v.Vouched < v.Fed:
		v.end(v.Vouched, v.marks[0].Rule)
	case v.trails:
		v.end(kept, ruleAt(v.marks, kept+1))
	}
	v.Vouched = min(v.Vouched, v.Fed)
}

// Mark returns the mark to show with a line: "" if the line is signed or the policy
// ignores signatures, otherwise the name of a rule.
func (v *Verdict) Mark(seq uint64) string {
	switch {
	case seq > v.Fed:
		return v.Ends
	case v.off:
		return ""
	case seq <= v.Vouched && v.unapproved:
		return RuleUnapproved
	case seq <= v.Vouched:
		return ""
	}
	return ruleAt(v.marks, seq)
}

// Marks returns the marks of all lines, and of the one after the last that counts, as
// runs. Lines before the first run have no mark.
func (v *Verdict) Marks() []Mark {
	var all []Mark
	rule := ""
	note := func(seq uint64) {
		if r := v.Mark(seq); r != rule {
			rule = r
			all = append(all, Mark{seq, r})
		}
	}
	if v.Fed > 0 {
		note(1)
	}
	if v.Vouched < v.Fed {
		note(v.Vouched + 1)
	}
	if !v.off {
		for _, m := range v.marks {
			if m.From > v.Vouched && m.From <= v.Fed {
				note(m.From)
			}
		}
	}
	if v.Ends != "" && rule != v.Ends {
		all = append(all, Mark{v.Fed + 1, v.Ends})
	}
	return all
}

// ruleAt is the rule of a line, "" before the first of marks.
func ruleAt(marks []Mark, seq uint64) string {
	n, found := slices.BinarySearchFunc(marks, seq, func(m Mark, seq uint64) int { return cmp.Compare(m.From, seq) })
	switch {
	case found:
		return marks[n].Rule
	case n > 0:
		return marks[n-1].Rule
	}
	return ""
}

// Lapsed reports whether the log was signed at some point but its last lines are not.
func (v *Verdict) Lapsed() bool { return v.trails || !v.off && v.Vouched > 0 && v.Vouched < v.Fed }

// Trails reports whether unsigned lines that do not count follow the last signed one, and
// the ledger does not cover them. They are trailing garbage, which the log's writer may
// replace.
func (v *Verdict) Trails() bool { return v.trails }

// Kept returns how many lines precede the trailing garbage if the log Trails.
func (v *Verdict) Kept() uint64 { return v.kept }

// Signed reports whether the next line of the log must be signed: some line of the log is
// signed, and the policy checks signatures.
func (v *Verdict) Signed() bool { return v.signed }
