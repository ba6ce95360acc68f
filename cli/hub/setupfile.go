package hub

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/cli/command"
	"github.com/git-crosslink/git-crosslink/cli/frame"
	"github.com/git-crosslink/git-crosslink/cli/setup"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
)

// setupRecord is what a worktree remembers about one part that setup has added to a file,
// so that it can be removed again.
type setupRecord struct {
	Agent  string   `json:"agent"`
	What   string   `json:"what"`
	File   string   `json:"file"`
	Absent bool     `json:"absent,omitempty"` // there was no file before
	Before []byte   `json:"before,omitempty"` // content before the change
	After  string   `json:"after"`            // hash of the content after the change
	Lead   string   `json:"lead,omitempty"`   // separator between the added text and the text before it
	Text   string   `json:"text"`
	Dirs   []string `json:"dirs,omitempty"` // directories that were made for it

	Exclude string `json:"exclude,omitempty"` // the line in info/exclude, "" if setup needs none
}

const (
	maxSetupFile   = 1 << 20
	maxSetupRecord = 16 << 20
)

// setupTree is a worktree whose files setup edits.
type setupTree struct {
	e       *command.Env
	top     string // of the worktree, without symbolic links
	home    string // <git dir>/crosslink of the worktree
	common  string // of the clone
	records []setupRecord
}

func openSetup(ctx context.Context, e *command.Env) (*setupTree, error) {
	repo, err := e.Repository(ctx)
	if err != nil {
		return nil, err
	}
	top, err := e.Git(ctx, "rev-parse", "--show-toplevel")
	if err == nil {
		top, err = filepath.EvalSymlinks(top)
	}
	if err != nil {
		return nil, errNoWorktree
	}
	s := &setupTree{e: e, top: top, home: repo.Worktree(), common: filepath.Dir(repo.Home())}
	s.records = readSetup(filepath.Join(s.home, "setup.json"))
	return s, nil
}

const (
	setupPatience = 5 * time.Second
	setupStale    = time.Minute // no setup takes that long, so the holder of the lock was killed
)

// lock keeps other commands of the clone from editing until unlock is called, and reads the
// records again.
func (s *setupTree) lock(ctx context.Context) (unlock func(), err error) {
	path := filepath.Join(s.common, "crosslink", "setup.lock")
	for waited := time.Duration(0); ; waited += setupPatience / 100 {
		if err := statefile.MakeHome(filepath.Dir(path)); err != nil {
			return nil, s.e.Opened.Unwritable(err)
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
		if err == nil {
			f.Close()
			break
		}
		gone := errors.Is(err, fs.ErrNotExist) // another process has removed the directory
		if !errors.Is(err, fs.ErrExist) && !gone {
			return nil, s.e.Opened.Unwritable(err)
		}
		if st, serr := os.Lstat(path); serr == nil && st.Mode().IsRegular() && s.e.Now().Sub(st.ModTime()) > setupStale {
			_ = os.Remove(path)
			continue
		}
		if waited > setupPatience {
			return nil, frame.Fatal("setup-busy", "another 'git crosslink setup' is running in this clone", "try again in a minute: git crosslink setup")
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		time.Sleep(setupPatience / 100)
	}
	s.records = readSetup(filepath.Join(s.home, "setup.json"))
	return func() {
		_ = os.Remove(path)
		_ = os.Remove(filepath.Dir(path)) // unless something else is in it
	}, nil
}

func readSetup(path string) (all []setupRecord) {
	b, err := statefile.Read(path, maxSetupRecord)
	if err != nil || json.Unmarshal(b, &all) != nil {
		return nil
	}
	return all
}

// save writes the records, or removes the file if there is none.
func (s *setupTree) save() error {
	path := filepath.Join(s.home, "setup.json")
	if len(s.records) == 0 {
		err := os.Remove(path)
		_ = os.Remove(s.home) // if setup has made it, and nothing else is there
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if err := statefile.MakeHome(s.home); err != nil {
		return err
	}
	b, err := json.Marshal(s.records)
	if err != nil {
		return err
	}
	return statefile.Write(path, append(b, '\n'))
}

func (s *setupTree) record(p setup.Part) *setupRecord {
	for k := range s.records {
		if s.records[k].File == p.File && s.records[k].What == p.What {
			return &s.records[k]
		}
	}
	return nil
}

func (s *setupTree) forget(p setup.Part) {
	s.records = slices.DeleteFunc(s.records, func(r setupRecord) bool { return r.File == p.File && r.What == p.What })
}

// place is a file of the worktree as it is on disk.
type place struct {
	path string // after symbolic links are followed
	mode fs.FileMode
	doc  []byte // nil if there is none
	odd  string // why it cannot be edited, "" if it can
}

// look reads a file. A path that leads out of the worktree, or into its git directory, is
// not edited: a tracked file may be a link that somebody else made.
func (s *setupTree) look(file string) (p place, err error) {
	p.path, p.mode = filepath.Join(s.top, filepath.FromSlash(file)), 0o666
	real, missing := p.path, ""
	for {
		to, err := filepath.EvalSymlinks(real)
		if err == nil {
			real = filepath.Join(to, missing)
			break
		}
		if _, lerr := os.Lstat(real); lerr == nil || !errors.Is(err, fs.ErrNotExist) {
			p.odd = "it is a symbolic link that leads nowhere"
			return p, nil
		}
		missing = filepath.Join(filepath.Base(real), missing)
		real = filepath.Dir(real)
	}
	p.path = real
	rel, err := filepath.Rel(s.top, real)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		p.odd = "a symbolic link leads out of the worktree"
		return p, nil
	}
	if slices.ContainsFunc(strings.Split(filepath.ToSlash(rel), "/"), func(d string) bool { return strings.EqualFold(d, ".git") }) {
		p.odd = "a symbolic link leads into the git directory"
		return p, nil
	}
	st, err := os.Lstat(real)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return p, nil
	case err != nil:
		return p, err
	case !st.Mode().IsRegular():
		p.odd = "it is not a regular file"
		return p, nil
	case st.Mode().Perm()&0o200 == 0:
		p.odd = "it is read-only"
	case st.Size() > maxSetupFile:
		p.odd = "it is larger than 1 MiB"
		return p, nil
	}
	p.mode = st.Mode().Perm()
	f, err := statefile.Open(real)
	if err != nil {
		return p, err
	}
	defer f.Close()
	p.doc, err = io.ReadAll(io.LimitReader(f, maxSetupFile+1))
	if p.doc == nil {
		p.doc = []byte{}
	}
	return p, err
}

// state returns the state of a part.
func (p place) state(part setup.Part) setup.State {
	switch {
	case p.odd != "" && p.doc == nil:
		return setup.Unknown
	case p.doc == nil:
		return setup.Missing
	}
	state := part.Look(p.doc)
	if p.odd != "" && !state.Works() {
		return setup.Unknown
	}
	return state
}

// replace writes the text of a file, or creates the file.
func (p place) replace(doc []byte) error {
	f, err := statefile.CreateMode(filepath.Dir(p.path), ".crosslink-", p.mode)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(doc)
	if err == nil && p.doc != nil {
		err = f.Chmod(p.mode)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), p.path)
	}
	return err
}

// makeDirs makes the directories of a file, and returns those that did not exist.
func (p place) makeDirs() (made []string, err error) {
	dir := filepath.Dir(p.path)
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Lstat(d); err == nil {
			break
		}
		made = append(made, d)
	}
	return made, os.MkdirAll(dir, 0o777)
}

func hashOf(doc []byte) string {
	sum := sha256.Sum256(doc)
	return hex.EncodeToString(sum[:])
}

// insert adds a part to its file. It first stores the data that removing it needs.
func (s *setupTree) insert(ctx context.Context, agent string, part setup.Part, p place, local bool) error {
	r := setupRecord{Agent: agent, What: part.What, File: part.File, Absent: p.doc == nil, Before: p.doc}
	old := s.record(part)
	if old != nil { // the exclusion stays
		r.Exclude, r.Dirs = old.Exclude, old.Dirs
	}
	var edit setup.Edit
	var err error
	if p.doc != nil && part.Look(p.doc) == setup.Outdated {
		edit = part.Update(p.doc)
		if old != nil && old.After == hashOf(p.doc) {
			r.Absent, r.Before, r.Lead = old.Absent, old.Before, old.Lead
		} else {
			r.Absent, r.Before = false, nil // the content before the first time is unknown
		}
	} else if edit, err = part.Insert(p.doc); err != nil {
		return err
	} else {
		r.Lead = edit.Lead
	}
	r.Text, r.After = edit.Text, hashOf(edit.Doc)
	s.forget(part)
	s.records = append(s.records, r)
	if err := s.save(); err != nil {
		return err
	}
	now := &s.records[len(s.records)-1]
	if local && now.Exclude == "" {
		if err := s.exclude(ctx, now); err != nil {
			return err
		}
	}
	made, err := p.makeDirs()
	if err == nil && len(made) > 0 {
		now.Dirs = made
		err = s.save()
	}
	if err != nil {
		return err
	}
	return p.replace(edit.Doc)
}

// remove removes a part from its file. It reports false if somebody has changed it.
func (s *setupTree) remove(part setup.Part, p place) (changed, ok bool, err error) {
	r := s.record(part)
	if p.doc != nil {
		rest, gone, ok := s.without(part, p.doc, r)
		if !ok {
			return false, false, nil
		}
		switch {
		case gone && (r != nil || p.path == filepath.Join(s.top, filepath.FromSlash(part.File))):
			err = os.Remove(p.path)
		case !bytes.Equal(rest, p.doc):
			err = p.replace(rest)
		}
		if err != nil {
			return false, true, err
		}
		changed = gone || !bytes.Equal(rest, p.doc)
	}
	if r == nil {
		return changed, true, nil
	}
	for _, d := range r.Dirs {
		_ = os.Remove(d) // unless something else is in it
	}
	if err := s.include(*r); err != nil {
		return changed, true, err
	}
	s.forget(part)
	return changed, true, s.save()
}

// without returns the file without the part; gone means that the file itself has to be
// removed.
func (s *setupTree) without(part setup.Part, doc []byte, r *setupRecord) (rest []byte, gone, ok bool) {
	if r != nil && r.After == hashOf(doc) && (r.Absent || r.Before != nil) {
		return r.Before, r.Absent, true
	}
	ok = false
	if r != nil {
		rest, ok = setup.Undo(doc, r.Lead, r.Text)
	}
	if !ok {
		switch part.Look(doc) {
		case setup.Missing, setup.Unknown:
			return doc, false, true
		case setup.Changed:
			return nil, false, false
		}
		if rest, ok = part.Remove(doc); !ok {
			return nil, false, false
		}
	}
	return rest, (r == nil || r.Absent) && part.Empty(rest), true
}

// others returns the records of the clone's other worktrees.
func (s *setupTree) others() (all []setupRecord) {
	dirs := []string{s.common}
	entries, _ := os.ReadDir(filepath.Join(s.common, "worktrees"))
	for _, d := range entries {
		dirs = append(dirs, filepath.Join(s.common, "worktrees", d.Name()))
	}
	for _, d := range dirs {
		if home := filepath.Join(d, "crosslink"); home != s.home {
			all = append(all, readSetup(filepath.Join(home, "setup.json"))...)
		}
	}
	return all
}

// tracked reports whether git tracks a file.
func (s *setupTree) tracked(ctx context.Context, file string) bool {
	_, err := s.e.Git(ctx, "-C", s.top, "ls-files", "--error-unmatch", "--", file)
	return err == nil
}

// setupError is the error that a file could not be written.
func setupError(file string, err error) error {
	return fmt.Errorf("cannot set up '%s': %w", file, err)
}
