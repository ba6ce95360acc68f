package frame

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	urfave "github.com/urfave/cli/v2"
)

// Count formats a number of things: "1 event", "2 events".
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	if stem, ok := strings.CutSuffix(thing, "try"); ok { // entry
		thing = stem + "trie"
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// TextSource is the source of a long text: the command line, a file or stdin, an editor.
type TextSource struct {
	Given *string // -d, or the argument
	File  string  // -F; "-" is stdin
	Edit  bool    // --edit
}

// None reports whether no source was given.
func (s *TextSource) None() bool { return s.Given == nil && s.File == "" && !s.Edit }

// TextFlags are -F and --edit.
func TextFlags(what string) []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "file", Aliases: []string{"F"}, Usage: "read the " + what + " from `FILE`; - is stdin"},
		&urfave.BoolFlag{Name: "edit", Usage: "open your editor (git var GIT_EDITOR)"},
	}
}

// DescriptionFlags are -d, -F and --edit.
func DescriptionFlags() []urfave.Flag {
	return append([]urfave.Flag{
		&urfave.StringFlag{Name: "description", Aliases: []string{"d", "m", "b", "body"}, Usage: "set the description to `TEXT`"},
	}, TextFlags("description")...)
}

// TextSourceOf reads the flags of a text.
func TextSourceOf(u *urfave.Context) (TextSource, error) {
	s := TextSource{File: u.String("file"), Edit: u.Bool("edit")}
	if u.IsSet("file") && s.File == "" {
		return s, Misuse("option '--file' needs the name of a file, or '-'")
	}
	if u.IsSet("description") {
		d := u.String("description")
		s.Given = &d
	}
	if s.Given != nil && s.File != "" {
		return s, Misuse("'--description' and '--file' exclude each other")
	}
	return s, nil
}

// MaxText is larger than any text of an event; a longer text is not read to its end.
const MaxText = 1 << 20

// ReadText returns the text of the source before any editing; present is false if there is
// none.
func (t *Terminal) ReadText(s TextSource) (text string, present bool, err error) {
	switch {
	case s.Given != nil && *s.Given == "-": // it would be saved, and what was piped lost
		return "", false, Misuse("'-' is not a text", "read the text from stdin: -F -")
	case s.Given != nil:
		return TrimText(*s.Given), true, nil
	case s.File == "":
		return "", false, nil
	}
	in := t.In
	if s.File != "-" {
		f, err := os.Open(s.File)
		if err != nil {
			return "", false, Unreadable(s.File, err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, MaxText+1))
	switch {
	case err != nil:
		return "", false, Unreadable(s.File, err)
	case len(b) > MaxText:
		return "", false, Fatal("file", fmt.Sprintf("'%s' is longer than the limit for texts", s.File))
	}
	return TrimText(string(b)), true, nil
}

// TrimText converts line ends to LF, and removes trailing ones and the byte order mark that
// some editors write first.
func TrimText(s string) string {
	s = strings.TrimPrefix(s, byteOrderMark)
	return strings.TrimRight(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
}

const byteOrderMark = "\ufeff"

// TrimTitle also removes the spaces around a title.
func TrimTitle(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || string(r) == byteOrderMark })
}

// SplitMessage splits a text as git splits a commit message: the first line is the title,
// the rest is the description.
func SplitMessage(text string) (title, description string) {
	title, rest, _ := strings.Cut(strings.TrimLeft(text, "\n"), "\n")
	return TrimTitle(title), strings.Trim(rest, "\n")
}
