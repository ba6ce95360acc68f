package gate

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/fail"
	"github.com/git-crosslink/git-crosslink/settings"
	"github.com/git-crosslink/git-crosslink/trust"
)

// Inspected is the state of a gate.
type Inspected struct {
	Hub      string // directory
	Mode     string // "": there is no gate
	Program  string // the program that its hook starts
	Level    int    // of the hub; 0: there is no tracker yet
	Signing  string // its policy; "": there is no tracker yet
	Findings []fail.Diagnosis
}

// finder records a finding.
type finder func(s fail.Severity, code fail.Code, fields fail.Fields, format string, args ...any)

// Inspect checks the gate of the repository of dir. program is what Install would write
// into the hook now.
func Inspect(ctx context.Context, dir, program string, environ []string) (*Inspected, error) {
	h, err := openHub(ctx, dir, "check", environ)
	if err != nil {
		return nil, err
	}
	r := &Inspected{Hub: h.outer.CommonDir, Findings: []fail.Diagnosis{}}
	var find finder = func(s fail.Severity, code fail.Code, fields fail.Fields, format string, args ...any) {
		r.Findings = append(r.Findings, fail.Diagnosis{Code: code, Severity: s, Text: fmt.Sprintf(format, args...), Fields: fields})
	}
	refsSet := len(h.conf.All("receive.procReceiveRefs")) > 0
	for _, mode := range []string{Whole, PerRef} {
		path := filepath.Join(h.hooks, mode)
		mine, text := ours(path)
		switch {
		case mine && r.Mode != "":
			find(fail.Warning, "two-gates", nil, "both hooks are in place; one is enough")
		case mine:
			r.Mode, r.Program = mode, programIn(text)
		case exists(path + keptSuffix):
			find(fail.Problem, "hook-lost", nil, "'%s' is no longer the gate, and '%s', the hook that was there before, is not called", path, path+keptSuffix)
		}
	}
	h.findLocks(time.Now(), find)
	if err := h.findStrays(ctx, environ, find); err != nil {
		return nil, err
	}
	if err := h.findArchive(ctx, environ, find); err != nil {
		return nil, err
	}
	mode := fail.Fields{"mode": r.Mode}
	switch {
	case r.Mode == "":
		find(fail.Problem, "no-gate", nil, "there is no gate here: anybody who can push can write anything")
		return r, h.readPolicy(ctx, environ, r, find)
	case h.shared() != "":
		find(fail.Problem, "shared-hooks/elsewhere", nil, "git looks for hooks in '%s' (core.hooksPath): the gate is not called", h.shared())
	case !h.conf.Bool("crosslink.hub", false), r.Mode == PerRef && !refsSet:
		find(fail.Problem, "config-touched/settings", mode, "the settings that belong to the hook '%s' are not in the configuration", r.Mode)
	}
	if st, err := os.Stat(r.Program); err != nil || st.Mode()&0o111 == 0 {
		find(fail.Warning, "program-gone", mode, "'%s', which the hook starts, does not exist: the program on PATH is used, or pushes to the tracker are refused", r.Program)
	} else if r.Program != program && program != "" {
		find(fail.Note, "other-program", mode, "the hook starts '%s', which is not this program", r.Program)
	}
	if st, err := os.Stat(filepath.Join(h.hooks, r.Mode)); err == nil && st.Mode().Perm()&0o111 == 0 {
		find(fail.Problem, "not-executable", mode, "the hook '%s' is not executable, so git ignores it", filepath.Join(h.hooks, r.Mode))
	}
	if text, err := os.ReadFile(filepath.Join(h.hooks, r.Mode)); err == nil && !bytes.Equal(text, script(r.Mode, r.Program)) || !h.settled(r.Mode) {
		find(fail.Warning, "other-version", mode, "the hook '%s' or its settings differ from what this version installs", r.Mode)
	}
	if v, _ := h.conf.Get("crosslink.pushCertificate"); v == "require" && r.Mode == PerRef {
		find(fail.Problem, "no-certificates", nil, "signed pushes are required (crosslink.pushCertificate), but git does not pass them to a proc-receive hook: no new event is accepted")
	}
	for _, key := range []string{"crosslink.pushCertificate", pushLimit, logLimit, presenceLimit} {
		v, set := h.conf.Get(key)
		if s, _ := settings.Named(key); set && s.Odd(v) != "" {
			find(fail.Warning, "odd-setting/server", fail.Fields{"setting": s.Key, "value": s.Choose}, "%s", s.Odd(v))
		}
	}
	if _, set := h.conf.Get("receive.maxInputSize"); !set {
		find(fail.Note, "no-limit", nil, "a push can have any size: git unpacks it before any hook runs")
	}
	return r, h.readPolicy(ctx, environ, r, find)
}

// readPolicy adds the policy in the hub's meta.
func (h *hub) readPolicy(ctx context.Context, environ []string, r *Inspected, find finder) error {
	m, err := h.level(ctx, environ)
	switch {
	case err != nil:
		find(fail.Problem, "hub-meta/server", nil, "the hub's meta cannot be checked: %v", err)
	case m == nil && slices.ContainsFunc(r.Findings, func(d fail.Diagnosis) bool { return d.Code == "old-hub" }):
	case m == nil:
		find(fail.Note, "no-hub/server", nil, "there is no tracker in it yet; the first clone that runs 'init' creates one")
	default:
		r.Level, r.Signing = m.Version, m.Signing
		if m.Signing != trust.Require {
			find(fail.Note, "unsigned-allowed", nil, "events need no signature here (policy '%s'): anybody who can push can write under any agent's id", m.Signing)
		}
	}
	return nil
}

// programIn returns the program that a hook starts.
func programIn(text []byte) string {
	_, rest, ok := strings.Cut(string(text), "\nprogram='")
	if !ok {
		return ""
	}
	word, _, _ := strings.Cut(rest, "'\n")
	return strings.ReplaceAll(word, `'\''`, "'")
}
