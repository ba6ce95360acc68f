package exporter

import (
	"regexp"
	"strings"
	"sync"
)

// What GitHub turns into links when a text is posted. People are notified of a mention,
// and issues get a note that they were named. The last byte of what is no URL ends
// the mark.
var mention = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile("https?://[^\\s<>]+|(?:^|[^0-9A-Za-z_/`])@[0-9A-Za-z]|#[0-9]|\\bGH-[0-9]")
})

var issue = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`://(?:www\.)?github\.com(/[^/]+/[^/]+/(?:issues|pull|discussions)/)`)
})

// unmentioned is a text that looks the same and notifies nobody when it is posted on
// GitHub: an empty comment of HTML breaks what would be a mention, and a link to an
// issue leads there by a detour. In code nothing is a mention and a comment would
// show, so code stays as it is.
func unmentioned(s string) string {
	fence := ""
	var b strings.Builder
	for line := range strings.Lines(s) {
		words := strings.TrimLeft(line, " ")
		mark := fenceOf(words, len(line)-len(words))
		switch {
		case fence == "" && mark != "":
			fence = mark
		case fence == "":
			line = outsideCode(line)
		case strings.HasPrefix(mark, fence) && strings.TrimSpace(words) == mark:
			fence = ""
		}
		b.WriteString(line)
	}
	return b.String()
}

// fenceOf returns the mark that begins or ends a block of code, "" if there is none.
func fenceOf(words string, indent int) string {
	for _, c := range "`~" {
		rest := strings.TrimLeft(words, string(c))
		if n := len(words) - len(rest); n >= 3 && indent < 4 && !(c == '`' && strings.Contains(rest, "`")) {
			return words[:n]
		}
	}
	return ""
}

// outsideCode breaks mentions in a line, but not between backticks.
func outsideCode(line string) string {
	var b strings.Builder
	for line != "" {
		text, code := line, ""
		if at := strings.IndexByte(line, '`'); at >= 0 {
			run := len(line[at:]) - len(strings.TrimLeft(line[at:], "`"))
			end := closing(line[at+run:], run)
			if text = line[:at+run]; end >= 0 && !strings.HasSuffix(line[:at], "\\") {
				text, code = line[:at], line[at:at+run+end]
			}
		}
		line = line[len(text)+len(code):]
		b.WriteString(mention().ReplaceAllStringFunc(text, func(m string) string {
			if strings.HasPrefix(m, "http") {
				return issue().ReplaceAllString(m, "://redirect.github.com$1")
			}
			return m[:len(m)-1] + "<!-- -->" + m[len(m)-1:]
		}))
		b.WriteString(code)
	}
	return b.String()
}

// closing finds the end of the run of exactly n backticks that ends a piece of code.
func closing(s string, n int) int {
	for from := 0; ; {
		at := strings.IndexByte(s[from:], '`')
		if at < 0 {
			return -1
		}
		from += at
		run := len(s[from:]) - len(strings.TrimLeft(s[from:], "`"))
		if from += run; run == n {
			return from
		}
	}
}
