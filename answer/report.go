package answer

import "github.com/git-crosslink/git-crosslink/reducer"

// Report is what a check found last about a branch.
type Report struct {
	Context string  `json:"context"`
	Branch  string  `json:"branch"`
	Commit  string  `json:"commit"`
	State   string  `json:"state"`
	URL     *string `json:"url"`
	By      string  `json:"by"`
	At      string  `json:"at"`
}

// ReportOf makes it of a report.
func ReportOf(r *reducer.Report) Report {
	return Report{r.Context, r.Branch, r.Commit, string(r.State), TextOrNull(r.URL), r.By, r.At.String()}
}

// ReportWrite answers the command that reports.
type ReportWrite struct {
	Report Report `json:"report"`
	Write
}
