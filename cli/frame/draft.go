package frame

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"unicode/utf8"
)

// Draft is a text in the user's editor. The rules are:
//
//   - the text is above the scissors line, comments are below. Only a scissors line that was
//     not in the text already ends it, so that a description by others cannot cut itself
//     short;
//   - lines above it are kept unchanged, including Markdown headings;
//   - characters that an editor must not show are shown as escapes, and converted back, so
//     that editing one word changes one word;
//   - an empty text is an error;
//   - the file stays until the text is stored elsewhere.
type Draft struct{ path string }

// Done removes the file if err is nil; otherwise it adds to the error where the text is.
func (d *Draft) Done(err error) error {
	if d == nil {
		return err
	}
	if err == nil {
		os.Remove(d.path)
		return nil
	}
	f := *Explain(err)
	f.Hints = append(f.Hints[:len(f.Hints):len(f.Hints)], fmt.Sprintf("your text is kept in '%s'", d.path))
	return &f
}

// Scissors end the text of a draft; the comment character and a space come before them.
const Scissors = "------------------------ >8 ------------------------"

// EditText opens the user's editor on text and returns the result.
func (t *Terminal) EditText(ctx context.Context, text, about string) (string, *Draft, error) {
	line := t.commentMark(ctx) + " " + Scissors
	editor, err := t.editor(ctx)
	if err != nil {
		return "", nil, err
	}
	f, err := os.CreateTemp("", "crosslink-*.md")
	if err != nil {
		return "", nil, Fatal("editor", "cannot make a file for the editor: "+UnwrapPath(err))
	}
	d := &Draft{f.Name()}
	_, err = f.WriteString(draftPage(text, line, about))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(d.path)
		return "", nil, Fatal("editor", "cannot write for the editor: "+UnwrapPath(err))
	}
	if err := t.runEditor(editor, d.path); err != nil {
		return "", nil, d.Done(Fatal("editor", fmt.Sprintf("the editor '%s' failed: %v", editor, err)))
	}
	b, err := os.ReadFile(d.path)
	if err != nil {
		return "", nil, Unreadable(d.path, err)
	}
	result := leftOn(string(b), text, line)
	if result == "" {
		os.Remove(d.path)
		return "", nil, Fatal("empty", "the text is empty: nothing was written")
	}
	return result, d, nil
}

func (t *Terminal) runEditor(editor, path string) error {
	t.Trace.Debug().Str("editor", editor).Msg("child")
	c := exec.Command("sh", "-c", editor+` "$@"`, editor, path)
	c.Stdin, c.Stdout, c.Stderr = t.In, t.Out, t.Err
	if !t.OutTTY { // stdout is only for the answer
		c.Stdout = t.Err
	}
	t.busy.Store(true)
	defer t.busy.Store(false)
	return c.Run()
}

// draftPage returns the content of the file for the editor; line is the scissors line.
func draftPage(text, line, about string) string {
	body := Lines(text) + "\n\n" + line + "\n"
	for _, l := range strings.Split(about, "\n") {
		body += strings.TrimSuffix(line, Scissors) + l + "\n"
	}
	return body
}

// leftOn returns the text on an edited page that was made from text.
func leftOn(page, text, line string) string {
	return strings.TrimSpace(unescaped(above(TrimText(page), line, linesLike(text, line)), text))
}

// above returns the part above the last scissors line, if the page has more of them than
// the text itself.
func above(edited, line string, own int) string {
	lines := strings.Split(edited, "\n")
	if linesLike(edited, line) <= own {
		return edited
	}
	for k := len(lines) - 1; ; k-- {
		if lines[k] == line {
			return strings.Join(lines[:k], "\n")
		}
	}
}

func linesLike(text, line string) int {
	n := 0
	for _, l := range strings.Split(text, "\n") {
		if l == line {
			n++
		}
	}
	return n
}

// unescaped converts escapes in a draft back into the characters of the text. Escapes of
// control characters stay, because an event must not contain these. An escape that the text
// itself spells out is not converted.
func unescaped(edited, text string) string {
	for _, r := range text {
		if r < 0xA0 || r == utf8.RuneError || !Hidden(r) {
			continue
		}
		if escape := OneLine(string(r)); !strings.Contains(text, escape) {
			edited = strings.ReplaceAll(edited, escape, string(r))
		}
	}
	return edited
}

func (t *Terminal) editor(ctx context.Context) (string, error) {
	if v, _ := t.Setting(ctx, "crosslink.editor"); v != "" {
		return v, nil
	}
	v, err := t.Git(ctx, "var", "GIT_EDITOR")
	if err != nil {
		return "", Fatal("editor", "no editor: "+GitMessage(err), "give the text with -d, or -F <file>")
	}
	return v, nil
}

// commentMark returns the beginning of the lines below the scissors: core.commentChar, or
// '#' for 'auto' and for values that would break the line.
func (t *Terminal) commentMark(ctx context.Context) string {
	mark, _ := t.Setting(ctx, "core.commentString")
	if mark == "" {
		mark, _ = t.Setting(ctx, "core.commentChar")
	}
	if mark == "" || mark == "auto" || mark != OneLine(mark) {
		return "#"
	}
	return mark
}
