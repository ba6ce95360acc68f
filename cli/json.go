package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/git-crosslink/git-crosslink/cli/frame"
)

// The rules of JSON output are (fields: docs/json.md):
//
//   - one document a command, on stdout, errors too;
//   - ok is true if all that was asked for is so: with status 0, and with 1 where
//     a question was answered in full and the answer is "no" (answersNo);
//   - lists are arrays, never null; times are RFC 3339 in UTC with nine digits;
//   - text is exact, and what a terminal must not see is escaped.

// envelope is the outside of every JSON document.
type envelope struct {
	V        int         `json:"v"`
	OK       bool        `json:"ok"`
	Code     int         `json:"code"`
	Data     *any        `json:"data,omitempty"`
	Error    *errorShape `json:"error,omitempty"`
	Warnings []warning   `json:"warnings"`
}

type errorShape struct {
	Code    int      `json:"code"`
	Kind    string   `json:"kind"`
	Message string   `json:"message"`
	Hints   []string `json:"hints"`
}

// writeEnvelope prints the one JSON document of a command.
func (e *env) writeEnvelope(a answer) error {
	doc := envelope{V: 1, OK: true, Warnings: e.warnings}
	if doc.Warnings == nil {
		doc.Warnings = []warning{}
	}
	if a.no != nil {
		doc.Code, doc.OK = a.no.Code, a.no.Whole
		doc.Error = &errorShape{a.no.Code, a.no.Kind, a.no.Message, append([]string{}, a.no.Hints...)}
		for _, u := range a.no.Usage {
			doc.Error.Hints = append(doc.Error.Hints, "usage: "+u)
		}
	}
	if doc.OK || a.data != nil || doc.Code == frame.ExitNo || doc.Code == frame.ExitUnconfirmed {
		doc.Data = &a.data
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	e.answered = true
	_, err := e.out.Write(escapeHidden(b.Bytes()))
	return err
}

// escapeHidden rewrites what a terminal must not see as \u escapes. Such
// characters stand only inside the strings of a JSON document, so this changes
// its bytes and not its meaning.
func escapeHidden(doc []byte) []byte {
	var out []byte
	from := 0
	for i := 0; i < len(doc); {
		r, n := utf8.DecodeRune(doc[i:])
		if r == utf8.RuneError && n == 1 || r >= 0x7F && frame.Hidden(r) {
			out = append(out, doc[from:i]...)
			if r > 0xFFFF {
				r -= 0x10000
				out = fmt.Appendf(out, `\u%04x\u%04x`, 0xD800+(r>>10), 0xDC00+(r&0x3FF))
			} else {
				out = fmt.Appendf(out, `\u%04x`, r)
			}
			from = i + n
		}
		i += n
	}
	if from == 0 {
		return doc
	}
	return append(out, doc[from:]...)
}
