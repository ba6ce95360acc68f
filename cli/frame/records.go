package frame

import (
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// Forms are the forms of an answer for scripts.
type Forms struct {
	Porcelain bool
	null      bool // -z: each record ends in NUL, text keeps its line ends
}

// PorcelainFlags are --porcelain and -z.
func PorcelainFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "porcelain", Usage: "stable tab-separated lines; `VERSION` is v1"},
		&urfave.BoolFlag{Name: "z", Usage: "like --porcelain, with NUL after each record"},
	}
}

// FormsOf reads the flags of forms.
func FormsOf(u *urfave.Context, t *Terminal) (Forms, error) {
	f, err := ParseForms(u)
	if err != nil {
		return f, err
	}
	return f, t.NotInJSON(f.ForScripts())
}

// FormsAlone is FormsOf for a command that takes no arguments.
func FormsAlone(u *urfave.Context, t *Terminal) (Forms, error) {
	if _, err := Arguments(u, 0, 0, ""); err != nil {
		return Forms{}, err
	}
	return FormsOf(u, t)
}

// ParseForms reads the flags of forms, and does not check the arguments.
func ParseForms(u *urfave.Context) (f Forms, err error) {
	if u.IsSet("porcelain") {
		if v := u.String("porcelain"); v != "v1" && v != "1" {
			return f, BadValue("--porcelain", v, []string{"v1"})
		}
		f.Porcelain = true
	}
	f.null = u.Bool("z")
	return f, nil
}

// NotInJSON refuses another form for scripts together with --json.
func (t *Terminal) NotInJSON(forScripts bool) error {
	if t.JSON && forScripts {
		return Misuse("'--json' and the other forms for scripts exclude each other")
	}
	return nil
}

// ForScripts reports whether a form for scripts was requested.
func (f Forms) ForScripts() bool { return f.Porcelain || f.null }

// Text sanitizes a field of a record.
func (f Forms) Text(s string) string {
	if f.null {
		return strings.ReplaceAll(Lines(s), "\t", `\t`)
	}
	return OneLine(s)
}

// Records are lines for scripts. Add sanitizes their fields.
type Records struct {
	forms Forms
	lines []string
}

// Records returns an empty list of records in this form.
func (f Forms) Records() *Records { return &Records{forms: f} }

// Add adds a record.
func (r *Records) Add(fields ...string) {
	line := make([]string, len(fields))
	for k, f := range fields {
		line[k] = r.forms.Text(f)
	}
	r.AddLine(strings.Join(line, "\t"))
}

// AddLine adds a line whose fields have been sanitized by Forms.Text.
func (r *Records) AddLine(line string) { r.lines = append(r.lines, line) }

func (r *Records) end() byte {
	if r.forms.null {
		return 0
	}
	return '\n'
}
