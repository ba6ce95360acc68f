package refs

import (
	"context"
	"errors"
	"fmt"
)

// Ref is a name and the commit it points to.
type Ref struct {
	Name string
	OID  OID
}

// Update is one ref's part of a Swap.
type Update struct {
	Ref string
	Old OID // what the ref must be now; "" = it must not exist
	New OID // what it becomes; "" = it is deleted
}

// Errors of a Local. Test with errors.Is.
var (
	// ErrConflict means that a ref did not have the value that Swap expected. Nothing
	// moved. Read the ref again and decide again. It is returned as a *ConflictError.
	ErrConflict = errors.New("ref has moved")
	// ErrMissing means that an object does not exist.
	ErrMissing = errors.New("object is missing")
	// ErrCorrupt means that an object exists but cannot be read.
	ErrCorrupt = errors.New("object is corrupt")
	// ErrTooLarge means that an object exceeds the limit given to Read.
	ErrTooLarge = errors.New("object is too large")
	// ErrNameTaken means that a ref cannot be created because its name is a directory of
	// another ref's name, or the reverse ('a' and 'a/b').
	ErrNameTaken = errors.New("ref name collides with another ref")
	// ErrLocked means that another process held a ref's lock for longer than Swap waits.
	// Nothing moved.
	ErrLocked = errors.New("ref is locked by another process")
	// ErrStorage means that the repository could not be read or written because a program
	// that it needs failed or died. It implies nothing about the stored data.
	ErrStorage = errors.New("storage failed")
	// ErrClosed means that Close was called before.
	ErrClosed = errors.New("repository is closed")
	// ErrBadName means that git or this program does not accept a ref name.
	ErrBadName = errors.New("bad ref name")
)

// ConflictError names the first ref of a Swap that did not have the expected value.
type ConflictError struct {
	Ref      string
	Old, Got OID // expected and found; "" = absent
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("ref '%s' is %s, not %s", e.Ref, orAbsent(e.Got), orAbsent(e.Old))
}

// Unwrap makes errors.Is(err, ErrConflict) true.
func (e *ConflictError) Unwrap() error { return ErrConflict }

func orAbsent(id OID) string {
	if id == "" {
		return "absent"
	}
	return "'" + string(id) + "'"
}

// Local is one repository's objects and refs: the operations that a log needs and no more.
//
// All methods may be called from several goroutines at once, while other processes use the
// same repository, git itself included. Nothing is cached between calls except a running
// reader: the results of Refs and Read were true at some moment during the call.
type Local interface {
	// Format returns how object ids are computed and how long they are.
	Format() Format

	// Refs returns all refs whose name begins with prefix, sorted by name
	// (bytewise). The prefix is a literal string; "refs/a/" never matches
	// "refs/ab". No ref is not an error. A ref whose object is missing is
	// listed like any other.
	Refs(ctx context.Context, prefix string) ([]Ref, error)

	// Read calls each once per id, in the order of ids, from the caller's goroutine. If an
	// object is missing or larger than limit bytes, each gets ErrMissing, ErrCorrupt or
	// ErrTooLarge and no Data, and the call continues. Data belongs to each from then on.
	// An error returned by each ends the call and is returned unchanged. An id may occur
	// twice. A too large object uses no memory. each must not call the same Local.
	Read(ctx context.Context, ids []OID, limit int64, each func(i int, o Object, err error) error) error

	// Write stores the objects and returns their ids in the same order. When it returns
	// nil, each of them exists and survives power loss (they are synced with their
	// directories). It is idempotent: storing an existing object succeeds. After an error
	// some of the objects may have been stored; they are garbage and do no harm.
	Write(ctx context.Context, objs []Object) ([]OID, error)

	// Swap moves all refs or none. It fails with a *ConflictError (Is ErrConflict) if some
	// ref does not have its Old value, whatever the reason; with ErrLocked if another
	// process held a lock for the whole bounded wait; with ErrNameTaken, ErrBadName or
	// ErrMissing if it can never work. When it returns nil, the move survives power loss,
	// including the ref's directory. An Update with Old == New only verifies. Once git has
	// started, the call does not end early when ctx is done, so the caller always learns
	// the result. No updates at all is success.
	//
	// It is not idempotent: repeating a Swap is a conflict. A limit: power loss in the
	// middle of a Swap of several refs may leave some of them moved (git's own limit).
	Swap(ctx context.Context, ups []Update) error

	// SwapInOrder is Swap for moves that make sense even if only the first few are made:
	// refs seen on the hub, or a line and then the decision about it. It starts no process
	// in cases in which Swap may have to. A conflict moves nothing, as with Swap; but if
	// the process is killed in the middle, the first moves are made and the others are not.
	SwapInOrder(ctx context.Context, ups []Update) error

	// Close ends the processes that were started. Later calls are an error.
	Close() error
}

// IgnoreMissing returns err unless it means that an object is missing. A chain with missing
// objects is judged, or not, when it is read.
func IgnoreMissing(err error) error {
	if errors.Is(err, ErrMissing) {
		return nil
	}
	return err
}

// IgnoreConflict returns err unless it means that a ref has moved.
func IgnoreConflict(err error) error {
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}
