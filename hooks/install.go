package hooks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/internal/system"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/git"
)

// State is the state of one hook.
type State string

const (
	InPlace  State = "in place"
	Chained  State = "called" // by another hook
	Missing  State = "missing"
	Foreign  State = "foreign"  // not ours, and does not call ours
	Outdated State = "outdated" // ours, of another version
	Disabled State = "disabled" // hook.crosslink.enabled=false
	Inert    State = "not executable"
	Off      State = "off" // core.hooksPath is not a directory: git runs no hook
)

// Works reports whether git runs the hook.
func (s State) Works() bool { return s == InPlace || s == Chained || s == Outdated }

// Hook is one hook of a clone.
type Hook struct {
	Name  string
	State State
	Where string // its file, or 'configuration'
}

// Report is the state of a clone's hooks.
type Report struct {
	Hooks   []Hook
	Manager string // name of the program that decides which hooks run here, "" if git's own directory does
	Barred  string // why no hook can be added at git's path for hooks, "" if one can
	Path    string // core.hooksPath, "" if it is not set
	Scope   string // the configuration that sets it
	Off     bool   // crosslink.hooks=false: writes do not install hooks
	Removed bool   // they were uninstalled here: writes do not install hooks
	Changed bool   // a hook was installed or removed just now
}

// Works reports whether git runs all of them.
func (r *Report) Works() bool {
	return !slices.ContainsFunc(r.Hooks, func(h Hook) bool { return !h.State.Works() })
}

const configuration = "configuration"

// Clone is a clone in which hooks are installed.
type Clone struct {
	outer      *git.Outer
	conf       refs.Config
	dir        string // where git looks for files
	configures bool   // git runs hooks of its configuration
}

// Open reads the hooks of the clone that dir belongs to; it changes nothing.
func Open(ctx context.Context, dir string, environ []string) (*Clone, error) {
	o, err := git.Discover(ctx, dir, environ)
	if err != nil {
		return nil, err
	}
	c := &Clone{outer: o, configures: o.ConfiguresHooks(ctx)}
	if c.dir, err = o.HooksDir(ctx); err != nil {
		return nil, err
	}
	return c, c.reread(ctx)
}

func (c *Clone) reread(ctx context.Context) (err error) {
	c.conf, err = c.outer.Config(ctx)
	return err
}

// Status returns the state of the hooks.
func (c *Clone) Status() *Report {
	r := &Report{Manager: c.manager(), Off: !c.conf.Bool("crosslink.hooks", true), Removed: c.record().Removed}
	for _, s := range c.conf {
		if s.Key == "core.hookspath" {
			r.Path, r.Scope = s.Value, s.Scope
		}
	}
	for _, name := range Names {
		h := c.look(name)
		if h.State == Missing || h.State == Foreign && h.Where != configuration {
			why, off := c.barred(h)
			if off {
				h.State, h.Where = Off, c.dir
			}
			if why != "" {
				r.Barred = why
			}
		}
		r.Hooks = append(r.Hooks, h)
	}
	return r
}

// barred returns why nobody, or not this user, can add a hook; off means that git runs no
// hooks at all.
func (c *Clone) barred(h Hook) (why string, off bool) {
	dir := filepath.Dir(h.Where)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.manager() == "": // Install creates it
		return "", false
	case errors.Is(err, fs.ErrNotExist):
		return "does not exist", true
	case errors.Is(err, syscall.ENOTDIR), err == nil && !info.IsDir():
		return "is not a directory", true
	case err != nil:
		return "cannot be read", true
	}
	if info, err = os.Stat(h.Where); err == nil && info.Mode().IsRegular() {
		f, err := os.OpenFile(h.Where, os.O_WRONLY|os.O_APPEND, 0)
		if err == nil {
			f.Close()
			return "", false
		}
	} else if err != nil && system.Writable(dir) {
		return "", false
	}
	return "cannot be written by you", false
}

// look finds a hook in the configuration, if git reads hooks there, otherwise in its file.
func (c *Clone) look(name string) Hook {
	if h := (Hook{Name: name, Where: configuration}); c.configures && slices.Contains(c.conf.All(section+".event"), name) {
		got, _ := c.conf.Get(section + ".command")
		switch {
		case !c.conf.Bool(section+".enabled", true):
			h.State = Disabled
		case got == command:
			h.State = InPlace
		case strings.Contains(got, "git-crosslink hook "):
			h.State = Outdated
		default:
			h.State = Foreign
		}
		return h
	}
	h := Hook{Name: name, Where: c.where(name), State: Missing}
	b, err := os.ReadFile(h.Where)
	switch text := string(b); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		h.State = Foreign
	case text == Script(name):
		h.State = InPlace
	case version(text) > 0:
		h.State = Outdated
	case calls(name, text):
		h.State = Chained
	case h.Where == c.lefthook():
	default:
		h.State = Foreign
	}
	if h.State.Works() && runtime.GOOS != "windows" && h.Where == filepath.Join(c.dir, name) {
		if info, err := os.Stat(h.Where); err == nil && info.Mode()&0o111 == 0 {
			h.State = Inert
		}
	}
	return h
}

// where returns the file that decides whether git runs a hook: husky writes its own
// directory, and people's hooks are in the directory above.
func (c *Clone) where(name string) string {
	switch dir := c.dir; c.manager() {
	case "husky":
		if filepath.Base(dir) == "_" {
			dir = filepath.Dir(dir)
		}
		return filepath.Join(dir, name)
	case "lefthook":
		return c.lefthook()
	}
	return filepath.Join(c.dir, name)
}

// manager names the owner of the hooks: a directory in core.hooksPath is part of the
// worktree (husky) or shared by many repositories, and lefthook rewrites git's own
// directory from its file. A program that only adds a file for its own hooks (pre-commit)
// does not count: it continues to work beside ours.
func (c *Clone) manager() string {
	if c.configures { // hooks in the configuration run in addition to any manager's
		return ""
	}
	if rel, err := filepath.Rel(real(c.outer.CommonDir), real(c.dir)); err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		for dir := c.dir; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			if filepath.Base(dir) == ".husky" {
				return "husky"
			}
		}
		return "core.hooksPath"
	}
	if c.lefthook() != "" {
		return "lefthook"
	}
	return ""
}

// lefthook returns that manager's file, "" if there is none.
func (c *Clone) lefthook() string {
	if c.outer.Worktree == "" {
		return ""
	}
	for _, name := range []string{"lefthook", ".lefthook"} {
		for _, ext := range []string{".yml", ".yaml", ".json", ".toml"} {
			file := filepath.Join(c.outer.Worktree, name+ext)
			if _, err := os.Lstat(file); err == nil {
				return file
			}
		}
	}
	return ""
}

// real resolves links as far as the path exists.
func real(path string) string {
	if to, err := filepath.EvalSymlinks(path); err == nil {
		return to
	}
	if path == filepath.Dir(path) {
		return path
	}
	return filepath.Join(real(filepath.Dir(path)), filepath.Base(path))
}

// Install installs missing hooks and updates ours. Other hooks stay unchanged; the report
// lists them.
func (c *Clone) Install(ctx context.Context) (*Report, error) {
	unlock, err := c.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := c.reread(ctx); err != nil {
		return nil, err
	}
	rec := c.record()
	rec.Removed = false
	// First record what has to be undone, then change it.
	if err := c.prepare(&rec); err != nil {
		return nil, err
	}
	changed, err := false, error(nil)
	if c.configures {
		changed, err = c.configure(ctx)
	} else if c.manager() == "" {
		changed, err = c.writeFiles()
	}
	if err != nil {
		return nil, err
	}
	if err := c.reread(ctx); err != nil {
		return nil, err
	}
	r := c.Status()
	r.Changed = changed
	return r, nil
}

// configure writes the section. The command comes first: git refuses to run
// anything for an event whose command it does not know.
func (c *Clone) configure(ctx context.Context) (changed bool, err error) {
	good := func(h Hook) bool { return h.State == InPlace || h.State == Disabled || h.State == Foreign }
	if hs := c.Status().Hooks; !slices.ContainsFunc(hs, func(h Hook) bool { return !good(h) || h.Where != configuration }) {
		return false, nil
	}
	if err := c.unconfigure(ctx); err != nil {
		return false, err
	}
	if err := c.outer.AddConfig(ctx, section+".command", command); err != nil {
		return false, fmt.Errorf("install the hooks in '%s': %w", c.outer.ConfigFile(), err)
	}
	for _, name := range Names {
		if err := c.outer.AddConfig(ctx, section+".event", name); err != nil {
			return false, fmt.Errorf("install the hooks in '%s': %w", c.outer.ConfigFile(), err)
		}
	}
	_, err = c.removeFiles() // files of an older git: one way to run the hooks is enough
	return true, err
}

// writeFiles creates missing files and replaces our own older ones.
func (c *Clone) writeFiles() (changed bool, err error) {
	for _, name := range Names {
		h := c.look(name)
		if h.Where == configuration || h.State != Missing && h.State != Outdated {
			continue
		}
		if err := os.Mkdir(c.dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
			return changed, fmt.Errorf("install the hooks in '%s': %w", c.dir, err)
		}
		if err := c.writeFile(h); errors.Is(err, fs.ErrExist) {
			continue // another program has just created it
		} else if err != nil {
			return changed, fmt.Errorf("install the hooks in '%s': %w", c.dir, err)
		}
		changed = true
	}
	return changed, nil
}

// writeFile creates the file as a whole, and never replaces another one.
func (c *Clone) writeFile(h Hook) error {
	f, err := statefile.CreateTemp(c.dir, ".crosslink-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	mode := os.FileMode(0o111)
	if st, err := f.Stat(); err == nil {
		mode = st.Mode().Perm() | st.Mode().Perm()>>2&0o111 // executable for everybody who can read it
	}
	_, err = f.WriteString(Script(h.Name))
	if err := errors.Join(err, f.Chmod(mode), f.Close()); err != nil {
		return err
	}
	if h.State == Outdated {
		return os.Rename(f.Name(), h.Where)
	}
	return os.Link(f.Name(), h.Where)
}

// Uninstall removes only our hooks.
func (c *Clone) Uninstall(ctx context.Context) (*Report, error) {
	unlock, err := c.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := c.reread(ctx); err != nil {
		return nil, err
	}
	rec := c.record()
	had := len(c.local(section+".command"))+len(c.local(section+".event")) > 0
	if err := c.unconfigure(ctx); err != nil {
		return nil, err
	}
	if had {
		if err := c.restoreEnd(rec); err != nil {
			return nil, err
		}
	}
	removed, err := c.removeFiles()
	if err != nil {
		return nil, err
	}
	if rec.MadeDir {
		os.Remove(filepath.Join(c.outer.CommonDir, "hooks")) // stays if something else is in it
	}
	if err := c.remember(record{Removed: true}); err != nil {
		return nil, err
	}
	if err := c.reread(ctx); err != nil {
		return nil, err
	}
	r := c.Status()
	r.Changed = had || removed
	return r, nil
}

// local returns the values of a key in the repository's own configuration.
func (c *Clone) local(key string) []string {
	var vs []string
	for _, s := range c.conf {
		if s.Scope == "local" && s.Key == key {
			vs = append(vs, s.Value)
		}
	}
	return vs
}

// unconfigure removes our part of the section; a user's additions stay.
func (c *Clone) unconfigure(ctx context.Context) error {
	cmd := c.local(section + ".command")
	if len(cmd) == 0 && len(c.local(section+".event")) == 0 || len(cmd) > 0 && !strings.Contains(cmd[len(cmd)-1], "git-crosslink hook ") {
		return nil
	}
	others := slices.ContainsFunc(c.conf, func(s refs.Setting) bool {
		return s.Scope == "local" && strings.HasPrefix(s.Key, section+".") && s.Key != section+".command" && s.Key != section+".event"
	})
	var err error
	if !others {
		err = c.outer.RemoveConfigSection(ctx, section)
	} else {
		// events first: git refuses to continue if an event has no command
		for _, key := range []string{section + ".event", section + ".command"} {
			if len(c.local(key)) > 0 {
				err = errors.Join(err, c.outer.UnsetConfig(ctx, key))
			}
		}
	}
	if err != nil {
		return fmt.Errorf("remove the hooks from '%s': %w", c.outer.ConfigFile(), err)
	}
	return c.reread(ctx)
}

// removeFiles removes our unchanged files, of any version.
func (c *Clone) removeFiles() (removed bool, err error) {
	for _, name := range Names {
		file := filepath.Join(c.dir, name)
		b, rerr := os.ReadFile(file)
		if rerr != nil || version(string(b)) == 0 {
			continue
		}
		if rerr := os.Remove(file); rerr != nil {
			err = errors.Join(err, fmt.Errorf("remove the hook: %w", rerr))
			continue
		}
		removed = true
	}
	return removed, err
}
