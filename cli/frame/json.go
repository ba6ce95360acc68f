package frame

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// The rules of JSON output are (fields: docs/json.md):
//
//   - one document a command, on stdout, errors too;
//   - ok is true if all that was asked for is true: with status 0, and with 1
//     where a question was answered in full and the answer is "no" (AnswersNo);
//   - lists are arrays, never null; times are RFC 3339 in UTC with nine digits;
//   - text is exact, and what a terminal must not see is escaped.

// Envelope is the outside of every JSON document.
type Envelope struct {
	V        int         `json:"v"`
	OK       bool        `json:"ok"`
	Code     int         `json:"code"`
	Data     *any        `json:"data,omitempty"`
	Error    *ErrorShape `json:"error,omitempty"`
	Page     *Cut        `json:"page,omitempty"`
	Warnings []Warning   `json:"warnings"`
}

// Cut says which part of a list an answer has, if a limit was asked for.
type Cut struct {
	Total int     `json:"total"` // of the whole list
	Limit int     `json:"limit"`
	Next  *string `json:"next"` // what --after takes to continue; null at the end
	Shown int     `json:"-"`
	Of    string  `json:"-"` // what the list is of, in the singular
}

// ErrorShape is a failure in JSON.
type ErrorShape struct {
	Code    int      `json:"code"`
	Kind    string   `json:"kind"`
	Message string   `json:"message"`
	Hints   []string `json:"hints"`
}

// writeEnvelope prints the one JSON document of a command.
func (t *Terminal) writeEnvelope(r Result) error {
	doc := Envelope{V: 1, OK: true, Page: r.Cut, Warnings: t.warnings}
	if doc.Warnings == nil {
		doc.Warnings = []Warning{}
	}
	if r.Failure != nil {
		doc.Code, doc.OK = r.Failure.Code, r.Failure.Whole
		doc.Error = &ErrorShape{r.Failure.Code, r.Failure.Kind, r.Failure.Message, append([]string{}, r.Failure.Hints...)}
		for _, u := range r.Failure.Usage {
			doc.Error.Hints = append(doc.Error.Hints, "usage: "+u)
		}
	}
	if doc.OK || r.Data != nil || doc.Code == ExitNo || doc.Code == ExitUnconfirmed {
		data, err := t.chosen(r.Data)
		if err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		doc.Data = &data
	}
	out := document{t: t}
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil && out.err == nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return out.err
}

// document writes what the encoder gives it: all of a document at once, or nothing if it
// cannot be encoded.
type document struct {
	t   *Terminal
	err error // of the write
}

func (d *document) Write(b []byte) (int, error) {
	d.t.answered = true
	_, d.err = d.t.Out.Write(escapeHidden(b))
	return len(b), d.err
}

// escapeHidden rewrites what a terminal must not see as \u escapes. Such
// characters stand only inside the strings of a JSON document, so this changes
// its bytes and not its meaning.
func escapeHidden(doc []byte) []byte {
	var out []byte
	from := 0
	for i := 0; i < len(doc); {
		if doc[i] < 0x7F { // almost all
			i++
			continue
		}
		r, n := utf8.DecodeRune(doc[i:])
		if r == utf8.RuneError && n == 1 || r >= 0x7F && Hidden(r) {
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

// WriteFailure prints a failure: in the JSON document if possible, else on stderr.
func (t *Terminal) WriteFailure(f *Failure, printable bool) {
	if t.JSON && printable {
		if t.answered {
			return
		}
		if err := t.writeEnvelope(Result{Failure: f}); err == nil {
			return
		}
	}
	t.failing = true
	fmt.Fprintf(t.Err, "error: %s\n", t.Symbols(OneLine(f.Message)))
	sheet{t.symbolic(t.Err), 0}.usage(f.Usage)
	t.WriteHints(f.Hints)
}
