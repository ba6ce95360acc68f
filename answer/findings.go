package answer

import (
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/tracker"
)

// Diagnosis is one finding of the doctor.
type Diagnosis struct {
	Name     string   `json:"name"`
	Severity string   `json:"severity"`
	Text     string   `json:"text"`
	Hints    []string `json:"hints"`
}

// Doctor is the result of doctor.
type Doctor struct {
	Looked   []string    `json:"looked"`
	Reached  bool        `json:"reached"`
	Findings []Diagnosis `json:"findings"`
	Total    int         `json:"findings_total"`
}

// MaxAlike is how many findings with one name an answer lists.
const MaxAlike = 20

// Listed returns the findings that an answer lists, and the total number. Anybody who can
// push can cause any number of findings of one name; so after MaxAlike of them, one line
// counts the rest. unlisted is the number of problems with the hub that are not in all.
func Listed(all []Diagnosis, unlisted int) (shown []Diagnosis, total int) {
	shown = []Diagnosis{}
	of, severity := map[string]int{}, map[string]string{}
	for _, d := range all {
		if of[d.Name]++; of[d.Name] <= MaxAlike {
			shown = append(shown, d)
		}
		severity[d.Name] = d.Severity
	}
	if unlisted > 0 {
		of["hub"] += unlisted
	}
	for i := len(shown) - 1; i >= 0; i-- {
		name := shown[i].Name
		if more := of[name] - MaxAlike; more > 0 {
			shown = slices.Insert(shown, i+1, Diagnosis{name, severity[name], fmt.Sprintf("and %d more findings of this kind", more), []string{}})
		}
		delete(of, name)
	}
	return shown, len(all) + unlisted
}

// Wrong counts the findings that are not notes.
func Wrong(findings []Diagnosis) (n int) {
	for _, d := range findings {
		if d.Severity != "note" {
			n++
		}
	}
	return n
}

// Finding is one finding of fsck.
type Finding struct {
	Kind  string  `json:"kind"`
	Agent *string `json:"agent"`
	Seq   *uint64 `json:"seq"`
	Step  *string `json:"step"`
	Text  string  `json:"text"`
}

// Fsck is the result of fsck.
type Fsck struct {
	Full     bool      `json:"full"`
	Logs     int       `json:"logs"`
	Events   uint64    `json:"events"`
	Sequence uint64    `json:"sequence"`
	Findings []Finding `json:"findings"`
}

// FsckOf returns a report in its JSON shape.
func FsckOf(r *tracker.FsckReport) Fsck {
	doc := Fsck{r.Full, r.Logs, r.Events, r.Sequence, []Finding{}}
	for _, f := range r.Findings {
		x := Finding{f.Kind, TextOrNull(f.Agent), nil, TextOrNull(f.Step), f.Text}
		if f.Seq != 0 {
			x.Seq = &f.Seq
		}
		doc.Findings = append(doc.Findings, x)
	}
	return doc
}
