package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// A bill of materials lists the modules in the programs, in CycloneDX 1.6: exactly what the
// linker recorded in each program.

type component struct {
	Type    string   `json:"type"`
	Ref     string   `json:"bom-ref"`
	Name    string   `json:"name"`
	Version string   `json:"version"`
	PURL    string   `json:"purl,omitempty"`
	Hashes  []digest `json:"hashes,omitempty"`
}

type digest struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type dependency struct {
	Ref string   `json:"ref"`
	On  []string `json:"dependsOn"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type bom struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

// bom describes the programs that were built for a platform.
func (e *edition) bom(p platform, programs []file) ([]byte, error) {
	purl := func(module, version string) string {
		return fmt.Sprintf("pkg:golang/%s@%s?type=module", module, version)
	}
	main := component{Type: "application", Name: "git-crosslink", Version: e.version}
	main.Ref = e.name(p)
	doc := bom{Format: "CycloneDX", Spec: "1.6", Version: 1, Metadata: metadata{e.when.Format(time.RFC3339), main}}
	modules := map[string]component{}
	for _, f := range programs {
		info, err := buildinfo.Read(bytes.NewReader(f.data))
		if err != nil {
			return nil, fmt.Errorf("'%s': %w", f.name, err)
		}
		std := component{Type: "library", Name: "std", Version: info.GoVersion, PURL: purl("std", strings.TrimPrefix(info.GoVersion, "go"))}
		std.Ref = std.PURL
		modules[std.Ref] = std
		on := []string{std.Ref}
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			c := component{Type: "library", Name: m.Path, Version: m.Version, PURL: purl(m.Path, m.Version)}
			c.Ref = c.PURL
			modules[c.Ref] = c
			on = append(on, c.Ref)
		}
		slices.Sort(on)
		program := component{Type: "application", Ref: path.Base(f.name), Name: path.Base(f.name), Version: e.version,
			Hashes: []digest{{"SHA-256", fmt.Sprintf("%x", sha256.Sum256(f.data))}}}
		doc.Components = append(doc.Components, program)
		doc.Dependencies = append(doc.Dependencies, dependency{program.Ref, on})
	}
	doc.Components = append(doc.Components, slices.SortedFunc(maps.Values(modules), func(a, b component) int { return cmp.Compare(a.Ref, b.Ref) })...)
	data, err := json.MarshalIndent(doc, "", "  ")
	return append(data, '\n'), err
}
