package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	urfave "github.com/urfave/cli/v2"

	"github.com/git-crosslink/git-crosslink/cli/frame"
)

// textSource says where a long text comes from: the command line, a file or
// stdin, an editor.
type textSource struct {
	given *string // -d, or the argument
	file  string  // -F; "-" is stdin
	edit  bool    // --edit
}

func (s *textSource) none() bool { return s.given == nil && s.file == "" && !s.edit }

// textFlags are -F and --edit.
func textFlags(what string) []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "file", Aliases: []string{"F"}, Usage: "take the " + what + " from `FILE`; - is stdin"},
		&urfave.BoolFlag{Name: "edit", Usage: "open your editor (git var GIT_EDITOR)"},
	}
}

// descriptionFlags are -d, -F and --edit.
func descriptionFlags() []urfave.Flag {
	return append([]urfave.Flag{
		&urfave.StringFlag{Name: "description", Aliases: []string{"d"}, Usage: "describe it in `TEXT`"},
	}, textFlags("description")...)
}

func textSourceOf(u *urfave.Context) (textSource, error) {
	s := textSource{file: u.String("file"), edit: u.Bool("edit")}
	if u.IsSet("file") && s.file == "" {
		return s, frame.Misuse("option '--file' needs the name of a file, or '-'")
	}
	if u.IsSet("description") {
		d := u.String("description")
		s.given = &d
	}
	if s.given != nil && s.file != "" {
		return s, frame.Misuse("'--description' and '--file' exclude each other")
	}
	return s, nil
}

// maxText is more than any text of an event may hold; what is longer is not
// read to its end.
const maxText = 1 << 20

// readText returns what the source gives before any editing: present is false
// if it gives nothing.
func (e *env) readText(s textSource) (text string, present bool, err error) {
	switch {
	case s.given != nil:
		return tidy(*s.given), true, nil
	case s.file == "":
		return "", false, nil
	}
	in := e.in
	if s.file != "-" {
		f, err := os.Open(s.file)
		if err != nil {
			return "", false, frame.Unreadable(s.file, err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxText+1))
	switch {
	case err != nil:
		return "", false, frame.Unreadable(s.file, err)
	case len(b) > maxText:
		return "", false, frame.Fatal("file", fmt.Sprintf("'%s' is longer than any text may be", s.file))
	}
	return tidy(string(b)), true, nil
}

// tidy makes line ends LF and drops those at the end, and the byte order mark
// that some editors put in front.
func tidy(s string) string {
	s = strings.TrimPrefix(s, byteOrderMark)
	return strings.TrimRight(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
}

const byteOrderMark = "\ufeff"

// tidyTitle drops the blanks around a title too.
func tidyTitle(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || string(r) == byteOrderMark })
}

// shellQuote writes s as one word of a shell.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// shellWord is shellQuote where it is needed.
func shellWord(s string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-"
	if s != "" && strings.Trim(s, safe) == "" {
		return s
	}
	return shellQuote(s)
}

// splitMessage takes a text apart as git does a commit message: the first line
// is the title, the rest the description.
func splitMessage(text string) (title, description string) {
	title, rest, _ := strings.Cut(strings.TrimLeft(text, "\n"), "\n")
	return tidyTitle(title), strings.Trim(rest, "\n")
}
