package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "/" + p.arch }

// programs are the programs of a release, as in install.sh.
var programs = []string{"git-crosslink", "git-remote-crosslink", "git-crosslink-dashboard", "git-crosslink-mcp"}

// completions are the paths below a prefix where each shell looks for completions, as in
// install.sh.
var completions = map[string]string{
	"bash": "share/bash-completion/completions/git-crosslink",
	"zsh":  "share/zsh/site-functions/_git-crosslink",
	"fish": "share/fish/vendor_conf.d/git-crosslink.fish",
}

// file is a file in an archive.
type file struct {
	name string // with slashes, below the archive's directory
	mode int64
	data []byte
}

// tree builds the programs for a platform and collects the files that belong to them. It
// also returns the programs alone.
func (e *edition) tree(p platform) (files, built []file, err error) {
	work, err := os.MkdirTemp("", "release-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(work)
	packages := make([]string, 0, len(programs))
	for _, name := range programs {
		packages = append(packages, "./cmd/"+name)
	}
	args := append([]string{"build", "-trimpath", "-buildvcs=auto", "-tags", "urfave_cli_no_docs", "-ldflags=-s -w", "-o", work + "/"}, packages...)
	cmd := exec.Command("go", args...)
	cmd.Dir = e.source
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS="+p.os, "GOARCH="+p.arch, "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT="), e.env...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, nil, fmt.Errorf("go build: %w", err)
	}
	add := func(name, from string, mode int64) error {
		data, err := os.ReadFile(from)
		files = append(files, file{name, mode, data})
		return err
	}
	for _, name := range programs {
		if p.os == "windows" {
			name += ".exe"
		}
		if err := add("bin/"+name, filepath.Join(work, name), 0o755); err != nil {
			return nil, nil, err
		}
	}
	built = slices.Clone(files)
	pages, err := filepath.Glob(filepath.Join(e.source, "man", "*.[1-8]"))
	if err != nil || len(pages) == 0 {
		return nil, nil, cmpErr(err, fmt.Errorf("there is no manual in '%s'", e.source))
	}
	for _, page := range pages {
		if err := add("share/man/man"+filepath.Ext(page)[1:]+"/"+filepath.Base(page), page, 0o644); err != nil {
			return nil, nil, err
		}
	}
	for _, shell := range slices.Sorted(maps.Keys(completions)) {
		if err := add(completions[shell], filepath.Join(e.source, "cli", "completion", shell), 0o644); err != nil {
			return nil, nil, err
		}
	}
	for _, name := range []string{"install.sh", "LICENSE", "README.md", "CHANGELOG.md"} {
		mode := int64(0o644)
		if name == "install.sh" {
			mode = 0o755
		}
		if err := add(name, filepath.Join(e.source, name), mode); err != nil {
			return nil, nil, err
		}
	}
	return files, built, nil
}

// archive packs files into one directory: a zip for Windows, otherwise a tar.gz. The order,
// times and owners are always the same.
func (e *edition) archive(out, name string, p platform, files []file) error {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	var b bytes.Buffer
	if p.os == "windows" {
		z := zip.NewWriter(&b)
		for _, f := range files {
			h := &zip.FileHeader{Name: path.Join(name, f.name), Method: zip.Deflate, Modified: e.when}
			h.SetMode(os.FileMode(f.mode))
			w, err := z.CreateHeader(h)
			if err == nil {
				_, err = w.Write(f.data)
			}
			if err != nil {
				return err
			}
		}
		if err := z.Close(); err != nil {
			return err
		}
		return write(filepath.Join(out, name+".zip"), b.Bytes())
	}
	g := gzip.NewWriter(&b)
	t := tar.NewWriter(g)
	for _, f := range files {
		h := &tar.Header{Name: path.Join(name, f.name), Mode: f.mode, Size: int64(len(f.data)), ModTime: e.when, Format: tar.FormatUSTAR}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(f.data); err != nil {
			return err
		}
	}
	if err := cmpErr(t.Close(), g.Close()); err != nil {
		return err
	}
	return write(filepath.Join(out, name+".tar.gz"), b.Bytes())
}
