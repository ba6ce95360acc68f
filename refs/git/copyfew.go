package git

import (
	"context"
	"errors"

	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/native"
)

// A fetch from the user's repository starts six processes. A pull usually brings a few
// commits with a few small objects each, and these are copied here. The rules are:
//
//   - if a ref of the replica points to a commit, the commit is complete there, and so are
//     the objects that its tree shares with the tree of a new commit; the existence of a
//     single object proves nothing;
//   - all missing objects are read and parsed before the first one is written, and the refs
//     move after that;
//   - everything else (more than copyLimit objects, a large one, another form) is left to
//     git.

// copyLimit is how many objects are copied without git.
const copyLimit = 48

var errLeft = errors.New("left to git")

// copying collects the objects that the replica lacks.
type copying struct {
	ctx   context.Context
	from  *native.Few
	to    refs.Local
	whole map[refs.OID]bool // commits of the replica, or collected
	read  map[refs.OID]refs.Object
	objs  []refs.Object
}

// copyFew moves refs of the replica to commits of the user's repository. After an error
// nothing has moved, and git has to do the work.
func (r *Replica) copyFew(ctx context.Context, all []refs.Ref, ups []refs.Update) error {
	if !native.Can(r.outer.CommonDir, r.outer.Format) {
		return errLeft
	}
	c := &copying{ctx: ctx, from: native.OpenFew(r.outer.CommonDir), to: r.local, whole: map[refs.OID]bool{}, read: map[refs.OID]refs.Object{}}
	defer c.from.Close()
	for _, x := range all {
		c.whole[x.OID] = true
	}
	for _, u := range ups {
		if err := c.commit(u.New); err != nil {
			return err
		}
	}
	if _, err := r.local.Write(ctx, c.objs); err != nil {
		return err
	}
	return r.local.SwapInOrder(ctx, ups)
}

// take reads an object of the user's repository that will be copied.
func (c *copying) take(id refs.OID, kind refs.Kind) (refs.Object, error) {
	o, ok := c.from.Read(id)
	if !ok || o.Kind != kind || len(c.read) == copyLimit {
		return o, errLeft
	}
	c.read[id] = o
	return o, nil
}

func (c *copying) commit(id refs.OID) error {
	if c.whole[id] {
		return nil
	}
	o, err := c.take(id, refs.Commit)
	if err != nil {
		return err
	}
	head, err := refs.ParseCommit(c.to.Format(), o.Data)
	if err != nil {
		return err
	}
	for _, p := range head.Parents {
		if err := c.commit(p); err != nil {
			return err
		}
	}
	before := refs.OID("")
	if len(head.Parents) > 0 {
		was, err := c.object(head.Parents[0])
		if err != nil {
			return err
		}
		h, err := refs.ParseCommit(c.to.Format(), was.Data)
		if err != nil {
			return err
		}
		before = h.Tree
	}
	if err := c.tree(head.Tree, before); err != nil {
		return err
	}
	c.whole[id] = true
	c.objs = append(c.objs, o)
	return nil
}

// tree collects the objects of a tree that the tree before it does not have.
func (c *copying) tree(id, before refs.OID) error {
	if _, taken := c.read[id]; taken || id == before {
		return nil
	}
	o, err := c.take(id, refs.Tree)
	if err != nil {
		return err
	}
	entries, err := refs.ParseTree(c.to.Format(), o.Data)
	if err != nil {
		return err
	}
	old := map[string]refs.TreeEntry{}
	if before != "" {
		was, err := c.object(before)
		if err != nil {
			return err
		}
		all, err := refs.ParseTree(c.to.Format(), was.Data)
		if err != nil {
			return err
		}
		for _, e := range all {
			old[e.Name] = e
		}
	}
	for _, e := range entries {
		was := old[e.Name]
		_, taken := c.read[e.OID]
		switch {
		case was == e || taken:
		case e.Mode == refs.ModeTree:
			if was.Mode != refs.ModeTree {
				was.OID = ""
			}
			err = c.tree(e.OID, was.OID)
		case e.Mode == refs.ModeBlob:
			var blob refs.Object
			if blob, err = c.take(e.OID, refs.Blob); err == nil {
				c.objs = append(c.objs, blob)
			}
		default:
			err = errLeft
		}
		if err != nil {
			return err
		}
	}
	c.objs = append(c.objs, o)
	return nil
}

// object returns a collected object, or one of the replica.
func (c *copying) object(id refs.OID) (o refs.Object, err error) {
	if o, ok := c.read[id]; ok {
		return o, nil
	}
	err = c.to.Read(c.ctx, []refs.OID{id}, 1<<20, func(_ int, is refs.Object, err error) error {
		o = is
		return err
	})
	return o, err
}
