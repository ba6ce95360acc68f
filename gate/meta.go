package gate

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/git-crosslink/git-crosslink/event"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/trust"
)

// A pushed meta is valid if it is based on the hub's tip, each commit has that one parent
// and follows from it (trust.State.Next: next sequence, same hub, chained, signed by an
// admin at that time), and contains only files of meta.

// metaLimit is for all files of one meta commit together.
const metaLimit = 8 << 20

// maxMeta bounds the chain, as clients do.
const maxMeta = 100_000

// metaState is the content of a meta commit.
type metaState struct {
	*trust.Meta
	roll    *trust.State
	chain   []refs.OID // from the tip to the first
	refused *Refusal   // why nothing can be judged under it
}

// metaFile reports whether a file belongs to meta.
func metaFile(name string) bool {
	return name == "hub.json" || name == "allowed_signers" || name == "meta.sig"
}

// readMeta reads the hub's meta. It was judged when it arrived, or was there before the
// gate. A commit that does not follow from earlier ones cannot be used to judge others.
func (g *gate) readMeta() error {
	tip := g.before[metaRef]
	if tip == "" {
		return nil
	}
	chain, r, err := g.metaChain(tip, "")
	if err != nil {
		return err
	}
	if r == nil {
		var m *metaState
		if m, r, err = g.follow(nil, chain); err != nil {
			return err
		}
		g.meta = m
	}
	if r != nil {
		r.Why, r.Cure = "the hub's own 'crosslink/meta' is invalid: "+r.Why, cureServer
		g.meta = &metaState{refused: r}
	}
	return nil
}

// metaChain lists the meta commits from tip down to the one before old, or to
// the first.
func (g *gate) metaChain(tip, old refs.OID) ([]refs.OID, *Refusal, error) {
	var chain []refs.OID
	for id := tip; id != old; {
		if len(chain) == maxMeta {
			return nil, refuse(TooMuch, cureServer, "the chain of meta is longer than %d", maxMeta), nil
		}
		chain = append(chain, id)
		h, err := g.commit(id)
		switch {
		case err != nil:
			return nil, nil, err
		case len(h.Parents) > 1:
			return nil, refuse(Tree, cureDoctor, "commit %s of meta has %d parents", id[:12], len(h.Parents)), nil
		case len(h.Parents) == 1:
			id = h.Parents[0]
		case old != "":
			return nil, refuse(FastForward, cureSync, "it does not continue the meta on the hub"), nil
		default:
			return chain, nil, nil
		}
	}
	return chain, nil, nil
}

// follow judges the commits of a chain after from; the last commit is first in chain.
func (g *gate) follow(from *metaState, chain []refs.OID) (*metaState, *Refusal, error) {
	m := metaState{}
	if from != nil {
		m = *from
	}
	var before map[string]entry
	if len(m.chain) > 0 {
		var err error
		if before, err = g.list(m.chain[0]); err != nil {
			return nil, nil, err
		}
	}
	for _, id := range slices.Backward(chain) {
		files, tree, r, err := g.metaFiles(id, before)
		if r != nil || err != nil {
			return nil, r, err
		}
		before = tree
		switch level := trust.Level(files["hub.json"]); {
		case level == tracker4, level == 0: // what says none is malformed
		case level < tracker4 && m.roll != nil:
			return nil, refuse(Level, cureSync, "it sets level %d, but the level of a hub can only rise", level), nil
		default:
			return nil, refuse(Level, cureUpdate, "the hub would have level %d, but this gate checks level %d", level, tracker4), nil
		}
		if m.roll == nil {
			m.roll, err = trust.FirstMeta(files)
		} else {
			m.roll, err = m.roll.Next(files)
		}
		if err != nil {
			return nil, metaFault(err), nil
		}
	}
	m.Meta, m.chain = m.roll.Meta, slices.Concat(chain, m.chain)
	return &m, nil, nil
}

// tracker4 is the format level that this gate checks.
const tracker4 = 4

func metaFault(err error) *Refusal {
	var f *trust.Fault
	if !errors.As(err, &f) {
		return refuse(trust.RuleMetaMalformed, cureDoctor, "%v", err)
	}
	cure := cureSync
	if f.Rule == trust.RuleMetaNotAdmin || f.Rule == trust.RuleMetaUnsigned {
		cure = cureAdmin
	}
	return refuse(f.Rule, cure, "%s", why(f))
}

// why returns a fault's text for people.
func why(f *trust.Fault) string {
	if f.Detail == "" {
		return "it breaks this rule"
	}
	return f.Detail
}

// metaFiles reads one meta commit. Files that this program does not know may stay, but not
// be added.
func (g *gate) metaFiles(id refs.OID, before map[string]entry) (map[string][]byte, map[string]entry, *Refusal, error) {
	h, err := g.commit(id)
	if err != nil {
		return nil, nil, nil, err
	}
	tree := map[string]entry{}
	w := treeWalk{g: g, seen: map[string]bool{}, allow: func(p string, e entry) string {
		tree[p] = e
		switch {
		case before[p] == e:
			return ""
		case !metaFile(p):
			return "is not a file of meta"
		case e.mode != refs.ModeBlob:
			return "is not a plain file"
		}
		return ""
	}}
	if r, err := w.tree("", h.Tree); r != nil || err != nil {
		return nil, nil, r, err
	}
	files, err := refs.ReadFiles(g.ctx, g.repo, id, metaLimit)
	if err != nil {
		if unreadable(err) != nil {
			return nil, nil, nil, err
		}
		return nil, nil, refuse(Tree, cureDoctor, "%v", err), nil
	}
	return files, tree, nil, nil
}

func (g *gate) judgeMeta(c Command) (*Refusal, error) {
	if g.meta != nil && g.meta.refused != nil {
		r := *g.meta.refused
		return &r, nil
	}
	_, edge := g.reach(c.New)
	if r, err := g.forward(c, edge); r != nil || err != nil {
		return r, err
	}
	chain, r, err := g.metaChain(c.New, c.Old)
	if r != nil || err != nil {
		return r, err
	}
	m, r, err := g.follow(g.meta, chain)
	if r != nil || err != nil {
		return r, err
	}
	g.meta = m
	return nil, nil
}

// verdict judges the signatures of new lines of a log.
type verdict struct {
	l *logCheck
	a *trust.Arrival
}

// verdict determines the keys in force after the hub's lines of the log.
func (m *metaState) verdict(l *logCheck) (verdict, error) {
	v := verdict{l, m.roll.Arrival(l.id)}
	if l.c.Old == "" || l.restored || m.Signing == trust.Off {
		return v, nil
	}
	if err := l.past(v.a); err != nil {
		return v, err
	}
	return v, nil
}

// past passes the lines on the hub that decide which keys are in force, and whether one of
// the lines is signed.
func (l *logCheck) past(a *trust.Arrival) error {
	_, err := refs.WalkLogs(l.ctx, l.repo, []refs.LogRequest{{Agent: l.id, Tip: l.c.Old, From: 1}}, func(_ int, seq uint64, line []byte) bool {
		asked := seq == 1 || bytes.Contains(line, []byte(`"KeyRotated"`)) || !a.Signed() && bytes.Contains(line, []byte(`"signature":`))
		if !asked {
			return true
		}
		if e, err := event.Decode(bytes.Clone(line)); err == nil {
			a.Past(e)
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("read the log on the hub: %w", err)
	}
	return nil
}

// line judges one new line.
func (v verdict) line(e *event.Envelope) *Refusal {
	if v.l.covered(e.Seq) {
		v.a.Past(e)
		return nil
	}
	return v.refusal(v.a.Next(e))
}

// end judges all new lines together.
func (v verdict) end() *Refusal { return v.refusal(v.a.End()) }

func (v verdict) refusal(err error) *Refusal {
	if err == nil {
		return nil
	}
	r := refuse(trust.RuleBadSignature, cureDoctor, "%v", err)
	var f *trust.Fault
	if !errors.As(err, &f) {
		return r
	}
	r.Rule, r.Why = f.Rule, why(f)
	switch f.Rule {
	case trust.RuleNotAdmitted, trust.RuleUnapproved:
		r.Cure = cureApprove
	case trust.RuleUnsigned, trust.RuleUnknownSigner, trust.RuleRotatedOut, trust.RuleBadSignature:
		r.Cure = cureKey
	case trust.RuleRevoked, trust.RuleRevokedHash:
		r.Cure = cureRevoked
	}
	return r
}
