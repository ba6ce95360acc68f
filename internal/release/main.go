// Command release builds the files of a release into a directory: an archive for each
// platform, Debian packages, lists of their contents, and checksums (docs/releasing.md).
// The bytes depend only on the commit and on the version of Go. It is not installed.
package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/internal/version"
)

// platforms are the platforms of a release.
var platforms = []platform{
	{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"},
	{"windows", "amd64"}, {"windows", "arm64"}, {"freebsd", "amd64"}, {"freebsd", "arm64"},
}

func main() {
	out := flag.String("o", "dist", "the directory to write")
	only := flag.String("only", "", "one platform, as linux/amd64")
	deb := flag.Bool("deb", true, "also Debian packages (by nfpm, a module that the first run fetches)")
	snapshot := flag.Bool("snapshot", false, "the commit may be without a tag, and the tree changed")
	twice := flag.Bool("twice", false, "build again from a second clone with an empty cache, and compare")
	flag.Parse()
	if err := release(*out, *only, *deb, *snapshot, *twice); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func release(out, only string, deb, snapshot, twice bool) error {
	r, err := describe(".", snapshot)
	if err != nil {
		return err
	}
	chosen := platforms
	if only != "" {
		chosen = slices.DeleteFunc(slices.Clone(platforms), func(p platform) bool { return p.os+"/"+p.arch != only })
		if len(chosen) == 0 {
			return fmt.Errorf("'%s' is not a platform of a release; they are %v", only, platforms)
		}
	}
	if changed, err := r.git("status", "--porcelain"); twice && (err != nil || changed != "") {
		return cmpErr(err, errors.New("a second clone lacks the changes that are not committed: commit them, then build twice"))
	}
	if err := r.build(out, chosen, deb); err != nil || !twice {
		return err
	}
	work, err := os.MkdirTemp("", "release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	again := *r
	again.source = filepath.Join(work, "a second clone")
	again.env = []string{"GOCACHE=" + filepath.Join(work, "cache")}
	if _, err := r.git("clone", "-q", "--no-local", ".", again.source); err != nil {
		return err
	}
	if err := again.build(filepath.Join(work, "dist"), chosen, deb); err != nil {
		return err
	}
	return same(out, filepath.Join(work, "dist"))
}

// edition is one release: one commit.
type edition struct {
	source  string // the checkout
	version string
	when    time.Time // time of the commit, and of every file in an archive
	env     []string  // added to go's environment
}

func (e *edition) git(args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = e.source
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}

// describe returns the edition to release from the checkout at source, or an error if
// it cannot be released.
func describe(source string, snapshot bool) (*edition, error) {
	e := &edition{source: source, version: version.Number}
	seconds, err := e.git("log", "-1", "--format=%ct")
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return nil, err
	}
	e.when = time.Unix(n, 0).UTC()
	if snapshot {
		e.version += "-snapshot"
		return e, nil
	}
	if err := logged(source, e.version); err != nil {
		return nil, err
	}
	changed, err := e.git("status", "--porcelain")
	if err != nil {
		return nil, err
	}
	tags, err := e.git("tag", "--points-at", "HEAD")
	switch {
	case err != nil:
		return nil, err
	case changed != "":
		return nil, errors.New("the checkout has changes that are not committed (to try a release: make release RELEASE=-snapshot)")
	case !slices.Contains(strings.Fields(tags), "v"+e.version):
		return nil, fmt.Errorf("the commit is not tagged 'v%s' (to try a release: make release RELEASE=-snapshot)", e.version)
	}
	return e, nil
}

// logged reports why the changelog is not that of a release.
func logged(source, version string) error {
	left, err := filepath.Glob(filepath.Join(source, "changelog", "unreleased", "*.md"))
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("%d changes are not in CHANGELOG.md yet: write its section, then remove changelog/unreleased/*.md", len(left))
	}
	text, err := os.ReadFile(filepath.Join(source, "CHANGELOG.md"))
	if err == nil && !strings.Contains(string(text), "\n## "+version+"\n") && !strings.Contains(string(text), "\n## "+version+" (20") {
		err = fmt.Errorf("CHANGELOG.md has no section '## %s'", version)
	}
	return err
}

// build writes a release into out.
func (e *edition) build(out string, chosen []platform, deb bool) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if old, err := os.ReadDir(out); err != nil || len(old) > 0 {
		return cmpErr(err, fmt.Errorf("'%s' is not empty", out))
	}
	for _, p := range chosen {
		fmt.Printf("%s: building\n", p)
		files, programs, err := e.tree(p)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		bom, err := e.bom(p, programs)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		name := e.name(p)
		err = errors.Join(
			write(filepath.Join(out, name+".cdx.json"), bom),
			e.archive(out, name, p, append(files, file{name: "sbom.cdx.json", mode: 0o644, data: bom})))
		if err == nil && deb && p.os == "linux" {
			err = e.debian(out, p, files)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	return checksums(out)
}

// name returns the name of a platform's archive without its extension, which is also the
// name of the directory in it.
func (e *edition) name(p platform) string {
	return fmt.Sprintf("git-crosslink-%s-%s-%s", e.version, p.os, p.arch)
}

// checksums writes SHA256SUMS, in the format that sha256sum -c reads.
func checksums(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(data), entry.Name())
	}
	return write(filepath.Join(dir, "SHA256SUMS"), b.Bytes())
}

// same compares the directories of two releases, by their checksums.
func same(a, b string) error {
	one, err := os.ReadFile(filepath.Join(a, "SHA256SUMS"))
	if err != nil {
		return err
	}
	two, err := os.ReadFile(filepath.Join(b, "SHA256SUMS"))
	if err != nil {
		return err
	}
	if !bytes.Equal(one, two) {
		return fmt.Errorf("two builds differ:\n%s\n%s", one, two)
	}
	fmt.Printf("built twice, %d files, the same bytes\n", bytes.Count(one, []byte("\n")))
	return nil
}

func write(path string, data []byte) error { return os.WriteFile(path, data, 0o644) }

// cmpErr returns the first error.
func cmpErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
