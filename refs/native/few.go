package native

import (
	"path/filepath"

	"github.com/git-crosslink/git-crosslink/refs"
)

// Few reads a few small objects of a SHA-1 repository, loose or packed, without git. The
// content of a returned object has the requested id.
type Few struct {
	loose loose
	packs packs
}

// OpenFew opens the repository at gitDir.
func OpenFew(gitDir string) *Few {
	objects := filepath.Join(gitDir, "objects")
	return &Few{loose{dir: objects, cache: new(objectCache)}, packs{dir: filepath.Join(objects, "pack")}}
}

// Read returns one object; false if git has to read it.
func (f *Few) Read(id refs.OID) (refs.Object, bool) {
	if o, err := f.loose.read(id, packedEach); err == nil {
		return o, true
	}
	return f.packs.read(id, packedEach)
}

// Close closes the open files.
func (f *Few) Close() { f.packs.close() }
