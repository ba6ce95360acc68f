package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/git-crosslink/git-crosslink/cli/setup"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// excludeNote is what a clone remembers about info/exclude while it has a line of setup.
type excludeNote struct {
	Lead  string `json:"lead,omitempty"` // line end that was added to the last line before ours
	Made  bool   `json:"made,omitempty"` // there was no file before
	After string `json:"after"`          // hash of the file, as long as nobody else changes it
}

// readExclude reads info/exclude. A symbolic link may lead to a file that is shared with
// other clones, so it is not followed.
func (s *setupTree) readExclude() (place, error) {
	p := place{path: filepath.Join(s.common, "info", "exclude"), mode: 0o666}
	st, err := os.Lstat(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	if !st.Mode().IsRegular() {
		p.odd = "it is not a regular file"
		return p, nil
	}
	p.mode = st.Mode().Perm()
	b, err := os.ReadFile(p.path)
	p.doc = append([]byte{}, b...)
	return p, err
}

// exclude makes git ignore a file that only this worktree has, unless git already does.
func (s *setupTree) exclude(ctx context.Context, r *setupRecord) error {
	line := "/" + r.File + "\n"
	if s.needs(line, *r) {
		r.Exclude = line
		return s.save()
	}
	if _, err := s.e.Git(ctx, "-C", s.top, "check-ignore", "-q", "--", r.File); err == nil {
		return nil
	}
	p, err := s.readExclude()
	if err != nil {
		return err
	}
	if p.odd != "" {
		s.e.Warn("not-excluded", fmt.Sprintf("git shows '%s' as untracked, because '%s' was not edited: %s", r.File, p.path, p.odd))
		return nil
	}
	lead := ""
	if n := len(p.doc); n > 0 && p.doc[n-1] != '\n' {
		lead = "\n"
	}
	doc := append(append(bytes.Clone(p.doc), lead...), line...)
	note, noted := s.excludeNote()
	switch {
	case !noted:
		note = excludeNote{Lead: lead, Made: p.doc == nil, After: hashOf(doc)}
	case note.After == hashOf(p.doc):
		note.After = hashOf(doc)
	}
	r.Exclude = line
	if err := s.save(); err != nil {
		return err
	}
	if err := s.noteExclude(note); err != nil {
		return err
	}
	if _, err := p.makeDirs(); err != nil {
		return err
	}
	return p.replace(doc)
}

// include removes the line of a record from info/exclude, unless another record needs it.
// After the last line is removed, the file is as it was before the first one.
func (s *setupTree) include(r setupRecord) error {
	if r.Exclude == "" || s.needs(r.Exclude, r) {
		return nil
	}
	p, err := s.readExclude()
	if err != nil || p.doc == nil {
		return err
	}
	note, _ := s.excludeNote()
	alone := note.After == hashOf(p.doc)
	rest, ok := setup.Undo(p.doc, "", r.Exclude)
	if !ok {
		rest = p.doc
	}
	if last := !s.needs("", r); last {
		if alone {
			rest = bytes.TrimSuffix(rest, []byte(note.Lead))
		}
		if err := os.Remove(s.excludeNotePath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		_ = os.Remove(filepath.Dir(s.excludeNotePath())) // unless something else is in it
		if note.Made && len(rest) == 0 {
			_ = os.Remove(p.path)
			_ = os.Remove(filepath.Dir(p.path))
			return nil
		}
	} else if alone {
		note.After = hashOf(rest)
		if err := s.noteExclude(note); err != nil {
			return err
		}
	}
	return p.replace(rest)
}

// needs reports whether another part, here or in another worktree, needs a line of
// info/exclude; "" means any line.
func (s *setupTree) needs(line string, r setupRecord) bool {
	needs := func(o setupRecord) bool { return o.Exclude != "" && (line == "" || o.Exclude == line) }
	own := func(o setupRecord) bool { return (o.File != r.File || o.What != r.What) && needs(o) }
	return slices.ContainsFunc(s.records, own) || slices.ContainsFunc(s.others(), needs)
}

func (s *setupTree) excludeNotePath() string {
	return filepath.Join(s.common, "crosslink", "exclude.json")
}

func (s *setupTree) excludeNote() (n excludeNote, ok bool) {
	b, err := statefile.Read(s.excludeNotePath(), maxSetupFile)
	return n, err == nil && json.Unmarshal(b, &n) == nil
}

func (s *setupTree) noteExclude(n excludeNote) error {
	if err := statefile.MakeHome(filepath.Dir(s.excludeNotePath())); err != nil {
		return err
	}
	b, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return statefile.Write(s.excludeNotePath(), append(b, '\n'))
}
