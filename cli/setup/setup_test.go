package setup

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// oddJSON are settings files as people have them.
var oddJSON = map[string]string{
	"empty object":         "{}",
	"empty object, line":   "{}\n",
	"blank object":         "{ }\n",
	"lines in it":          "{\n}\n",
	"a comment in it":      "{\n  // nothing yet\n}\n",
	"one line":             `{"model":"opus","permissions":{"allow":["a","b"]}}`,
	"two spaces":           "{\n  \"model\": \"opus\",\n  \"permissions\": {\n    \"allow\": []\n  }\n}\n",
	"tabs":                 "{\n\t\"model\": \"opus\"\n}\n",
	"CRLF":                 "{\r\n  \"model\": \"opus\"\r\n}\r\n",
	"BOM":                  "\ufeff{\n  \"model\": \"opus\"\n}\n",
	"BOM and nothing":      "\ufeff{}",
	"no final newline":     "{\n  \"model\": \"opus\"\n}",
	"comments":             "// settings\n{ // of mine\n  \"model\": /* the big one */ \"opus\", // yes\n  /* end */\n}\n// {\n",
	"comma at the end":     "{\n  \"model\": \"opus\",\n}\n",
	"foreign hooks":        "{\n  \"hooks\": {\n    \"SessionStart\": [\n      {\"hooks\": [{\"type\": \"command\", \"command\": \"echo hi\"}]}\n    ]\n  }\n}\n",
	"foreign hooks, tight": `{"hooks":{"SessionStart":[{"hooks":[{"type":"command","command":"echo \"hi\" // no comment"}]}]}}`,
	"other hooks":          "{\n    \"hooks\": {\n        \"Stop\": []\n    }\n}\n",
	"no hooks in hooks":    "{\"hooks\": {}, \"x\": null}\n",
	"no session hooks":     "{\n  \"hooks\": {\n    \"SessionStart\": []\n  }\n}\n",
	"other servers":        "{\"mcpServers\": {\"x\": {\"command\": \"x\"}}}",
	"escaped":              "{\"a\\\"b{[\": \"}]\\\\\", \"\\u0068ooks\": {\"SessionStart\": []}}",
	"white space around":   "\n\n  {\n     \"a\": 1e9, \"b\": true\n  }  \n\n",
	"first on the line":    "{\"a\": 1,\n \"b\": 2}\n",
}

// strange are files in which nothing may be put.
var strange = map[string]string{
	"nothing": "", "blank": " \n", "a list": "[]", "a word": "hooks", "cut": `{"hooks": {`, "two": "{}{}", "no comma": `{"a":1 "b":2}`,
	"hooks is a list": `{"hooks": []}`, "hooks is text": `{"hooks": "no"}`, "SessionStart is an object": `{"hooks": {"SessionStart": {}}}`,
	"hooks twice": `{"hooks": {}, "hooks": {}}`, "an open comment": "{} /* ", "two commas": `{"a":1,,}`, "a comma alone": "{,}", "no value": `{"a":}`,
	"not UTF-8": "{\"a\": \"\xff\"}", "NUL": "{\x00}", "a key without quotes": "{hooks: {}}", "deep": strings.Repeat("[", 200) + strings.Repeat("]", 200),
	"UTF-16": "\xff\xfe{\x00}\x00", "a number wrong": `{"a": 01}`,
}

func jsonParts() (all []Part) {
	for _, a := range Agents {
		for _, p := range append(a.Parts(Want{Shared: true, Server: true, Control: true}), a.Parts(Want{Server: true, Control: true})...) {
			if p.path != nil {
				all = append(all, p)
			}
		}
	}
	return all
}

// TestOddFilesComeBack: what is put into a file adds what it should and nothing
// else, is found again, and leaves every byte when it is taken out.
func TestOddFilesComeBack(t *testing.T) {
	for name, text := range oddJSON {
		for _, p := range jsonParts() {
			t.Run(name+"/"+p.What+" "+p.File, func(t *testing.T) {
				doc := []byte(text)
				if got := p.Look(doc); got != Missing {
					t.Fatalf("before: %s", got)
				}
				e, err := p.Insert(doc)
				if err != nil {
					t.Fatal(err)
				}
				if got := p.Look(e.Doc); got != InPlace {
					t.Fatalf("after: %s\n%s", got, e.Doc)
				}
				if strings.Contains(text, "\r\n") && strings.Count(string(e.Doc), "\n") != strings.Count(string(e.Doc), "\r\n") {
					t.Errorf("line ends are mixed: %q", e.Doc)
				}
				back, ok := Undo(e.Doc, e.Lead, e.Text)
				if !ok || !bytes.Equal(back, doc) {
					t.Errorf("taken out:\n%q\nwas:\n%q", back, doc)
				}
				// what was there is there still: without the part both say the same
				removed, ok := p.Remove(e.Doc)
				if !ok || p.Look(removed) != Missing {
					t.Fatalf("removed without a record: %v\n%s", ok, removed)
				}
				if got, want := settled(t, removed), settled(t, doc); !reflect.DeepEqual(got, want) {
					t.Errorf("removed without a record:\n%v\nwas:\n%v", got, want)
				}
			})
		}
	}
}

// settled is what a document says, without objects and arrays that are empty.
func settled(t *testing.T, doc []byte) any {
	t.Helper()
	n, err := parse(doc)
	if err != nil {
		t.Fatalf("%v: %s", err, doc)
	}
	return bare(n.plain(doc))
}

func bare(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, x := range v {
			if x := bare(x); x != nil {
				m[k] = x
			}
		}
		if len(m) > 0 {
			return m
		}
		return nil
	case []any:
		var all []any
		for _, x := range v {
			all = append(all, bare(x))
		}
		if len(all) > 0 {
			return all
		}
		return nil
	}
	return v
}

func TestStrangeFilesAreLeftAlone(t *testing.T) {
	for name, text := range strange {
		p := Agents[1].Parts(Want{})[0]
		if got := p.Look([]byte(text)); got != Unknown {
			t.Errorf("%s: %s", name, got)
		}
		if e, err := p.Insert([]byte(text)); err == nil && name != "not UTF-8" {
			t.Errorf("%s: written: %s", name, e.Doc)
		}
	}
}

// TestSnippetsAreWhatAgentsRead: a snippet is a whole file, and strict JSON.
func TestSnippetsAreWhatAgentsRead(t *testing.T) {
	for _, p := range jsonParts() {
		if !json.Valid([]byte(p.Snippet())) {
			t.Errorf("%s: %s", p.File, p.Snippet())
		}
	}
	if got, want := Agents[1].Parts(Want{})[0].Snippet(), `{
  "hooks": {
    "SessionStart": [
      {
        "matcher": "startup|resume|clear|compact",
        "hooks": [
          {
            "type": "command",
            "command": "command -v git-crosslink >/dev/null || exit 0; git crosslink prime --hook claude",
            "timeout": 10
          }
        ]
      }
    ]
  }
}
`; got != want {
		t.Errorf("got:\n%s", got)
	}
	if n := len(section("\n")); n > 700 {
		t.Errorf("the section has %d bytes", n)
	}
	for _, word := range []string{"git commit", "git push", "git pull", "do not", "never"} {
		if strings.Contains(sectionText, word) {
			t.Errorf("the section says %q", word)
		}
	}
}

// TestSomebodysOwnHookCounts: a hook that somebody wrote is not repeated, and not
// taken out.
func TestSomebodysOwnHookCounts(t *testing.T) {
	p := Agents[1].Parts(Want{})[0]
	doc := []byte(`{"hooks":{"SessionStart":[{"hooks":[{"type":"command","command":"git crosslink prime --hook claude"}]}]}}`)
	if got := p.Look(doc); got != Changed {
		t.Errorf("it is %s", got)
	}
	if _, ok := p.Remove(doc); ok {
		t.Error("it was taken out")
	}
}

var oddMarkdown = map[string]string{
	"empty": "", "a line": "# Agents\n", "no final newline": "# Agents\n\ntext", "CRLF": "# Agents\r\ntext\r\n", "CRLF, no final newline": "# Agents\r\ntext",
	"BOM": "\ufeff# Agents\n", "BOM alone": "\ufeff", "an open fence": "```\ncode\n", "many empty lines": "a\n\n\n", "spaces": "   ",
}

func TestSectionsComeBack(t *testing.T) {
	p := Agents[0].Parts(Want{Shared: true})[0]
	for name, text := range oddMarkdown {
		doc := []byte(text)
		e, err := p.Insert(doc)
		if err != nil || p.Look(e.Doc) != InPlace {
			t.Fatalf("%s: %v %s", name, err, e.Doc)
		}
		if strings.Contains(text, "\r\n") && strings.Count(string(e.Doc), "\n") != strings.Count(string(e.Doc), "\r\n") {
			t.Errorf("%s: line ends are mixed: %q", name, e.Doc)
		}
		if back, ok := Undo(e.Doc, e.Lead, e.Text); !ok || !bytes.Equal(back, doc) {
			t.Errorf("%s: %q", name, back)
		}
		more := append(bytes.Clone(e.Doc), "mine\n"...)
		if back, ok := Undo(more, e.Lead, e.Text); !ok || !bytes.Equal(back, []byte(text+e.Lead+"mine\n")) {
			t.Errorf("%s, with more: %q", name, back)
		}
		edited := bytes.Replace(e.Doc, []byte("## Issues"), []byte("## Our issues"), 1)
		if got := p.Look(edited); got != Changed {
			t.Errorf("%s, edited: %s", name, got)
		}
		if _, ok := p.Remove(edited); ok {
			t.Errorf("%s: what somebody edited was taken out", name)
		}
		doubled := append(bytes.Clone(e.Doc), e.Text...)
		if got := p.Look(doubled); got != Unknown {
			t.Errorf("%s, twice: %s", name, got)
		}
	}
}

// TestAnOldSectionIsUpdated: its hash shows that nobody changed it.
func TestAnOldSectionIsUpdated(t *testing.T) {
	p := Agents[0].Parts(Want{Shared: true})[0]
	body := "## Tracker\nsome older words\n"
	old := "# A\r\n\r\n" + strings.ReplaceAll(sectionBegin+"v0 sha256:"+hashOf(body)+" -->\n"+body+sectionEnd+"\n", "\n", "\r\n") + "after\r\n"
	if got := p.Look([]byte(old)); got != Outdated {
		t.Fatalf("it is %s", got)
	}
	e := p.Update([]byte(old))
	if want := "# A\r\n\r\n" + section("\r\n") + "after\r\n"; string(e.Doc) != want {
		t.Errorf("updated: %q", e.Doc)
	}
}

func FuzzInsertAndUndo(f *testing.F) {
	for _, text := range oddJSON {
		f.Add([]byte(text))
	}
	for _, text := range strange {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		for _, p := range jsonParts() {
			if p.Look(doc) != Missing {
				continue
			}
			e, err := p.Insert(doc)
			if err != nil {
				t.Fatalf("it is missing, and cannot be put in: %v", err)
			}
			if got := p.Look(e.Doc); got != InPlace {
				t.Fatalf("after: %s\n%q", got, e.Doc)
			}
			if json.Valid(doc) && !json.Valid(e.Doc) {
				t.Fatalf("no longer JSON: %q", e.Doc)
			}
			if back, ok := Undo(e.Doc, e.Lead, e.Text); ok && !bytes.Equal(back, doc) {
				t.Fatalf("taken out: %q, was %q", back, doc)
			}
		}
	})
}
