package cli

import (
	"testing"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/tracker"
)

func TestDoctor(t *testing.T) {
	w := newWorld(t)
	w.hub.doctor = tracker.DoctorReport{Looked: []string{"the hub"}}
	r := w.ok("doctor")
	check(t, "well", r.out, "")
	check(t, "well", r.err, "no problems found\n")

	w.hub.doctor.Findings = []fail.Diagnosis{{Code: "private", Severity: fail.Note, Text: "alone"}}
	check(t, "a note", w.ok("doctor").out, "note: alone\n")

	w.hub.doctor.Findings = append(w.hub.doctor.Findings, fail.Diagnosis{Code: "read-only/push-url", Severity: fail.Problem,
		Text: "no\x1b[2J\n", Fields: fail.Fields{"git": "ask\r"}})
	r = w.run("doctor")
	check(t, "status", r.code, 1)
	check(t, "page", r.out, "note: alone\nproblem: no\\x1b[2J\\n\n    hint: show both URLs: git remote -v\n    hint: then: git crosslink init\n    hint: git says: ask\\r\n")
	check(t, "talk", r.err, "error: 1 finding\n")
	check(t, "porcelain", w.run("doctor", "--porcelain").out, "note\tprivate\talone\t\nproblem\tread-only\tno\\x1b[2J\\n\tshow both URLs: git remote -v; then: git crosslink init; git says: ask\\r\n")
	contains(t, "json", w.run("doctor", "--json", "--offline").out, `"reached":false`, `"looked":["the hub"`,
		`{"name":"private","severity":"note","text":"alone","hints":[]}`, `"code":1`)
}
