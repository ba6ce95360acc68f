package doctest

import (
	"bufio"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// banned are words and phrases that a reader has to read twice, or that are a
// second word for one thing, and what to write instead. A pattern matches in any
// case. keep is how often it is still right, or still to be rewritten: it may only
// shrink.
var banned = []struct {
	pattern, instead string
	keep             int
}{
	// one word, one meaning
	{`signs? of life`, "presence (the state) or heartbeat (the act)", 1},
	{`\bpulses?\b`, "heartbeat", 2},
	{`\bupkeep\b`, "maintenance", 1},
	{`\blitter\b`, "trailing garbage", 2},
	{`\btwins\b`, "remotes with one hub id, or name them", 1},
	{`\b(un)?mend(s|ed|ing)?\b`, "repair, fix", 1},
	{`\bcure[sd]?\b`, "fix, hint", 6},
	{`\bblanks?\b`, "space, or empty", 0},
	{`\bgist\b`, "first line", 1},
	{`\bupon\b`, "on, after", 0},
	{`\bcolour`, "color", 1},
	{`\bbehaviour|\bhonour|\bneighbour|\bfavour|\bcatalogue|\bcancelled|\brecognis|\borganis`, "American spelling", 0},

	// idiom
	{`\b(it|this|that|which|what|[a-z]+s) (is|are|was|were) told\b`, "reported, printed, shown", 11},
	{`\b(tells|tell|told) (of|that|in|it|so)\b`, "says, reports", 10},
	{`\b(is|are|was|were) so\b`, "name the thing", 2},
	{`\bso (already|now)\b`, "already", 0},
	{`\bsays? so\b`, "reports it", 14},
	{`\bthose there (is|are)\b|\b(all|what|as many as|than) there (is|are|was|were)\b`, "name the things: 'all issues'", 14},
	{`\bwhat (is|was|are|were) (no|none|so)\b`, "name the thing", 2},
	{`\bwhat (nobody|somebody|everybody|others) [^.?!]{0,40}\b(is|are|was|were|has|have|counts?)\b`, "make the subject a person or a thing", 8},
	{`\b(goes|go|went|gone|going) on\b`, "continue", 1},
	{`\bfor ever\b`, "permanently", 0},
	{`\bwhoever\b`, "the person who, anybody who; or name them", 2},
	{`\bwho (may|can) (push|write|read)\b[^,.?]*\b(is|are|gets?|has|can|may)\b`, "anybody who may push", 20},
	{`\bin front of\b`, "before", 0},
	{`\bbehind (event|the last|its? (last|own)|line \d|line %|step|what|the (line|event))`, "after", 0},
	{`\btakes? (it |them |the tracker )?along\b`, "include, carry", 1},
	{`\bput(s|ting)? (in|into) place\b|\bin place already\b`, "install", 1},
	{`\bwithout a word\b`, "silently", 0},
	{`\bunasked\b`, "on its own", 0},
	{`\ball the same\b`, "anyway", 1},
	{`\bno further\b`, "no longer, only until", 3},
	{`\bcounts? no (more|longer|further)\b`, "is ignored", 0},
	{`\bhas (it|them) not\b`, "does not have", 0},
	{`\bmeans nothing\b`, "is invalid", 0},
	{`\b(that|which) is none\b`, "is not one, or name it", 0},
	{`\bof whom\b|\bwhereof\b|\btherefrom\b|\bthereby\b|\bthereof\b|\bwherein\b`, "two sentences", 0},
	{`\bwhich [^.?!;:]{3,60}\bwhich\b`, "one 'which' in a sentence", 26},
	{`\bbe it\b`, "even if, whether", 0},
	{`\bany more\b`, "no longer, now", 4},
	{`\bpass(es|ed)? over\b`, "skip, ignore", 2},
	{`\bbut for\b`, "except for", 0},
	{`\bstands? (there|behind|in its place|in the way)\b`, "is there, follows", 0},
	{`\bwhat is (said|held)\b`, "name the thing: the mark, the message, the locks", 0},
	{`\bgo(es)? round\b`, "try again, form a cycle", 0},
	{`\botherwise than\b`, "differently from", 0},
}

// made are documents that are generated from texts that are checked themselves.
var made = map[string]bool{"docs/messages.md": true}

// phrase is one text and where it is.
type phrase struct {
	file string
	line int
	text string
}

// TestWords: no text that a user or a reader of the code sees contains a banned
// phrase: string literals, comments, documents, the changelog, the
// dashboard's templates and scripts.
func TestWords(t *testing.T) {
	dir := root(t)
	var all []phrase
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (rel != "." && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bin"):
			return filepath.SkipDir
		case d.IsDir(), made[filepath.ToSlash(rel)], strings.HasPrefix(rel, "man"), rel == filepath.Join("internal", "doctest", "words_test.go"):
			return nil
		}
		switch filepath.Ext(path) {
		case ".go":
			all = append(all, goPhrases(t, path, rel)...)
		case ".md":
			all = append(all, paragraphs(lines(t, path, rel))...)
		case ".html", ".js", ".1", ".5", ".7", ".sh", "":
			all = append(all, lines(t, path, rel)...)
		}
		return nil
	})
	if err != nil || len(all) < 10000 {
		t.Fatalf("only %d texts, %v", len(all), err)
	}
	for _, b := range banned {
		re := regexp.MustCompile("(?i)" + b.pattern)
		var hits []string
		for _, p := range all {
			for _, m := range re.FindAllString(p.text, -1) {
				hits = append(hits, fmt.Sprintf("%s:%d: %s", p.file, p.line, m))
			}
		}
		switch {
		case len(hits) > b.keep:
			t.Errorf("%s: %d, at most %d; write %s:\n%s", b.pattern, len(hits), b.keep, b.instead, strings.Join(hits, "\n"))
		case len(hits) < b.keep:
			t.Logf("%s: %d left: lower 'keep'", b.pattern, len(hits))
		}
	}
}

// goPhrases are the comments and the sentences among the string literals of a file.
func goPhrases(t *testing.T, path, rel string) (all []phrase) {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range f.Comments {
		all = append(all, phrase{rel, set.Position(c.Pos()).Line, strings.Join(strings.Fields(c.Text()), " ")})
	}
	if strings.HasSuffix(path, "_test.go") {
		return all
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil && strings.Contains(text, " ") {
				all = append(all, phrase{rel, set.Position(lit.Pos()).Line, text})
			}
		}
		return true
	})
	return all
}

// paragraphs joins the lines of each paragraph, so that a phrase is found across the
// end of a line. Blocks of code, tables, headings and items of lists begin anew.
func paragraphs(all []phrase) (joined []phrase) {
	fenced, open := false, false
	for _, p := range all {
		text := strings.TrimSpace(p.text)
		fence := strings.HasPrefix(text, "```")
		switch {
		case open && !fence && text != "" && !begins.MatchString(text):
			joined[len(joined)-1].text += " " + text
		default:
			joined = append(joined, p)
		}
		if fence {
			fenced = !fenced
		}
		open = !fenced && !fence && text != "" && text[0] != '#' && text[0] != '|'
	}
	return joined
}

// begins is the first line of a table, a heading or an item of a list.
var begins = regexp.MustCompile(`^([|#>]|[-*] |\d+\. )`)

func lines(t *testing.T, path, rel string) (all []phrase) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for n := 1; s.Scan(); n++ {
		all = append(all, phrase{rel, n, s.Text()})
	}
	if err := s.Err(); err != nil {
		t.Fatalf("%s: %v", rel, err)
	}
	return all
}

func TestParagraphs(t *testing.T) {
	var all []phrase
	for i, l := range strings.Split("# one\ntwo\nthree\n\n- four\n  five\n- six\n| a |\n| b |\n```\nseven\neight\n```\nnine\n`ten`", "\n") {
		all = append(all, phrase{"a.md", i + 1, l})
	}
	var got []string
	for _, p := range paragraphs(all) {
		got = append(got, fmt.Sprint(p.line, " ", p.text))
	}
	want := "1 # one|2 two three|4 |5 - four five|7 - six|8 | a ||9 | b ||10 ```|11 seven|12 eight|13 ```|14 nine `ten`"
	if strings.Join(got, "|") != want {
		t.Errorf("%q", got)
	}
}
