package markdown

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

const issues = "/p/o/r/i/"

func TestHTML(t *testing.T) {
	for source, want := range map[string]string{
		"plain":                                    "<p>plain</p>",
		"a *b* **c** ~~d~~ `e`":                    "<p>a <em>b</em> <strong>c</strong> <del>d</del> <code>e</code></p>",
		"one\ntwo":                                 "<p>one<br>\ntwo</p>",
		"# Title":                                  "<h3>Title</h3>",
		"###### Title":                             "<h6>Title</h6>",
		"see #12, and #3.":                         `<p>see <a href="/p/o/r/i/12" rel="nofollow noreferrer">#12</a>, and <a href="/p/o/r/i/3" rel="nofollow noreferrer">#3</a>.</p>`,
		"no #issue, x#12, `#12`, #12x, &#12; #":    "<p>no #issue, x#12, <code>#12</code>, #12x, \f #</p>",
		"https://example.com/#12":                  `<p><a href="https://example.com/#12" rel="nofollow noreferrer">https://example.com/#12</a></p>`,
		"[text](https://example.com)":              `<p><a href="https://example.com" rel="nofollow noreferrer">text</a></p>`,
		"[see #12](https://example.com)":           `<p><a href="https://example.com" rel="nofollow noreferrer">see #12</a></p>`,
		"[x](/settings) [y](//evil.example) [z]()": "<p>x y z</p>",
		"[x](javascript:alert(1))":                 "<p>x</p>",
		"![alt](https://example.com/x.png)":        `<p><a href="https://example.com/x.png" rel="nofollow noreferrer">alt</a></p>`,
		"![](https://example.com/x.png)":           `<p><a href="https://example.com/x.png" rel="nofollow noreferrer">picture</a></p>`,
		"![alt](data:image/png;base64,x)":          "<p>alt</p>",
		"<b>bold</b> & <script>alert(1)</script>":  "<p>&lt;b&gt;bold&lt;/b&gt; &amp; &lt;script&gt;alert(1)&lt;/script&gt;</p>",
		"<div onclick=x>\ntext\n</div>":            "<p>&lt;div onclick=x&gt;\ntext\n&lt;/div&gt;</p>",
		"3. three":                                 "<ol start=\"3\">\n<li>three</li>\n</ol>",
		"- [ ] task":                               "<ul>\n<li>[ ] task</li>\n</ul>",
		"```go\nx < y\n```":                        "<pre><code>x &lt; y\n</code></pre>",
	} {
		if got := strings.TrimSpace(HTML(source, issues)); got != want {
			t.Errorf("%q:\n%s\nwant\n%s", source, got, want)
		}
	}
	table := HTML("| a | b |\n|:-:|---|\n| 1 | 2 |", issues)
	if !strings.Contains(table, `<th align="center">a</th>`) || strings.Contains(table, "style") {
		t.Error(table)
	}
	if got := HTML("see #12", ""); got != "<p>see #12</p>\n" {
		t.Errorf("without a project: %s", got)
	}
	if got := HTML(strings.Repeat("<", MaxText+1), issues); !strings.HasPrefix(got, "<pre>&lt;") {
		t.Error(got[:20])
	}
}

// tags are the allowed elements of a page.
var tags = strings.Fields("p br hr em strong del code pre blockquote ul ol li h3 h4 h5 h6 table thead tbody tr th td a")

// harmless returns what is wrong with a part of a page.
func harmless(t *testing.T, source, out string) {
	t.Helper()
	for z := html.NewTokenizer(strings.NewReader(out)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			return
		}
		if kind == html.CommentToken || kind == html.DoctypeToken {
			t.Errorf("%q: %s", source, out)
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		token := z.Token()
		if !slices.Contains(tags, token.Data) {
			t.Errorf("%q has <%s>: %s", source, token.Data, out)
		}
		for _, a := range token.Attr {
			safe := strings.HasPrefix(a.Val, "http://") || strings.HasPrefix(a.Val, "https://") || strings.HasPrefix(a.Val, "mailto:") || strings.HasPrefix(a.Val, issues)
			switch {
			case a.Key == "href" && token.Data == "a" && safe, a.Key == "rel" && token.Data == "a", a.Key == "align", a.Key == "start":
			default:
				t.Errorf("%q has %s=%q: %s", source, a.Key, a.Val, out)
			}
		}
	}
}

// hostile are texts that would do something in a page.
var hostile = []string{
	"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "<iframe srcdoc='<script>alert(1)</script>'>", "<a href=javascript:alert(1)>x</a>",
	"[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))", "[x](&#106;avascript:alert(1))", "[x](java\tscript:alert(1))", "[x](vbscript:x)", "[x](data:text/html,<script>alert(1)</script>)",
	"<javascript:alert(1)>", "<data:text/html,x>", "![x](javascript:alert(1))", "![x](x\" onerror=\"alert(1))", "[x](https://a\" onclick=\"alert(1))", "[x](https://a 'onclick=alert(1)')",
	"[x]: javascript:alert(1)\n\n[x]", "<style>*{display:none}</style>", "<form action=/projects/untrack method=post><button>ok</button></form>", "<input autofocus onfocus=alert(1)>",
	"<meta http-equiv=refresh content=0;url=https://evil.example>", "<base href=https://evil.example>", "<link rel=stylesheet href=https://evil.example>", "<object data=x>", "<math><mtext></p><img src=x onerror=alert(1)>",
	"`<script>`", "```\n</code></pre><script>alert(1)</script>\n```", "| <script> |\n|---|\n| <img onerror=x> |", "<!-- --><script>alert(1)</script>", "<?php x ?>", "<![CDATA[x]]>", "</main></body>",
	"# <script>alert(1)</script>", "> <script>", "* <script>", "[<script>](https://a)", "![<script>](https://a)", "<b\n onmouseover=alert(1)>", "\x00<script>", "&lt;script&gt;", "[#12](javascript:x)", "[[#1](#2)](#3)",
	"www.example.com\"onclick=alert(1)", "https://example.com/<script>", "mailto:x\"onclick=y@example.com", "[a](<javascript:alert(1)>)", "[a](  javascript:alert(1))", "<a\x0chref=javascript:alert(1)>",
}

func TestHostileTexts(t *testing.T) {
	for _, s := range hostile {
		for _, form := range []string{"%", "x % y", "- %", "> %\n\ny", "**%**", "[%](https://example.com)", "\n%\n\n%\n"} {
			source := strings.ReplaceAll(form, "%", s)
			harmless(t, source, HTML(source, issues))
		}
	}
}

// TestNoTextTakesLong: what is small to write is not expensive to show, in one
// paragraph or in many.
func TestNoTextTakesLong(t *testing.T) {
	for _, s := range []string{"[", "![", "*a_", "> ", "`", "<a", "((", "[](", "|a", "- ", "~~", "\n\n#1", "![[]()", "<<", "&#"} {
		whole := strings.Repeat(s, MaxText/len(s))
		parts := strings.Repeat(strings.Repeat(s, maxMarks/3)+"\n\n", max(1, MaxText/(maxMarks/3*len(s)+2)))
		for _, source := range []string{whole, parts} {
			began := time.Now()
			harmless(t, s+" …", HTML(source, issues))
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("%q, 64 KB: %s", s, took)
			} else if took > 500*time.Millisecond {
				t.Logf("%q, 64 KB: %s", s, took)
			}
		}
	}
}

func FuzzHTML(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) { harmless(t, source, HTML(source, issues)) })
}
