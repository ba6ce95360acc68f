package frame

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
)

func block(width int, margin, text string) string {
	var b bytes.Buffer
	p := &Page{W: bufio.NewWriter(&b), Width: width}
	p.Block(margin, text)
	p.W.Flush()
	return b.String()
}

func TestLongTextsWrap(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  []string
	}{
		{"one two three four five six", 20, []string{"  one two three four", "  five six"}},
		{"- an item that goes on and on", 20, []string{"  - an item that", "    goes on and on"}},
		{"see https://example.com/a/long/path now", 24, []string{"  see", "  https://example.com/a/long/path", "  now"}},
		{"- https://example.com/a/long/path", 24, []string{"  - https://example.com/a/long/path"}},
		{"日本語の文章も幅で折り返す必要があります", 20, []string{"  日本語の文章も幅で", "  折り返す必要があり", "  ます"}},
		{"    code is not broken at all, ever", 20, []string{"      code is not broken at all, ever"}},
		{"```\nfenced code is not broken\n```\nbut the text after it is", 20, []string{"  ```", "  fenced code is not broken", "  ```", "  but the text after", "  it is"}},
		{"a\tb c d e f g h i j k l m n", 20, []string{"  a\tb c d e f g h i j k l m n"}},
		{"in a pipe nothing is broken, however long it is", 0, []string{"  in a pipe nothing is broken, however long it is"}},
		{"👩‍💻👩‍💻👩‍💻👩‍💻👩‍💻👩‍💻👩‍💻👩‍💻👩‍💻👩‍💻", 20, []string{"  👩‍💻👩‍💻👩‍💻👩‍💻👩‍💻👩‍💻👩‍💻👩‍💻👩‍💻", "  👩‍💻"}},
		{"escape \x1b[31m stays visible and wraps", 24, []string{`  escape \x1b[31m stays`, "  visible and wraps"}},
	} {
		check(t, c.text, block(c.width, "  ", c.text), strings.Join(c.want, "\n")+"\n")
	}
}

func TestBrief(t *testing.T) {
	check(t, "short", Brief("fix the flux"), "fix the flux")
	check(t, "long", Brief(strings.Repeat("word ", 20)), "word word word word word word word word word wo...")
}
