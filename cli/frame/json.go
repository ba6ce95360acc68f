package frame

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// The rules of JSON output are (fields: docs/json.md):
//
//   - one document per command, on stdout, for errors too;
//   - ok is true if the whole request succeeded: with status 0, and with 1 if a question was
//     answered completely and the answer is "no" (AnswersNo);
//   - lists are arrays, never null; times are RFC 3339 in UTC with nine digits;
//   - text is exact; characters that must not reach a terminal are escaped.

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

// Cut describes the part of a list that an answer contains, if there is a limit.
type Cut struct {
	Total int     `json:"total"` // number of rows in the whole list
	Limit int     `json:"limit"`
	Next  *string `json:"next"` // value of --after for the next part; null at the end
	Shown int     `json:"-"`
	Of    string  `json:"-"` // name of one element, in the singular
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

// document writes the encoder's output: the whole document at once, or nothing if it cannot
// be encoded.
type document struct {
	t   *Terminal
	err error // error of the write
}

func (d *document) Write(b []byte) (int, error) {
	d.t.answered = true
	_, d.err = d.t.Out.Write(escapeHidden(b))
	return len(b), d.err
}

// escapeHidden replaces characters that must not reach a terminal by \u escapes. Such
// characters occur only in the strings of a JSON document, so its meaning does not change.
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

// WriteFailure prints a failure: in the JSON document if possible, otherwise on stderr.
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
