package transfer

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	unicode16 "golang.org/x/text/encoding/unicode"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/importer"
	"github.com/git-crosslink/git-crosslink/internal/shell"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/transfer"
)

// format is a kind of source that can be imported.
type format struct {
	name string
	what string // description of what it reads
	read func(importer.Source, importer.Options, *importer.Sink) error
}

// formats are the formats, in the order in which they are tried.
var formats = []format{
	{"crosslink", "an export of this program ('git crosslink export')", importer.Crosslink},
	{"beads", "the JSON lines of beads (.beads/issues.jsonl, 'bd export')", importer.Beads},
	{"github", "issues of GitHub's REST API, or of 'gh issue list --json'", importer.GitHub},
	{"git-bug", "a repository in which git-bug keeps its bugs", nil},
	{"gitlab", "the CSV that GitLab exports", importer.GitLab},
	{"jira", "the CSV that Jira exports", importer.Jira},
	{"csv", "a table with a header", importer.CSV},
	{"markdown", "the task lists of a file", importer.Markdown},
}

func formatNames() (names []string) {
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// source is an opened source.
type source struct {
	format
	file  *os.File // nil for a repository
	size  int64
	path  string
	close func()
	bugs  importer.GitBugs
	refs  string // refs of the bugs
}

func (s *source) ReadAt(p []byte, at int64) (int, error) { return s.file.ReadAt(p, at) }
func (s *source) Size() int64                            { return s.size }

func (s *source) Read(o importer.Options, out *importer.Sink) error {
	if s.bugs != nil {
		return importer.GitBug(s.bugs, o, out)
	}
	return s.read(s, o, out)
}

// openSource opens a file, a directory, or a pipe such as stdin, which is copied to a file
// without a name, and determines its format.
func openSource(ctx context.Context, e *command.Env, want, path string) (*source, error) {
	s := &source{path: path, close: func() {}}
	var err error
	if path == "-" {
		err = s.spool(e.In, maxSpool)
	} else if info, serr := os.Stat(path); serr != nil {
		err = serr
	} else if info.IsDir() {
		return openDirectory(ctx, e, want, path)
	} else if info.Mode()&os.ModeDevice != 0 {
		err = errors.New("it is a device")
	} else if s.file, err = os.Open(path); err == nil && !info.Mode().IsRegular() { // a pipe
		in := s.file
		err = s.spool(in, maxSpool)
		in.Close()
	} else if err == nil {
		s.size, s.close = info.Size(), func() { s.file.Close() }
	}
	if err != nil {
		s.close()
		return nil, frame.Fatal("import-source", fmt.Sprintf("cannot read '%s': %v", path, frame.UnwrapPath(err)))
	}
	if err := s.utf8(); err != nil {
		s.close()
		return nil, err
	}
	name := want
	if name == "" {
		name = s.guess()
	}
	if s.format = formatNamed(name); s.read == nil {
		head := make([]byte, 16)
		n, _ := s.file.ReadAt(head, 0)
		s.close()
		if bundle := string(head[:n]); strings.HasPrefix(bundle, "# v2 git bundle") || strings.HasPrefix(bundle, "# v3 git bundle") {
			return nil, frame.Fatal("import-format", fmt.Sprintf("'%s' is a git bundle of a whole tracker: create a hub from it instead of importing it", path), "git clone --mirror "+shell.Word(path)+" hub.git")
		}
		if name == "git-bug" {
			return nil, frame.Fatal("import-source", fmt.Sprintf("'%s' is a file; git-bug keeps its bugs in a repository", path), "git crosslink import git-bug <directory>")
		}
		return nil, frame.Fatal("import-format", fmt.Sprintf("cannot tell what '%s' is", path), nameFormat())
	}
	return s, nil
}

func nameFormat() string {
	return "name its format (" + strings.Join(formatNames(), ", ") + "): git crosslink import <format> <source>"
}

// utf8 converts a text in UTF-16, which spreadsheets and shells of Windows write, to a
// temporary copy in UTF-8.
func (s *source) utf8() error {
	head := make([]byte, 4)
	n, err := s.file.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return frame.Fatal("import-source", fmt.Sprintf("cannot read '%s': %v", s.path, frame.UnwrapPath(err)))
	}
	head = head[:n]
	for _, e := range []struct {
		name, mark string
		zero       int // position of the 0 bytes in a text that begins with ASCII
		end        unicode16.Endianness
	}{{"UTF-16LE", "\xff\xfe", 1, unicode16.LittleEndian}, {"UTF-16BE", "\xfe\xff", 0, unicode16.BigEndian}} {
		switch {
		case bytes.HasPrefix(head, []byte(e.mark)) && !bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")):
			was := s.file
			defer was.Close()
			in := io.NewSectionReader(was, 0, s.size)
			if err := s.spool(unicode16.UTF16(e.end, unicode16.ExpectBOM).NewDecoder().Reader(in), maxSpool); err != nil {
				return frame.Fatal("import-source", fmt.Sprintf("cannot read '%s' as %s: %v", s.path, e.name, frame.UnwrapPath(err)))
			}
			return nil
		case n == 4 && head[e.zero] == 0 && head[e.zero+2] == 0 && head[1-e.zero] != 0:
			return frame.Fatal("import-format", fmt.Sprintf("'%s' is text in %s without a byte order mark", s.path, e.name),
				"convert it to UTF-8: iconv -f "+e.name+" -t UTF-8 <source> >utf8.txt")
		}
	}
	return nil
}

func formatNamed(name string) format {
	if i := slices.IndexFunc(formats, func(f format) bool { return f.name == name }); i >= 0 {
		return formats[i]
	}
	return format{name: name}
}

// maxSpool is how many bytes are read from a pipe: they are stored on disk.
const maxSpool = 4 << 30

func (s *source) spool(in io.Reader, most int64) (err error) {
	if s.file, err = os.CreateTemp("", "crosslink-import-*"); err != nil {
		return err
	}
	os.Remove(s.file.Name())
	s.close = func() { s.file.Close() }
	if s.size, err = io.Copy(s.file, io.LimitReader(in, most+1)); err == nil && s.size > most {
		err = fmt.Errorf("a pipe may bring at most %d MiB; write it to a file and import the file", most>>20)
	}
	return err
}

// openDirectory opens a repository with git-bug data, or a directory of files that a
// tracker keeps.
func openDirectory(ctx context.Context, e *command.Env, want, dir string) (*source, error) {
	for _, file := range []struct{ format, path string }{{"beads", ".beads/issues.jsonl"}, {"beads", "issues.jsonl"}, {"github", "issues.json"}} {
		path := filepath.Join(dir, file.path)
		if _, err := os.Stat(path); err == nil && (want == "" || want == file.format) {
			return openSource(ctx, e, file.format, path)
		}
	}
	if want != "" && want != "git-bug" {
		return nil, frame.Fatal("import-source", fmt.Sprintf("'%s' is a directory; name a file in this directory", dir))
	}
	outer, err := git.Discover(ctx, dir, git.Unlocated(os.Environ()))
	if err != nil {
		return nil, frame.Fatal("import-source", fmt.Sprintf("'%s' is not a repository, and contains no file to import", dir))
	}
	l := git.NewPlumbing(outer.GitDir, dir, outer.Format, os.Environ())
	bugs, err := l.Refs(ctx, "refs/bugs/")
	if err == nil && len(bugs) == 0 {
		err = frame.Fatal("import-source", fmt.Sprintf("the repository '%s' has no git-bug data: there are no refs under refs/bugs", dir), "fetch them from a remote: git fetch <remote> 'refs/bugs/*:refs/bugs/*' 'refs/identities/*:refs/identities/*'")
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	var list strings.Builder
	for _, b := range bugs {
		fmt.Fprintf(&list, "%s %s\n", b.OID, b.Name)
	}
	return &source{refs: list.String(), format: formatNamed("git-bug"), path: dir, close: func() { l.Close() }, bugs: transfer.GitBugs(ctx, l)}, nil
}

// id identifies the source: the id of a blob with its bytes, or with the list of a
// repository's refs.
func (s *source) id() (string, error) {
	size, in := int64(len(s.refs)), io.Reader(strings.NewReader(s.refs))
	if s.file != nil {
		size, in = s.size, io.NewSectionReader(s.file, 0, s.size)
	}
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", size)
	if _, err := io.Copy(h, in); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// guess returns the format by the file's name and first bytes; "" if unknown.
func (s *source) guess() string {
	head := make([]byte, 64<<10)
	n, _ := s.file.ReadAt(head, 0)
	head = bytes.TrimLeft(bytes.TrimPrefix(head[:n], []byte("\xef\xbb\xbf")), " \t\r\n")
	first, _, _ := bytes.Cut(head, []byte("\n"))
	word := func(s string) bool { return bytes.Contains(first, []byte(s)) }
	switch ext := strings.ToLower(filepath.Ext(s.path)); {
	case len(head) == 0:
		return ""
	case head[0] == '{' || head[0] == '[':
		switch {
		case word(`"_type":"header"`):
			return "crosslink"
		case bytes.Contains(head, []byte(`"issue_type"`)) || bytes.Contains(head, []byte(`"_type"`)) || word(`"id":"`) && word(`"status"`):
			return "beads"
		case bytes.Contains(head, []byte(`"number"`)):
			return "github"
		}
		return ""
	case word("Issue key") && word("Summary"):
		return "jira"
	case word("Issue ID") && word("Author Username"):
		return "gitlab"
	case ext == ".md" || ext == ".markdown" || bytes.Contains(head, []byte("- [ ] ")):
		return "markdown"
	case ext == ".csv" || ext == ".tsv" || bytes.ContainsAny(first, ",;\t") && bytes.Contains(bytes.ToLower(first), []byte("title")):
		return "csv"
	}
	return ""
}

// githubURL finds the repository in the URL of an issue.
var githubURL = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`"html_url":\s*"https://[^/"]+/([^/"]+/[^/"]+)/issues/|"url":\s*"https://[^/"]+/([^/"]+/[^/"]+)/issues/`)
})

// gitlabURL does the same for GitLab, where groups have groups. The URL is a cell of its
// own: texts may name the issues of other projects.
var gitlabURL = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`[,;\t]"?https?://[^/\s",;]+/([^\s",;]+)/-/issues/[0-9]+"?[,;\t]`)
})

// remoteScope finds owner and name in the URL of a remote.
var remoteScope = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[:/]([^/:]+/[^/:]+?)(?:\.git)?/?$`) })

// scope returns the namespace of a source's ids: what the user gives, otherwise the
// repository in the source or the remote.
func (s *source) scope(said, url string) (string, error) {
	if len(said) > event.MaxName || strings.ContainsFunc(said, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "", frame.Misuse(fmt.Sprintf("'--scope' needs a name of at most %d bytes without control characters", event.MaxName))
	}
	if said != "" {
		return said, nil
	}
	if url := map[string]*regexp.Regexp{"github": githubURL(), "gitlab": gitlabURL()}[s.name]; url != nil && s.file != nil {
		head := make([]byte, 64<<10)
		n, err := s.file.ReadAt(head, 0)
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		if m := url.FindSubmatch(head[:n]); m != nil {
			return string(bytes.Join(m[1:], nil)), nil
		}
	}
	if s.name == importer.Own {
		return "export", nil // its ids are unique everywhere
	}
	if m := remoteScope().FindStringSubmatch(url); m != nil {
		return m[1], nil
	}
	return "", frame.Misuse("'--scope' is missing: name where the issues come from, such as owner/repository, and use the same name in each import")
}
