package native

import (
	"path/filepath"

	"github.com/git-crosslink/git-crosslink/refs"
)

// Few reads a few small objects of a repository of SHA-1 format, loose or packed,
// without git. What it returns has the id that was asked for.
type Few struct {
	loose loose
	packs packs
}

// OpenFew opens the repository at gitDir.
func OpenFew(gitDir string) *Few {
	objects := filepath.Join(gitDir, "objects")
	return &Few{loose{dir: objects, cache: new(objectCache)}, packs{dir: filepath.Join(objects, "pack")}}
}

// Read returns one object; false if that is left to git.
func (f *Few) Read(id refs.OID) (refs.Object, bool) {
	if o, err := f.loose.read(id, packedEach); err == nil {
		return o, true
	}
	return f.packs.read(id, packedEach)
}

// Close closes what is open.
func (f *Few) Close() { f.packs.close() }
