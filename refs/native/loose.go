package native

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing/format/objfile"

	"github.com/git-crosslink/git-crosslink/internal/fault"
	"github.com/git-crosslink/git-crosslink/internal/statefile"
	"github.com/git-crosslink/git-crosslink/refs"
	"github.com/git-crosslink/git-crosslink/refs/disk"
)

// loose is a directory of loose objects, objects/ in a SHA-1 repository. go-git decodes the
// bytes of an object. This package writes objects and makes them durable: it names them as
// git does (a temporary file in the object's directory, renamed once it is complete and
// synced), and then syncs the directories, which git does not.
type loose struct {
	dir   string
	cache *objectCache
}

func (d loose) fanOut(id refs.OID) string { return filepath.Join(d.dir, string(id[:2])) }
func (d loose) path(id refs.OID) string   { return filepath.Join(d.dir, string(id[:2]), string(id[2:])) }

// has reports whether the object exists. An empty file does not count: some file systems
// leave one after power loss.
func (d loose) has(id refs.OID) bool {
	st, err := os.Lstat(d.path(id))
	return err == nil && st.Size() > 0
}

// read returns one object, or ErrTooLarge. git judges every other problem, because it may
// also have the object in a pack.
func (d loose) read(id refs.OID, limit int64) (refs.Object, error) {
	file, err := os.Lstat(d.path(id))
	if err != nil {
		return refs.Object{}, err
	}
	if o, ok := d.cache.get(id, file); ok && int64(len(o.Data)) <= limit {
		return o, nil
	}
	f, err := statefile.Open(d.path(id))
	if err != nil {
		return refs.Object{}, err
	}
	defer f.Close()
	r, err := objfile.NewReader(bufio.NewReader(f))
	if err != nil {
		return refs.Object{}, err
	}
	defer r.Close()
	t, size, err := r.Header()
	if err != nil {
		return refs.Object{}, err
	}
	if size < 0 {
		return refs.Object{}, refs.ErrCorrupt
	}
	if size > limit {
		return refs.Object{}, fmt.Errorf("object '%s': %w", id, refs.ErrTooLarge)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(r, data); err != nil {
		return refs.Object{}, err
	}
	// Only the end of the stream shows that it is complete.
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		return refs.Object{}, refs.ErrCorrupt
	}
	if h := r.Hash(); hex.EncodeToString(h[:]) != string(id) {
		return refs.Object{}, refs.ErrCorrupt
	}
	k := refs.Kind(t) // numbered as in a pack, like Kind
	if k.String() == refs.Other.String() {
		k = refs.Other
	}
	o := refs.Object{Kind: k, Data: data}
	if now, err := f.Stat(); err == nil && os.SameFile(file, now) {
		d.cache.put(id, o, file)
	}
	return o, nil
}

// store makes the objects exist and survive power loss. ids are their ids.
func (d loose) store(ids []refs.OID, objs []refs.Object) error {
	var missing []int
	seen := make(map[refs.OID]bool, len(ids))
	dirs := map[string]bool{d.dir: true}
	for i, id := range ids {
		if seen[id] {
			continue
		}
		seen[id] = true
		dirs[d.fanOut(id)] = true
		if !d.has(id) || !freshen(d.path(id)) { // freshen fails on another user's file
			missing = append(missing, i)
		}
	}
	temps := make([]string, len(missing))
	defer func() {
		for _, name := range temps {
			if name != "" {
				os.Remove(name)
			}
		}
	}()
	err := disk.AtOnce(len(missing), func(k int) (err error) {
		temps[k], err = d.temp(ids[missing[k]], objs[missing[k]])
		return err
	})
	if err != nil {
		return err
	}
	fault.Point("refs.write.synced")
	for k, i := range missing {
		if k == 1 {
			fault.Point("refs.write.one-named")
		}
		if err := os.Rename(temps[k], d.path(ids[i])); err != nil {
			return err
		}
		temps[k] = ""
	}
	fault.Point("refs.write.named")
	// Also the directories of objects that existed: the process that stored them may not
	// have synced yet.
	var list []string
	for dir := range dirs {
		list = append(list, dir)
	}
	return disk.AtOnce(len(list), func(i int) error { return disk.SyncDir(list[i]) })
}

// temp writes an object to a temporary file in its directory, complete and synced. After a
// failure there is no file.
func (d loose) temp(id refs.OID, o refs.Object) (string, error) {
	dir := d.fanOut(id)
	if err := statefile.MakeDir(dir); err != nil {
		return "", err
	}
	packed, err := deflate(o)
	if err != nil {
		return "", err
	}
	f, err := statefile.CreateMode(dir, "tmp_obj_", 0o444) // gc removes leftover files
	if err != nil {
		return "", err
	}
	if _, err = f.Write(packed); err == nil {
		err = f.Sync()
	}
	if st, serr := f.Stat(); err == nil && serr == nil {
		d.cache.put(id, o, st)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// deflaters are kept for the next object: making one costs more than a small
// object's compression.
var deflaters = sync.Pool{New: func() any {
	z, _ := zlib.NewWriterLevel(io.Discard, zlib.BestSpeed) // git's level; the only possible error is an invalid level
	return z
}}

// deflate encodes a loose object.
func deflate(o refs.Object) ([]byte, error) {
	var b bytes.Buffer
	z := deflaters.Get().(*zlib.Writer)
	defer deflaters.Put(z)
	z.Reset(&b)
	_, err := fmt.Fprintf(z, "%s %d\x00", o.Kind, len(o.Data))
	if err == nil {
		_, err = z.Write(o.Data)
	}
	if err = errors.Join(err, z.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// freshen gives an object the current time, as if it had been written now, so that garbage
// collection does not take it for a leftover.
func freshen(path string) bool {
	now := time.Now()
	return os.Chtimes(path, now, now) == nil
}
