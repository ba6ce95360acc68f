package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	urfave "github.com/urfave/cli/v2"
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
		return s, misuse("option '--file' needs the name of a file, or '-'")
	}
	if u.IsSet("description") {
		d := u.String("description")
		s.given = &d
	}
	if s.given != nil && s.file != "" {
		return s, misuse("'--description' and '--file' exclude each other")
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
			return "", false, unreadable(s.file, err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxText+1))
	switch {
	case err != nil:
		return "", false, unreadable(s.file, err)
	case len(b) > maxText:
		return "", false, fatal("file", fmt.Sprintf("'%s' is longer than any text may be", s.file))
	}
	return tidy(string(b)), true, nil
}

// tidy makes line ends LF and drops those at the end.
func tidy(s string) string {
	return strings.TrimRight(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
}

// draft is a text that has been in the editor. The file stays until the text
// is safe elsewhere.
type draft struct{ path string }

// done removes the file if err is nil, else tells where the text is.
func (d *draft) done(err error) error {
	if d == nil {
		return err
	}
	if err == nil {
		os.Remove(d.path)
		return nil
	}
	f := *explain(err)
	f.hints = append(f.hints[:len(f.hints):len(f.hints)], fmt.Sprintf("your text is kept in '%s'", d.path))
	return &f
}

// scissors ends the text; what stands below is not taken. Lines above are taken
// as they are, a Markdown heading too.
const scissors = "------------------------ >8 ------------------------"

// editText opens the user's editor on text and returns what it leaves. An empty
// text is an error.
func (e *env) editText(ctx context.Context, text, about string) (string, *draft, error) {
	mark := e.commentMark(ctx)
	editor, err := e.editor(ctx)
	if err != nil {
		return "", nil, err
	}
	f, err := os.CreateTemp("", "crosslink-*.md")
	if err != nil {
		return "", nil, fatal("editor", "cannot make a file for the editor: "+unwrapPath(err))
	}
	d := &draft{f.Name()}
	body := text + "\n\n" + mark + " " + scissors + "\n"
	for _, l := range strings.Split(about, "\n") {
		body += mark + " " + l + "\n"
	}
	_, err = f.WriteString(body)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return "", nil, d.done(fatal("editor", "cannot write for the editor: "+unwrapPath(err)))
	}
	e.trace.Debug().Str("editor", editor).Msg("child")
	c := exec.Command("sh", "-c", editor+` "$@"`, editor, d.path)
	c.Stdin, c.Stdout, c.Stderr = e.in, e.out, e.err
	if !e.outTTY { // stdout is for the answer
		c.Stdout = e.err
	}
	e.lent.Store(true)
	err = c.Run()
	e.lent.Store(false)
	if err != nil {
		return "", nil, d.done(fatal("editor", fmt.Sprintf("the editor '%s' failed: %v", editor, err)))
	}
	b, err := os.ReadFile(d.path)
	if err != nil {
		return "", nil, unreadable(d.path, err)
	}
	result, _, _ := strings.Cut(tidy(string(b)), mark+" "+scissors)
	result = strings.TrimSpace(result)
	if result == "" {
		os.Remove(d.path)
		return "", nil, fatal("empty", "the text is empty, nothing is written")
	}
	return result, d, nil
}

func (e *env) editor(ctx context.Context) (string, error) {
	if v, err := e.git(ctx, "config", "--get", "crosslink.editor"); err == nil && v != "" {
		return v, nil
	}
	v, err := e.git(ctx, "var", "GIT_EDITOR")
	if err != nil {
		return "", fatal("editor", "no editor: "+gitSays(err), "give the text with -d, or -F <file>")
	}
	return v, nil
}

func (e *env) commentMark(ctx context.Context) string {
	if v, err := e.git(ctx, "config", "--get", "core.commentChar"); err == nil && v != "" && v != "auto" {
		return v
	}
	return "#"
}

// splitMessage takes a text apart as git does a commit message: the first line
// is the title, the rest the description.
func splitMessage(text string) (title, description string) {
	title, rest, _ := strings.Cut(strings.TrimLeft(text, "\n"), "\n")
	return strings.TrimSpace(title), strings.Trim(rest, "\n")
}
