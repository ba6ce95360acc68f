package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// TestManualIsMade: man/ holds what the texts of help and docs/format.md make,
// and nothing else.
func TestManualIsMade(t *testing.T) {
	pages, err := all(root)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, p := range pages {
		if want[p.Name] != "" {
			t.Errorf("'%s' is made twice", p.Name)
		}
		want[p.Name] = p.Roff
	}
	files, err := os.ReadDir(filepath.Join(root, "man"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(root, "man", f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if want[f.Name()] != string(b) {
			t.Errorf("man/%s is not what the texts make: make man", f.Name())
		}
		delete(want, f.Name())
	}
	for name := range want {
		t.Errorf("man/%s is missing: make man", name)
	}
}

// TestMessagesAreListed: docs/messages.md lists what the source makes.
func TestMessagesAreListed(t *testing.T) {
	want, err := messageList(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "docs", "messages.md"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/messages.md is out of date: make man")
	}
}

// TestLinksLead to a page that is there.
func TestLinksLead(t *testing.T) {
	pages, err := all(root)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, p := range pages {
		known[p.Name] = true
	}
	refers := regexp.MustCompile(`\\fB(git[a-z\\-]*crosslink[a-z\\-]*)\\fR\((\d)\)`)
	found := 0
	for _, p := range pages {
		if to, ok := strings.CutPrefix(p.Roff, ".so man1/"); ok && !known[strings.TrimSpace(to)] {
			t.Errorf("'%s' leads to '%s'", p.Name, to)
		}
		for _, m := range refers.FindAllStringSubmatch(p.Roff, -1) {
			found++
			if name := strings.ReplaceAll(m[1], `\-`, "-") + "." + m[2]; !known[name] {
				t.Errorf("'%s' names '%s'", p.Name, name)
			}
		}
	}
	if found < 10 {
		t.Errorf("found only %d references", found)
	}
}

// TestRoffIsValid: groff has nothing to say about any page.
func TestRoffIsValid(t *testing.T) {
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("no 'groff' here")
	}
	dir := t.TempDir()
	for _, d := range []string{"man1", "man5", "man7"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	pages, err := all(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		if err := os.WriteFile(filepath.Join(dir, "man"+p.Name[len(p.Name)-1:], p.Name), []byte(p.Roff), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range pages {
		cmd := exec.Command(groff, "-ww", "-man", "-Tutf8", "-rLL=100n", "man"+p.Name[len(p.Name)-1:]+"/"+p.Name)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil || strings.Contains(string(out), "warning") || strings.Contains(string(out), "error:") && strings.Contains(string(out), "troff:") {
			t.Errorf("%s: %v\n%.400s", p.Name, err, out)
		}
		if len(out) < 300 {
			t.Errorf("%s is nearly empty: %q", p.Name, out)
		}
		if strings.HasPrefix(p.Roff, ".so") {
			break // the links need groff only once
		}
	}
}

// TestInline: what Markdown marks in a line.
func TestInline(t *testing.T) {
	for in, want := range map[string]string{
		"a `b-c` **d** *e* f":     `a \fBb\-c\fR \fBd\fR \fIe\fR f`,
		"see [this](x.md#y), 'q'": `see this, \(aqq\(aq`,
		".not a request":          `\&.not a request`,
		"`.x`.":                   `\fB.x\fR.`,
		`a\nb …`:                  `a\enb \[u2026]`,
		"2 * 3 * 4":               "2 * 3 * 4",
	} {
		if got := inline(in); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}
