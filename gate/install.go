package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Installation of the gate. The rules are:
//
//   - only in a bare repository, which is then configured as a hub;
//   - an existing hook continues: it is kept beside ours and called after it, with the same
//     input and arguments, if the gate accepts the push;
//   - if the hooks are not the repository's own (core.hooksPath), nothing is written, because
//     many repositories may share them;
//   - installing twice has no further effect; uninstalling restores every byte.

// stateDir is below the repository, shared with the tracker's own files.
const stateDir = "crosslink"

// hub is the repository with the gate.
type hub struct {
	outer *git.Outer
	conf  refs.Config
	hooks string // directory
}

// openHub opens the repository for a verb of 'git crosslink server'.
func openHub(ctx context.Context, dir, verb string, environ []string) (*hub, error) {
	o, err := git.Discover(ctx, dir, environ)
	if errors.Is(err, git.ErrNotRepository) {
		return nil, &fail.Error{Kind: fail.Fatal, Code: "no-repository/server", Message: "not a git repository", Fields: fail.Fields{"verb": verb}, Err: err}
	}
	if err != nil {
		return nil, &fail.Error{Kind: fail.Fatal, Code: "unsafe-repository/server", Message: err.Error(), Err: err}
	}
	if !o.Bare || o.Linked() {
		return nil, &fail.Error{Kind: fail.Fatal, Code: "not-bare", Message: "a gate needs a bare repository, the hub that others push to; this repository has a worktree", Fields: fail.Fields{"verb": verb}}
	}
	h := &hub{outer: o, hooks: filepath.Join(o.CommonDir, "hooks")}
	if h.conf, err = o.Config(ctx); err != nil {
		return nil, fmt.Errorf("read the git configuration: %w", err)
	}
	return h, nil
}

// shared returns the directory in which git looks for hooks instead, "" if it
// is the repository's own.
func (h *hub) shared() string {
	path, set := h.conf.Get("core.hooksPath")
	if !set {
		return ""
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(h.outer.CommonDir, path)
	}
	if filepath.Clean(path) == h.hooks {
		return ""
	}
	return path
}

// level returns the hub's meta, nil if there is none, or an error if the gate does not
// know its level.
func (h *hub) level(ctx context.Context, environ []string) (*trust.Meta, error) {
	local := git.NewPlumbing(h.outer.CommonDir, h.outer.CommonDir, h.outer.Format, environ)
	defer local.Close()
	ref := aboveOf(environ) + metaRef
	all, err := local.Refs(ctx, ref)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.Name != ref {
			continue
		}
		files, err := refs.ReadFiles(ctx, local, r.OID, metaLimit)
		if err != nil {
			return nil, fmt.Errorf("read the hub's meta: %w", err)
		}
		if level := trust.Level(files["hub.json"]); level != tracker4 {
			e := &fail.Error{Kind: fail.Fatal, Code: "level/server", Message: fmt.Sprintf("this hub has level %d; the gate checks level %d", level, tracker4)}
			if level > 0 && level < tracker4 {
				e.Code = "level/server-older"
			}
			return nil, e
		}
		return trust.DecodeMeta(files["hub.json"])
	}
	return nil, nil
}

// Installed is the result of Install.
type Installed struct {
	Hub     string // directory
	Mode    string // Whole or PerRef
	Hook    string // file
	Kept    string // the hook that existed before; "" means none
	Already bool   // nothing had to be changed
}

// state is what uninstalling has to know.
type state struct {
	HooksMade bool `json:"hooks_made"` // the directory did not exist
}

func (h *hub) statePath() string { return filepath.Join(h.outer.CommonDir, stateDir, "server.json") }

// Install installs the gate in the repository of dir. program is what the hook starts.
func Install(ctx context.Context, dir, mode, program string, environ []string) (*Installed, error) {
	h, err := openHub(ctx, dir, "install", environ)
	if err != nil {
		return nil, err
	}
	if path := h.shared(); path != "" {
		return nil, &fail.Error{Kind: fail.Fatal, Code: "shared-hooks", Message: fmt.Sprintf("the hooks of this repository are in '%s' (core.hooksPath), perhaps shared with others: nothing is written there", path),
			Fields: fail.Fields{"path": filepath.Join(path, Whole)}}
	}
	if _, err := h.level(ctx, environ); err != nil {
		return nil, err
	}
	if mode == PerRef && !h.outer.AtLeast(ctx, 2, 29) {
		return nil, &fail.Error{Kind: fail.Fatal, Code: "old-git/server", Message: "this git does not support the proc-receive hook (git 2.29 does)"}
	}
	c, err := lockConfig(h.outer)
	if err != nil {
		return nil, h.busy(err)
	}
	defer c.release()
	other := PerRef
	if mode == PerRef {
		other = Whole
	}
	plainConfig, err := withoutBlock(c.was)
	if err != nil {
		return nil, h.touched(err)
	}
	if err := h.free(mode); err != nil {
		return nil, err
	}
	r := &Installed{Hub: h.outer.CommonDir, Mode: mode, Hook: filepath.Join(h.hooks, mode)}
	made, err := h.makeDirs()
	if err != nil {
		return nil, err
	}
	placed, err := h.place(mode, script(mode, program))
	if err != nil {
		return nil, err
	}
	removed, err := h.remove(other)
	if err != nil {
		return nil, err
	}
	if kept := r.Hook + keptSuffix; mode == Whole && exists(kept) {
		r.Kept = kept
	}
	wrote, err := h.writeSettings(mode)
	if err != nil {
		return nil, h.busy(err)
	}
	is := c.was
	if bytes.Equal(is, plainConfig) {
		is = withBlock(is)
	}
	r.Already = !made && !placed && !removed && !wrote && bytes.Equal(is, c.was)
	return r, c.write(is)
}

func exists(path string) bool { _, err := os.Lstat(path); return err == nil }

func (h *hub) busy(err error) error {
	config := filepath.Join(h.outer.CommonDir, "config")
	if locked := statefile.LockOf(config); locked != nil && errors.Is(err, fs.ErrExist) {
		return &fail.Error{Kind: fail.Fatal, Code: "config-locked", Message: locked.Error(), Fields: fail.Fields{"path": locked.Path}, Err: err}
	}
	return &fail.Error{Kind: fail.Fatal, Code: "not-writable/server", Message: fmt.Sprintf("the hub's configuration cannot be written: %v", err), Err: err}
}

func (h *hub) touched(err error) error {
	return &fail.Error{Kind: fail.Fatal, Code: "config-touched", Message: fmt.Sprintf("'%s': %v", filepath.Join(h.outer.CommonDir, "config"), err),
		Fields: fail.Fields{"line": blockEnd[:len(blockEnd)-1]}, Err: err}
}

// makeDirs makes hooks/ and the state's directory, and reports whether it made any.
func (h *hub) makeDirs() (made bool, err error) {
	home := filepath.Join(h.outer.CommonDir, stateDir)
	if err := errors.Join(statefile.Dir(home), statefile.Free(h.statePath()), statefile.Free(h.settingsPath())); err != nil {
		return false, err
	}
	fresh := !exists(h.hooks)
	for _, dir := range []string{h.hooks, home} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return false, h.busy(err)
		}
	}
	if exists(h.statePath()) {
		return false, nil
	}
	b, err := json.Marshal(state{HooksMade: fresh})
	if err == nil {
		err = statefile.Write(h.statePath(), append(b, '\n'))
	}
	return true, err
}

// folds reports whether the file system ignores case in the names of the repository's refs.
func (h *hub) folds() bool { return exists(filepath.Join(h.outer.CommonDir, "refs", "HEADS")) }

func (h *hub) settingsPath() string { return filepath.Join(h.outer.CommonDir, stateDir, settingsFile) }

// writeSettings writes the included file, and reports whether it changed.
func (h *hub) writeSettings(mode string) (changed bool, err error) {
	if h.settled(mode) {
		return false, nil
	}
	return true, statefile.Write(h.settingsPath(), []byte(settingsText(mode, h.folds())))
}

// settled reports whether that file has the right content.
func (h *hub) settled(mode string) bool {
	was, err := statefile.Read(h.settingsPath(), 64<<10)
	return err == nil && string(was) == settingsText(mode, h.folds())
}

// ours reports whether a file is a hook of ours, of any version.
func ours(path string) (bool, []byte) {
	st, err := os.Lstat(path)
	if err != nil || !st.Mode().IsRegular() || st.Size() > 1<<20 {
		return false, nil
	}
	b, err := os.ReadFile(path)
	return err == nil && bytes.Contains(b, []byte(signature)), b
}

// free refuses to install a hook if it would not work.
func (h *hub) free(mode string) error {
	path := filepath.Join(h.hooks, mode)
	mine, _ := ours(path)
	switch {
	case mine || !exists(path):
		return nil
	case mode == PerRef:
		return &fail.Error{Kind: fail.Fatal, Code: "hook-taken/per-ref", Message: fmt.Sprintf("there is a hook '%s' already, and two of these cannot be chained", path)}
	case exists(path + keptSuffix):
		return &fail.Error{Kind: fail.Fatal, Code: "hook-taken", Message: fmt.Sprintf("both a hook '%s' and a saved earlier hook '%s' exist", path, path+keptSuffix),
			Fields: fail.Fields{"path": path + keptSuffix}}
	}
	return nil
}

// place installs our hook, and reports whether anything changed. An existing hook stays
// beside it, and at every moment one of them is active.
func (h *hub) place(mode string, text []byte) (changed bool, err error) {
	path := filepath.Join(h.hooks, mode)
	mine, is := ours(path)
	if mine && bytes.Equal(is, text) {
		st, err := os.Stat(path)
		if err == nil && st.Mode().Perm()&0o111 == 0o111 {
			return false, nil
		}
	}
	if !mine && exists(path) && os.Link(path, path+keptSuffix) != nil { // a file system without hard links
		if err := os.Rename(path, path+keptSuffix); err != nil {
			return false, h.busy(err)
		}
	}
	f, err := os.CreateTemp(h.hooks, ".crosslink-")
	if err != nil {
		return false, h.busy(err)
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(text); err == nil {
		err = f.Chmod(0o755)
	}
	if err == nil { // an empty file, which power loss can leave, would accept everything
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err == nil, err
}

// remove removes our hook and restores the earlier one.
func (h *hub) remove(mode string) (changed bool, err error) {
	path := filepath.Join(h.hooks, mode)
	if mine, _ := ours(path); !mine {
		return false, nil
	}
	if kept := path + keptSuffix; exists(kept) {
		return true, os.Rename(kept, path)
	}
	return true, os.Remove(path)
}

// Removed is the result of Uninstall.
type Removed struct {
	Hub     string
	Back    string // the hook that is back at its old place; "" means none
	Already bool   // there was no gate
	Left    string // a kept hook that cannot be restored, because another one is at its place now
}

// Uninstall removes the gate.
func Uninstall(ctx context.Context, dir string, environ []string) (*Removed, error) {
	h, err := openHub(ctx, dir, "uninstall", environ)
	if err != nil {
		return nil, err
	}
	c, err := lockConfig(h.outer)
	if err != nil {
		return nil, h.busy(err)
	}
	defer c.release()
	is, err := withoutBlock(c.was)
	if err != nil {
		return nil, h.touched(err)
	}
	r := &Removed{Hub: h.outer.CommonDir, Already: bytes.Equal(is, c.was)}
	for _, mode := range []string{Whole, PerRef} {
		path := filepath.Join(h.hooks, mode)
		kept := exists(path + keptSuffix)
		gone, err := h.remove(mode)
		if err != nil {
			return nil, h.busy(err)
		}
		if gone {
			r.Already = false
		}
		switch {
		case kept && gone:
			r.Back = path
		case kept:
			r.Left = path + keptSuffix
		}
	}
	if err := h.forget(); err != nil {
		return nil, err
	}
	return r, c.write(is)
}

// forget removes the files beside the hook.
func (h *hub) forget() error {
	var s state
	if b, err := statefile.Read(h.statePath(), 64<<10); err == nil {
		_ = json.Unmarshal(b, &s) // on failure an empty directory may stay
	}
	for _, name := range []string{"server.json", "gate.json", settingsFile} {
		if err := os.Remove(filepath.Join(h.outer.CommonDir, stateDir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return h.busy(err)
		}
	}
	// not empty: it has the hub's own tracker, or somebody's hooks
	_ = os.Remove(filepath.Join(h.outer.CommonDir, stateDir))
	if s.HooksMade {
		_ = os.Remove(h.hooks)
	}
	return nil
}
