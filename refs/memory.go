package refs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
)

// Memory is Local in memory, for tests and simulations. It computes the same
// ids as git does.
type Memory struct {
	form Format

	mu      sync.Mutex
	objects map[OID]Object
	refs    map[string]OID
	closed  bool
}

var _ Local = (*Memory)(nil)

// NewMemory returns an empty repository.
func NewMemory(f Format) *Memory {
	empty := Object{Kind: Tree}
	return &Memory{form: f, objects: map[OID]Object{f.ID(empty): empty}, refs: make(map[string]OID)}
}

// Clone returns an independent copy: a backup, or a cloned machine.
func (m *Memory) Clone() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := NewMemory(m.form)
	for id, o := range m.objects {
		c.objects[id] = o
	}
	for name, id := range m.refs {
		c.refs[name] = id
	}
	return c
}

// Forget drops an object, as a torn backup does.
func (m *Memory) Forget(id OID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, id)
}

// Format implements Local.
func (m *Memory) Format() Format { return m.form }

// Close implements Local.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

func (m *Memory) open(ctx context.Context) error {
	if m.closed {
		return errClosed
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// Refs implements Local.
func (m *Memory) Refs(ctx context.Context, prefix string) ([]Ref, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.open(ctx); err != nil {
		return nil, err
	}
	var refs []Ref
	for name, id := range m.refs {
		if strings.HasPrefix(name, prefix) {
			refs = append(refs, Ref{name, id})
		}
	}
	sort.Slice(refs, func(i, j int) bool { return refs[i].Name < refs[j].Name })
	return refs, nil
}

// Read implements Local.
func (m *Memory) Read(ctx context.Context, ids []OID, limit int64, each func(int, Object, error) error) error {
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
			err = fmt.Errorf("object '%s': %w", id, ErrMissing)
		case int64(len(o.Data)) > limit:
			err = fmt.Errorf("object '%s': %w", id, ErrTooLarge)
		}
		if err != nil {
			o = Object{}
		}
		if err := each(i, Object{o.Kind, bytes.Clone(o.Data)}, err); err != nil {
			return err
		}
	}
	return nil
}

// Write implements Local.
func (m *Memory) Write(ctx context.Context, objs []Object) ([]OID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.open(ctx); err != nil {
		return nil, err
	}
	var ids []OID
	for _, o := range objs {
		if o.Kind != Blob && o.Kind != Tree && o.Kind != Commit {
			return nil, errors.New("write: object of no known kind")
		}
		id := m.form.ID(o)
		m.objects[id] = Object{o.Kind, bytes.Clone(o.Data)}
		ids = append(ids, id)
	}
	return ids, nil
}

// Swap implements Local.
func (m *Memory) Swap(ctx context.Context, ups []Update) error {
	if err := checkUpdates(m.form, ups); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.open(ctx); err != nil {
		return err
	}
	return m.swap(ups)
}

func (m *Memory) swap(ups []Update) error {
	var all []Ref
	for name, id := range m.refs {
		all = append(all, Ref{name, id})
	}
	for _, u := range ups {
		if got := m.refs[u.Ref]; got != u.Old {
			return &ConflictError{Ref: u.Ref, Old: u.Old, Got: got}
		}
	}
	for _, u := range ups {
		if u.New == "" {
			continue
		}
		if err := nameTaken(u.Ref, ups, all); err != nil {
			return err
		}
		if _, ok := m.objects[u.New]; !ok {
			return fmt.Errorf("object '%s': %w", u.New, ErrMissing)
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

// links are the objects that an object names.
func links(f Format, o Object) ([]OID, error) {
	switch o.Kind {
	case Commit:
		c, err := ParseCommit(f, o.Data)
		return append(c.Parents, c.Tree), err
	case Tree:
		es, err := ParseTree(f, o.Data)
		ids := make([]OID, 0, len(es))
		for _, e := range es {
			ids = append(ids, e.OID)
		}
		return ids, err
	}
	return nil, nil
}

// closure collects what dst lacks of everything reachable from id in src.
// What dst has it has completely, as in git's connectivity check.
func closure(f Format, src, dst map[OID]Object, id OID, into map[OID]Object) error {
	todo := []OID{id}
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
			return fmt.Errorf("object '%s': %w", id, ErrMissing)
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
func isAncestor(f Format, objects map[OID]Object, old, new OID) bool {
	seen := make(map[OID]bool)
	todo := []OID{new}
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if id == old {
			return true
		}
		if o, ok := objects[id]; ok && !seen[id] && o.Kind == Commit {
			seen[id] = true
			if c, err := ParseCommit(f, o.Data); err == nil {
				todo = append(todo, c.Parents...)
			}
		}
	}
	return false
}
