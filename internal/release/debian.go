package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/enrol"
)

// nfpm makes the Debian package.
const nfpm = "github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2"

// debian writes a package that puts the files of an archive below /usr.
func (e *edition) debian(out string, p platform, files []file) error {
	work, err := os.MkdirTemp("", "release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	var contents []map[string]any
	for n, f := range e.debianFiles(files) {
		at := filepath.Join(work, fmt.Sprint(n))
		if err := write(at, f.data); err != nil {
			return err
		}
		contents = append(contents, map[string]any{"src": at, "dst": "/" + f.name,
			"file_info": map[string]any{"mode": f.mode, "owner": "root", "group": "root", "mtime": e.when.Format(time.RFC3339)}})
	}
	config, err := json.Marshal(map[string]any{ // JSON is also valid YAML
		"name": "git-crosslink", "arch": p.arch, "platform": "linux", "version": e.version, "version_schema": "none",
		"section": "vcs", "priority": "optional", "maintainer": "The git crosslink authors <git-crosslink@users.noreply.github.com>",
		"homepage": "https://github.com/git-crosslink/git-crosslink", "license": "MIT", "mtime": e.when.Format(time.RFC3339),
		"description": "issue tracker that lives in a git repository\nIssues are stored on the remote next to the code, and every clone has them,\neven offline.",
		"depends":     []string{"git (>= 1:2.36)"}, "recommends": []string{"openssh-client"},
		"deb": map[string]any{"compression": "gzip"}, "contents": contents,
	})
	if err != nil {
		return err
	}
	if err := write(filepath.Join(work, "nfpm.yaml"), config); err != nil {
		return err
	}
	target, err := filepath.Abs(filepath.Join(out, fmt.Sprintf("git-crosslink_%s_%s.deb", e.version, p.arch)))
	if err != nil {
		return err
	}
	cmd := exec.Command("go", "run", nfpm, "package", "-f", filepath.Join(work, "nfpm.yaml"), "-p", "deb", "-t", target)
	cmd.Dir = work
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", fmt.Sprint("SOURCE_DATE_EPOCH=", e.when.Unix()))
	if says, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("nfpm: %w\n%s", err, says)
	}
	return nil
}

// debianFiles places the files as Debian does: the manual compressed, the completions of
// zsh beside those of other packages, and the files that 'init --helper' includes in a
// repository's configuration, which the program could not write there.
func (e *edition) debianFiles(files []file) []file {
	doc := "usr/share/doc/git-crosslink/"
	var all []file
	for _, f := range files {
		switch {
		case f.name == "install.sh":
			continue
		case f.name == "LICENSE":
			f.name = doc + "copyright"
		case f.name == "CHANGELOG.md":
			f.name, f.data = doc+"changelog.gz", zipped(f.data)
		case path.Dir(f.name) == ".":
			f.name = doc + f.name
		case strings.HasPrefix(f.name, "share/man/"):
			f.name, f.data = "usr/"+f.name+".gz", zipped(f.data)
		case strings.HasPrefix(f.name, "share/zsh/"):
			f.name = "usr/share/zsh/vendor-completions/" + path.Base(f.name)
		default:
			f.name = "usr/" + f.name
		}
		all = append(all, f)
	}
	const enrolled = "usr/share/git-crosslink/enrolled/"
	all = append(all, file{enrolled + enrol.ScriptName, 0o644, []byte(enrol.Script)})
	for _, remote := range []string{"origin", "upstream"} {
		all = append(all, file{enrolled + remote + ".gitconfig", 0o644, []byte(enrol.Text(remote, "/usr/bin", "/"+enrolled))})
	}
	return all
}

// zipped compresses data like gzip -9n.
func zipped(data []byte) []byte {
	var b bytes.Buffer
	g, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is valid
	}
	if _, err := g.Write(data); err != nil {
		panic(err) // writing to a buffer does not fail
	}
	g.Close()
	return b.Bytes()
}
