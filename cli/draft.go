package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"unicode/utf8"

	"github.com/git-crosslink/git-crosslink/cli/frame"
)

// A draft is a text in the user's editor. The rules are:
//
//   - the text stands above the scissors, what is said about it below; only a
//     scissors line that was not in the text already ends it, so that a foreign
//     description cannot cut itself short;
//   - lines above are taken as they are, a Markdown heading too;
//   - what an editor must not show is shown as an escape, and turned back into
//     what it stood for, so that editing one word changes one word;
//   - an empty text is an error;
//   - the file stays until the text is safe elsewhere.
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
	f := *frame.Explain(err)
	f.Hints = append(f.Hints[:len(f.Hints):len(f.Hints)], fmt.Sprintf("your text is kept in '%s'", d.path))
	return &f
}

const scissors = "------------------------ >8 ------------------------"

// editText opens the user's editor on text and returns what it leaves.
func (e *env) editText(ctx context.Context, text, about string) (string, *draft, error) {
	line := e.commentMark(ctx) + " " + scissors
	editor, err := e.editor(ctx)
	if err != nil {
		return "", nil, err
	}
	f, err := os.CreateTemp("", "crosslink-*.md")
	if err != nil {
		return "", nil, frame.Fatal("editor", "cannot make a file for the editor: "+frame.UnwrapPath(err))
	}
	d := &draft{f.Name()}
	_, err = f.WriteString(draftPage(text, line, about))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(d.path)
		return "", nil, frame.Fatal("editor", "cannot write for the editor: "+frame.UnwrapPath(err))
	}
	if err := e.runEditor(editor, d.path); err != nil {
		return "", nil, d.done(frame.Fatal("editor", fmt.Sprintf("the editor '%s' failed: %v", editor, err)))
	}
	b, err := os.ReadFile(d.path)
	if err != nil {
		return "", nil, frame.Unreadable(d.path, err)
	}
	result := leftOn(string(b), text, line)
	if result == "" {
		os.Remove(d.path)
		return "", nil, frame.Fatal("empty", "the text is empty, nothing is written")
	}
	return result, d, nil
}

func (e *env) runEditor(editor, path string) error {
	e.trace.Debug().Str("editor", editor).Msg("child")
	c := exec.Command("sh", "-c", editor+` "$@"`, editor, path)
	c.Stdin, c.Stdout, c.Stderr = e.in, e.out, e.err
	if !e.outTTY { // stdout is for the answer
		c.Stdout = e.err
	}
	e.lent.Store(true)
	defer e.lent.Store(false)
	return c.Run()
}

// draftPage is what the editor is given; line is the scissors.
func draftPage(text, line, about string) string {
	body := frame.Lines(text) + "\n\n" + line + "\n"
	for _, l := range strings.Split(about, "\n") {
		body += strings.TrimSuffix(line, scissors) + l + "\n"
	}
	return body
}

// leftOn is the text on a page that began as that of text.
func leftOn(page, text, line string) string {
	return strings.TrimSpace(unescaped(above(tidy(page), line, linesLike(text, line)), text))
}

// above is what stands above the last line that is the scissors, if there are
// more of them than the text had of its own.
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

// unescaped turns escapes of a draft back into the characters of the text they
// stood for. Those of control characters stay: no event may hold such. An
// escape that the text holds in letters is not taken for one.
func unescaped(edited, text string) string {
	for _, r := range text {
		if r < 0xA0 || r == utf8.RuneError || !frame.Hidden(r) {
			continue
		}
		if escape := frame.OneLine(string(r)); !strings.Contains(text, escape) {
			edited = strings.ReplaceAll(edited, escape, string(r))
		}
	}
	return edited
}

func (e *env) editor(ctx context.Context) (string, error) {
	if v, _ := e.setting(ctx, "crosslink.editor"); v != "" {
		return v, nil
	}
	v, err := e.git(ctx, "var", "GIT_EDITOR")
	if err != nil {
		return "", frame.Fatal("editor", "no editor: "+gitSays(err), "give the text with -d, or -F <file>")
	}
	return v, nil
}

// commentMark begins the lines below the scissors: core.commentChar, where
// 'auto' is '#', as is what would break the line.
func (e *env) commentMark(ctx context.Context) string {
	mark, _ := e.setting(ctx, "core.commentString")
	if mark == "" {
		mark, _ = e.setting(ctx, "core.commentChar")
	}
	if mark == "" || mark == "auto" || mark != frame.OneLine(mark) {
		return "#"
	}
	return mark
}
