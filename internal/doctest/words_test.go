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
// case; where it needs a place, such as only texts or only comments, in says so.
var banned = []struct{ pattern, instead string }{
	// one word, one meaning
	{`signs? of life`, "presence (the state) or heartbeat (the act)"},
	{`\bpulses?\b`, "heartbeat"},
	{`\bupkeep\b`, "maintenance"},
	{`\blitter\b`, "trailing garbage"},
	{`\btwins\b`, "remotes with one hub id, or name them"},
	{`\b(un)?mend(s|ed|ing)?\b`, "repair, fix"},
	{`\bcure[sd]?\b`, "fix, hint"},
	{`\bblanks?\b`, "space, or empty"},
	{`\bgist\b`, "first line"},
	{`\bupon\b`, "on, after"},
	{`\bcolour`, "color"},
	{`\bbehaviour|\bhonour|\bneighbour|\bfavour|\bcatalogue|\bcancelled|\brecognis|\borganis`, "American spelling"},

	// idiom
	{`\b(is|are|was|were|be|been) told\b`, "name who learns it: 'the message says', 'prints', 'reports'"},
	{`\b(tells|tell|told) (of|that|in|it|so)\b`, "says, reports"},
	{`\b(is|are|was|were) so\b`, "name the thing"},
	{`\bso (already|now)\b`, "already"},
	{`\bsays? so\b`, "reports it"},
	{`\bthose there (is|are)\b|\b(all|what|as many as|than) there (is|are|was|were)\b`, "name the things: 'all issues'"},
	{`\bwhat (is|was|are|were) (no|so|there|here|new|wrong|meant|right|left)\b`, "name the thing"},
	{`\bwhat (nobody|somebody|everybody|others|it|they|a|an|the) [^.?!]{0,40}\b(is|are|was|were|has|have)\b [a-z]+(,|\.|;|$)`, "make the subject a person or a thing"},
	{`\b(goes|go|went|gone|going) on\b`, "continue"},
	{`\bfor ever\b`, "permanently"},
	{`\bwhoever\b`, "the person who, anybody who; or name them"},
	{`\bwho (may|can) (push|write|read)\b[^,.?]*\b(is|are|gets?|has|can|may)\b`, "anybody who may push"},
	{`\bin front of\b`, "before"},
	{`\bbehind (event|the last|it\b|that|line|its|their|step|what|them)`, "after"},
	{`\btakes? (it |them |the tracker )?along\b`, "include, carry"},
	{`\bput(s|ting)? (in|into) place\b|\bin place already\b`, "install"},
	{`\bwithout a word\b`, "silently"},
	{`\bunasked\b`, "on its own"},
	{`\ball the same\b`, "anyway"},
	{`\bno (further|longer than that)\b`, "no longer, only until"},
	{`\bcounts? no (more|longer|further)\b`, "is ignored"},
	{`\bhas (it|them) not\b`, "does not have"},
	{`\bmeans nothing\b`, "is invalid"},
	{`\b(that|which) is none\b`, "is not one, or name it"},
	{`\bof whom\b|\bwhereof\b|\btherefrom\b|\bthereby\b|\bthereof\b|\bwherein\b`, "two sentences"},
	{`\bwhich [^.?!;:]{3,60}\bwhich\b`, "one 'which' in a sentence"},
	{`\bbe it\b`, "even if, whether"},
}

// phrase is one text and where it is.
type phrase struct {
	file string
	line int
	text string
}

// TestWords: no text that a user or a reader of the code sees contains a banned
// phrase: string literals, comments, documents, the manual, the changelog, the
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
		case d.IsDir() || rel == filepath.Join("internal", "doctest", "words_test.go"):
			return nil
		}
		switch filepath.Ext(path) {
		case ".go":
			all = append(all, goPhrases(t, path, rel)...)
		case ".md", ".html", ".js", ".1", ".5", ".7", ".sh", "":
			all = append(all, lines(t, path, rel)...)
		}
		return nil
	})
	if err != nil || len(all) < 10000 {
		t.Fatalf("only %d texts, %v", len(all), err)
	}
	found := map[string][]string{}
	for _, b := range banned {
		re := regexp.MustCompile("(?i)" + b.pattern)
		for _, p := range all {
			for _, m := range re.FindAllString(p.text, -1) {
				found[p.file] = append(found[p.file], fmt.Sprintf("%s:%d: '%s': write %s", p.file, p.line, m, b.instead))
			}
		}
	}
	allowed := exceptions(t, filepath.Join(dir, "internal", "doctest", "testdata", "words.txt"))
	for file, hits := range found {
		if len(hits) > allowed[file] {
			t.Errorf("%s: %d banned phrases, testdata/words.txt allows %d:\n%s", file, len(hits), allowed[file], strings.Join(hits, "\n"))
		}
	}
	for file, n := range allowed {
		if len(found[file]) < n {
			t.Errorf("testdata/words.txt: %s has %d banned phrases: write %[2]d instead of %d", file, len(found[file]), n)
		}
	}
}

// exceptions reads how many banned phrases a file may keep. The list may only shrink.
func exceptions(t *testing.T, path string) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, l := range lines(t, path, path) {
		if l.text == "" || strings.HasPrefix(l.text, "#") {
			continue
		}
		count, file, _ := strings.Cut(l.text, " ")
		n, err := strconv.Atoi(count)
		if err != nil {
			t.Fatalf("%s:%d: %v", path, l.line, err)
		}
		all[file] = n
	}
	return all
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
