package trust

import "encoding/json"

// verdictForm is a Verdict with all it says.
type verdictForm struct {
	Agent      string `json:"agent"`
	Lines      uint64 `json:"lines"`
	Fed        uint64 `json:"fed"`
	Ends       string `json:"ends,omitempty"`
	Vouched    uint64 `json:"vouched,omitempty"`
	Listed     bool   `json:"listed,omitempty"`
	Forked     bool   `json:"forked,omitempty"`
	Keys       []Key  `json:"keys,omitempty"`
	Unapproved bool   `json:"unapproved,omitempty"`
	Off        bool   `json:"off,omitempty"`
	Trails     bool   `json:"trails,omitempty"`
	Kept       uint64 `json:"kept,omitempty"`
	Signed     bool   `json:"signed,omitempty"`
	Marks      []Mark `json:"marks,omitempty"`
}

// MarshalJSON encodes the whole verdict.
func (v *Verdict) MarshalJSON() ([]byte, error) {
	return json.Marshal(verdictForm{v.Agent, v.Lines, v.Fed, v.Ends, v.Vouched, v.Listed, v.Forked, v.Keys, v.unapproved, v.off, v.trails, v.kept, v.signed, v.marks})
}

// UnmarshalJSON decodes what MarshalJSON encodes.
func (v *Verdict) UnmarshalJSON(b []byte) error {
	var f verdictForm
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	*v = Verdict{f.Agent, f.Lines, f.Fed, f.Ends, f.Vouched, f.Listed, f.Forked, f.Keys, f.Unapproved, f.Off, f.Trails, f.Kept, f.Signed, f.Marks}
	return nil
}
