package memory

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"sort"
	"strings"
	"sync"

	"github.com/git-crosslink/git-crosslink/refs"
)

// Local is refs.Local in memory, for tests and simulations: a handle on objects and refs.
// It computes the same ids as git.
type Local struct {
	*repository
	closed bool // guarded by the repository's lock
}

// repository is the part that handles share.
type repository struct {
	form refs.Format

	mu      sync.Mutex
	objects map[refs.OID]refs.Object
	refs    map[string]refs.OID
}

var _ refs.Local = (*Local)(nil)

// New returns an empty repository.
func New(f refs.Format) *Local {
	empty := refs.Object{Kind: refs.Tree}
	return &Local{repository: &repository{form: f, objects: map[refs.OID]refs.Object{f.ID(empty): empty}, refs: make(map[string]refs.OID)}}
}

// Again opens a second handle on the same repository.
func (m *Local) Again() *Local { return &Local{repository: m.repository} }

// Clone returns an independent copy: a backup, or a copied machine.
func (m *Local) Clone() *Local {
	objects, tips := m.snapshot()
	return &Local{repository: &repository{form: m.form, objects: objects, refs: tips}}
}

// Forget drops an object, as an incomplete backup does.
func (m *Local) Forget(id refs.OID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, id)
}

// Put sets a ref without any check, as somebody can who writes its file.
func (m *Local) Put(name string, id refs.OID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refs[name] = id
}

// Fsck fails unless all objects that refs reach exist and can be read.
func (m *Local) Fsck() error {
	objects, tips := m.snapshot()
	for name, id := range tips {
		if err := closure(m.form, objects, nil, id, make(map[refs.OID]refs.Object)); err != nil {
			return fmt.Errorf("ref '%s': %w", name, err)
		}
	}
	return nil
}

// Format implements Local.
func (m *Local) Format() refs.Format { return m.form }

// Close implements Local.
func (m *Local) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

func (m *Local) open(ctx context.Context) error {
	if m.closed {
		return refs.ErrClosed
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// Refs implements Local.
func (m *Local) Refs(ctx context.Context, prefix string) ([]refs.Ref, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.open(ctx); err != nil {
		return nil, err
	}
	var found []refs.Ref
	for name, id := range m.refs {
		if strings.HasPrefix(name, prefix) {
			found = append(found, refs.Ref{Name: name, OID: id})
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].Name < found[j].Name })
	return found, nil
}

// Read implements Local.
func (m *Local) Read(ctx context.Context, ids []refs.OID, limit int64, each func(int, refs.Object, error) error) error {
	for _, id := range ids {
		if !m.form.Valid(id) {
			return fmt.Errorf("bad object id '%s'", id)
		}
	}
	for i, id := range ids {
		m.mu.Lock()
		err := m.open(ctx)
		o, ok := m.objects[id]
		m.mu.Unlock()
		if err != nil {
			return err
		}
		switch {
		case !ok:
			err = fmt.Errorf("object '%s': %w", id, refs.ErrMissing)
		case int64(len(o.Data)) > limit:
			err = fmt.Errorf("object '%s': %w", id, refs.ErrTooLarge)
		}
		if err != nil {
			o = refs.Object{}
		}
		if err := each(i, refs.Object{Kind: o.Kind, Data: bytes.Clone(o.Data)}, err); err != nil {
			return err
		}
	}
	return nil
}

// Write implements Local.
func (m *Local) Write(ctx context.Context, objs []refs.Object) ([]refs.OID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.open(ctx); err != nil {
		return nil, err
	}
	ids, err := m.form.IDs(objs)
	if err != nil {
		return nil, err
	}
	for i, o := range objs {
		m.objects[ids[i]] = refs.Object{Kind: o.Kind, Data: bytes.Clone(o.Data)}
	}
	return ids, nil
}

// Swap implements Local.
func (m *Local) Swap(ctx context.Context, ups []refs.Update) error {
	if err := refs.CheckUpdates(m.form, ups); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.open(ctx); err != nil {
		return err
	}
	return m.swap(ups)
}

// SwapInOrder implements refs.Local.
func (m *Local) SwapInOrder(ctx context.Context, ups []refs.Update) error { return m.Swap(ctx, ups) }

func (m *repository) swap(ups []refs.Update) error {
	var all []refs.Ref
	for name, id := range m.refs {
		all = append(all, refs.Ref{Name: name, OID: id})
	}
	for _, u := range ups {
		if got := m.refs[u.Ref]; got != u.Old {
			return &refs.ConflictError{Ref: u.Ref, Old: u.Old, Got: got}
		}
	}
	for _, u := range ups {
		if u.New == "" {
			continue
		}
		if err := refs.CheckFree(u.Ref, ups, all); err != nil {
			return err
		}
		if _, ok := m.objects[u.New]; !ok {
			return fmt.Errorf("object '%s': %w", u.New, refs.ErrMissing)
		}
	}
	for _, u := range ups {
		if u.New == "" {
			delete(m.refs, u.Ref)
		} else {
			m.refs[u.Ref] = u.New
		}
	}
	return nil
}

// snapshot copies the objects and refs.
func (m *repository) snapshot() (objects map[refs.OID]refs.Object, tips map[string]refs.OID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.objects), maps.Clone(m.refs)
}

// links returns the objects that an object names.
func links(f refs.Format, o refs.Object) ([]refs.OID, error) {
	switch o.Kind {
	case refs.Commit:
		c, err := refs.ParseCommit(f, o.Data)
		return append(c.Parents, c.Tree), err
	case refs.Tree:
		es, err := refs.ParseTree(f, o.Data)
		ids := make([]refs.OID, 0, len(es))
		for _, e := range es {
			ids = append(ids, e.OID)
		}
		return ids, err
	}
	return nil, nil
}

// closure collects the objects reachable from id in src that dst lacks. If dst has an
// object, it has all objects below it, as in git's connectivity check.
func closure(f refs.Format, src, dst map[refs.OID]refs.Object, id refs.OID, into map[refs.OID]refs.Object) error {
	todo := []refs.OID{id}
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if _, ok := dst[id]; ok {
			continue
		}
		if _, ok := into[id]; ok {
			continue
		}
		o, ok := src[id]
		if !ok {
			return fmt.Errorf("object '%s': %w", id, refs.ErrMissing)
		}
		into[id] = o
		below, err := links(f, o)
		if err != nil {
			return err
		}
		todo = append(todo, below...)
	}
	return nil
}

// isAncestor reports whether old is new or can be reached from it by parents.
func isAncestor(f refs.Format, objects map[refs.OID]refs.Object, old, new refs.OID) bool {
	seen := make(map[refs.OID]bool)
	todo := []refs.OID{new}
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if id == old {
			return true
		}
		if o, ok := objects[id]; ok && !seen[id] && o.Kind == refs.Commit {
			seen[id] = true
			if c, err := refs.ParseCommit(f, o.Data); err == nil {
				todo = append(todo, c.Parents...)
			}
		}
	}
	return false
}
